"""The five files together: what is wrong in one by what another says."""

import pytest

from streams.content import read_content
from streams.errors import ConfigError
from streams.records import Feed

FILES = {
    "feeds.yaml": "feeds: [{id: wire, url: 'https://wire.example/feed'}]",
    "watchlist.yaml": "figures: [{id: zorv, name: Nina Zorv, kind: person}]",
    "policy/ai.yaml": """
id: ai
name: Artificial intelligence
definition: About machines that learn.
strong: {any: [artificial intelligence]}
""",
    "rules.yaml": "rules: [{id: zorv, figures: {any: [zorv]}, sources: {feeds: [wire]}}]",
    "notify.yaml": """
receivers: [{id: desk, url: 'https://desk.example/in', secret_env: DESK_SECRET, routes: [desk]}]
""",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    (tmp_path / "policy").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_rule_that_names_an_unknown_feed_is_an_error(folder):
    (folder / "rules.yaml").write_text(FILES["rules.yaml"].replace("[wire]", "[wires]"), "utf-8")
    with pytest.raises(ConfigError) as failed:
        read_content(folder)
    assert "no feed 'wires'" in str(failed.value)
    assert failed.value.line == 1
    assert failed.value.cure == "did you mean 'wire'?"


def test_a_rule_may_name_feeds_that_the_demo_does_not_have(folder):
    demo = [Feed(feed_id="demo", url="http://127.0.0.1:1/feed")]
    content = read_content(folder, demo)
    assert set(content.rules) == {"zorv"}
    assert content.warnings == ()


def test_that_nobody_is_told_of_a_rule_is_a_warning(folder):
    (warning,) = read_content(folder).warnings
    assert warning.startswith("rules.yaml: zorv: nobody is told: ")
    assert "desk" in warning
    routed = FILES["rules.yaml"].replace("id: zorv", "id: zorv, route: desk")
    (folder / "rules.yaml").write_text(routed, "utf-8")
    assert read_content(folder).warnings == ()
