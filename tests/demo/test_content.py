"""What the demo promises to hold, so that an edit of the scripts cannot hollow it out."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from streams.demo.script import CONTENT, load_scripts
from streams.errors import ConfigError

SCRIPTS = load_scripts()
ITEMS = {f"{script.feed.id}/{item.id}": item for script in SCRIPTS for item in script.items}
ORIGINALS = [item for item in ITEMS.values() if not item.copy_of]

FIGURES = {
    *("mark-zuckerberg", "donald-trump", "elon-musk", "ursula-von-der-leyen", "friedrich-merz"),
    *("sam-altman", "sundar-pichai", "satya-nadella", "tim-cook", "henna-virkkunen"),
    *("max-schrems", "meta", "openai", "google", "tiktok", "apple", "microsoft", "amazon"),
    *("bundesnetzagentur", "bundeskartellamt", "european-commission"),
}
POLICY_TOPICS = {
    *("ai", "regulation", "content-moderation", "data-protection", "competition"),
    *("copyright", "elections"),
}


def test_outlets_of_both_languages_all_formats_and_an_old_charset() -> None:
    languages = Counter(script.feed.lang for script in SCRIPTS)
    assert min(languages["de"], languages["en"]) >= 3
    assert 6 <= len(SCRIPTS) <= 8
    assert {script.feed.format for script in SCRIPTS} == {"rss", "rdf", "atom", "json"}
    assert "iso-8859-1" in {script.feed.charset for script in SCRIPTS}
    assert any(script.feed.html and "&nbsp;" in item.summary for script in SCRIPTS for item in script.items)  # fmt: skip
    assert len({script.feed.path for script in SCRIPTS}) == len(SCRIPTS)
    assert len({script.feed.title for script in SCRIPTS}) == len(SCRIPTS)


def test_ids_are_unique_and_every_item_has_a_title_and_a_summary() -> None:
    assert len(ITEMS) == sum(len(script.items) for script in SCRIPTS)
    assert [key for key, item in ITEMS.items() if not (item.title and item.summary)] == []


def test_as_much_as_promised_of_each_kind() -> None:
    kinds = Counter(item.kind for item in ORIGINALS)
    assert kinds["policy"] >= 50
    assert kinds["other"] + kinds["trap"] >= 50
    assert kinds["trap"] >= 12


def test_wire_copies_are_verbatim_later_and_in_other_outlets() -> None:
    copies = {key: item for key, item in ITEMS.items() if item.copy_of}
    verbatim = [
        item for item in copies.values()
        if (item.title, item.summary) == (ITEMS[item.copy_of].title, ITEMS[item.copy_of].summary)
    ]  # fmt: skip
    assert len(verbatim) >= 8
    assert len(copies) - len(verbatim) >= 4
    for key, item in copies.items():
        assert key.split("/")[0] != item.copy_of.split("/")[0]
        assert item.at > ITEMS[item.copy_of].at
        assert (item.kind, item.expect) == (ITEMS[item.copy_of].kind, ITEMS[item.copy_of].expect)


def test_updates_change_something_later_and_one_is_a_correction() -> None:
    updated = [item for item in ITEMS.values() if item.updates]
    assert len(updated) >= 6
    for item in updated:
        for update in item.updates:
            assert update.at > item.at
            assert (update.title or item.title, update.summary or item.summary) != (
                item.title,
                item.summary,
            )
    assert any("CORRECTION" in update.title for item in updated for update in item.updates)


def test_the_awkward_ones_are_there() -> None:
    awkward = ITEMS.values()
    assert any(item.undated for item in awkward)
    assert any(item.future for item in awkward)
    assert any("<script>" in item.title for item in awkward)
    assert any(len(item.body) > 5_000 for item in awkward)
    without_guid = {key.split("/")[0] for key, item in ITEMS.items() if item.no_guid}
    rss = {script.feed.id for script in SCRIPTS if script.feed.format == "rss"}
    assert without_guid
    assert without_guid <= rss


def test_labels_are_complete_and_known() -> None:
    for key, item in ITEMS.items():
        if item.kind == "other":
            assert not (item.expect and item.expect.policy_topics), key
            continue
        assert item.expect is not None, key
        assert set(item.expect.figures) <= FIGURES, key
        assert set(item.expect.policy_topics) <= POLICY_TOPICS, key
        assert bool(item.expect.figures) == (item.kind == "policy"), key
        assert bool(item.expect.policy_topics) == (item.kind == "policy"), key


def test_every_figure_and_policy_topic_occurs() -> None:
    labels = [item.expect for item in ORIGINALS if item.expect]
    assert {figure for label in labels for figure in label.figures} == FIGURES
    assert {topic for label in labels for topic in label.policy_topics} == POLICY_TOPICS


def test_news_comes_at_once_then_steadily_for_a_quarter_of_an_hour() -> None:
    seconds = sorted(item.at for item in ITEMS.values())
    assert 8 <= sum(second <= 4 for second in seconds) <= 12
    assert any(item.kind == "policy" and 1 < item.at <= 4 for item in ITEMS.values())
    early = [second for second in seconds if second <= 180]
    assert max(later - earlier for earlier, later in pairwise([*early, 180])) <= 10
    assert seconds[-1] >= 15 * 60
    assert max(later - earlier for earlier, later in pairwise(seconds)) <= 30


def test_a_copy_of_nothing_and_a_misspelt_field_are_reported(tmp_path: Path) -> None:
    script = (CONTENT / "bitrate.yaml").read_text("utf-8")
    (tmp_path / "bitrate.yaml").write_text(script, "utf-8")
    with pytest.raises(ConfigError, match="no original item"):
        load_scripts(tmp_path)  # its originals are in other files
    (tmp_path / "bitrate.yaml").write_text(script.replace("author:", "autor:"), "utf-8")
    with pytest.raises(ConfigError, match="author"):
        load_scripts(tmp_path)
