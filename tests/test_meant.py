"""What may have been meant."""

import pytest

from streams.meant import close_ids, did_you_mean


@pytest.mark.parametrize(
    ("given_id", "close"),
    [("trump", ["donald-trump"]), ("donald-tramp", ["donald-trump"]), ("zzz", []), ("", [])],
)
def test_ids_that_may_have_been_meant(given_id, close):
    assert close_ids(given_id, ["donald-trump", "tim-cook"]) == close


@pytest.mark.parametrize(
    ("word", "cure"), [("nmae", "did you mean 'name'?"), ("zzz", ""), ("", "")]
)
def test_a_word_spelled_alike_may_have_been_meant(word, cure):
    assert did_you_mean(word, {"name", "kind"}) == cure
