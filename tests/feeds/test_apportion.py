"""Partitions are shared evenly, and move no more than they must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.sharing.apportion import share_out


@pytest.mark.parametrize(
    ("claims", "shares"),
    [
        ({"a": []}, {"a": [0, 1, 2, 3]}),
        ({"a": [], "b": []}, {"a": [0, 2], "b": [1, 3]}),
        # A newcomer gets its part, the others keep the rest.
        ({"a": [0, 1, 2, 3], "b": []}, {"a": [0, 1], "b": [2, 3]}),
        # One has gone: what the others have stays with them.
        ({"a": [3], "b": [0]}, {"a": [1, 3], "b": [0, 2]}),
        # What cannot be dealt evenly stays with whom it is.
        ({"a": [0], "b": [1, 2], "c": [3]}, {"a": [0], "b": [1, 2], "c": [3]}),
        # More members than partitions.
        ({c: [] for c in "abcde"}, {"a": [0], "b": [1], "c": [2], "d": [3], "e": []}),
        # Two say that they have the same, one names what is not there.
        ({"a": [0, 1], "b": [0, 1]}, {"a": [0, 1], "b": [2, 3]}),
        ({"a": [7, -1], "b": [1]}, {"a": [0, 2], "b": [1, 3]}),
    ],
)
def test_shares(claims, shares):
    assert share_out(4, claims) == shares


members = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.lists(st.integers(0, 20)), min_size=1
)


@given(st.integers(0, 24), members)
def test_every_partition_has_one_owner_and_nobody_has_two_more_than_another(partitions, claims):
    shares = share_out(partitions, claims)
    assert shares.keys() == claims.keys()
    assert sorted(p for share in shares.values() for p in share) == list(range(partitions))
    sizes = [len(share) for share in shares.values()]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(0, 24), members)
def test_sharing_out_again_moves_nothing(partitions, claims):
    shares = share_out(partitions, claims)
    assert share_out(partitions, shares) == shares


@given(st.integers(1, 24), st.integers(2, 6), st.data())
def test_only_what_must_move_moves(partitions, count, data):
    """When one of some members ends, the others keep all they have; a newcomer takes only its part."""
    shares = share_out(partitions, {f"m{n}": [] for n in range(count)})
    gone = data.draw(st.sampled_from(sorted(shares)))
    left = {name: share for name, share in shares.items() if name != gone}
    for name, share in share_out(partitions, left).items():
        assert set(left[name]) <= set(share)
    grown = share_out(partitions, shares | {"new": []})
    for name, share in shares.items():
        assert set(grown[name]) <= set(share)
