"""Policy topics: the starter lexicon on frozen headlines, its rules, and its errors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.lexicon import PolicyLexicon
from streams.enrich.policy import PolicyMatcher, read_policy
from streams.enrich.text import make_document
from streams.errors import ConfigError, NotFoundError
from streams.records import Entity, Evidence, FigureHit, PolicyTopicHit

POLICY = Path(__file__).resolve().parents[2] / "deploy" / "config" / "policy"
SEED = (
    Path(__file__).resolve().parents[2].parent
    / "shared/data/seed/zuckerberg-trump-ki-berater.de.txt"
)
DATA = Path(__file__).parent / "data"
FLOORS = {
    ("policy_headlines.yaml", "ai"): 0.95,
    ("policy_headlines.yaml", "regulation"): 0.9,
    ("policy_headlines.yaml", "content-moderation"): 0.85,
    ("policy_examples.yaml", "ai"): 0.9,
    ("policy_examples.yaml", "regulation"): 0.95,
    ("policy_examples.yaml", "content-moderation"): 0.9,
}
"""F-measures, just below what was measured: 1.00, 0.98, 0.90 on the frozen headlines, and 0.96,
0.99, 0.98 on the examples, which the lexicon was tuned on."""


@pytest.fixture(scope="module")
def starter() -> PolicyMatcher:
    return PolicyMatcher(read_policy(POLICY))


def topics(matcher: PolicyMatcher, text: str, lang: str = "de") -> dict[str, PolicyTopicHit]:
    return {hit.policy_topic: hit for hit in matcher.find(make_document(text), lang)}


def small(**topic: object) -> PolicyMatcher:
    """A matcher for one topic, "t"."""
    slots = topic.pop("slots", [])
    source = {"topics": [{"id": "t", "name": "T", **topic}], "slots": slots}
    return PolicyMatcher(msgspec.convert(source, PolicyLexicon))


# --- the starter lexicon -----------------------------------------------------------------------


@pytest.mark.parametrize(("file", "topic"), FLOORS)
def test_labelled_headlines(starter: PolicyMatcher, file: str, topic: str) -> None:
    counts: Counter[tuple[bool, bool]] = Counter()
    for row in yaml.safe_load((DATA / file).read_text("utf-8")):
        counts[topic in topics(starter, row["text"], row["lang"]), topic in row["topics"]] += 1
    right, wrong, missed = counts[True, True], counts[True, False], counts[False, True]
    assert 2 * right / (2 * right + wrong + missed) >= FLOORS[file, topic]


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("Instagram hat das Konto eines Politikers gesperrt.", "de", "content-moderation"),
        ("Ein Konto wurde von Instagram gesperrt.", "de", "content-moderation"),
        ("Sperrung des Kontos durch Instagram", "de", "content-moderation"),
        ("Bußgeld gegen TikTok: Behörde greift durch", "de", "regulation"),
        ("TikTok was fined by the Irish regulator.", "en", "regulation"),
        ("Die neuen KI-Verordnungen kommen im Mai.", "de", "regulation"),
        ("Folgen des Netzwerkdurchsetzungsgesetzes", "de", "regulation"),
        ("Facebook schränkt die Reichweite von Beiträgen ein.", "de", "content-moderation"),
        ("Was mit künstlicher Intelligenz möglich ist", "de", "ai"),
    ],
)
def test_active_passive_nominal_and_inflected_forms(
    starter: PolicyMatcher, text: str, lang: str, expected: str
) -> None:
    assert expected in topics(starter, text, lang)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        # hosts without a name, whom they shut out, and what
        ("Tauschportal verbannt Händler mit gefälschten Uhren", "de"),
        ("Bastelforum wirft drei Mitglieder hinaus", "de"),
        ("Die Wander-App zeigt keine Kommentare mehr zu Jagdhütten.", "de"),
        ("Games firm benches 400 players for slurs in chat", "en"),
        ("A recipe site will no longer show reviews by bots.", "en"),
        ("Her clip was deleted by the app within minutes.", "en"),
        # reach, money, labels, age
        ("Suchmaschine stuft Seiten mit erfundenen Tests herab", "de"),
        ("Kein Geld mehr: Youtuber demonetarisiert", "de"),
        ("Video app cuts reach of political posts", "en"),
        ("Podcaster demonetised over vaccine myths", "en"),
        ("Bilderportal verlangt Alterscheck für Aktfotos", "de"),
        ("Drawing site sets nudes behind an age gate", "en"),
        # what should have gone and did not, and what went by mistake
        ("Morddrohungen blieben tagelang stehen, das Portal hatte sie nicht gelöscht.", "de"),
        ("Threats stayed up for a week, study of four apps finds", "en"),
        ("Filter verwechselt Kirschkuchen mit Nacktheit", "de"),
        ("Classifier mistakes a peach for nudity", "en"),
        # readers' comments, appeals, reports
        ("Die Zeitung schließt ihren Kommentarbereich.", "de"),
        ("Local paper turns off reader comments", "en"),
        ("Streamerin nach Sperre wieder da", "de"),
        ("Reporting buttons lead nowhere, says the communications authority", "en"),
    ],
)
def test_hosts_decide_without_being_named(starter: PolicyMatcher, text: str, lang: str) -> None:
    assert "content-moderation" in topics(starter, text, lang)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Kryptobörse muss Kunden auszahlen", "de"),
        ("Schufa muss Eintrag nach drei Jahren tilgen", "de"),
        ("Buchhalterin löscht Konten doppelt, die Firma merkt es spät", "de"),
        ("Schachklub macht Facebook-Seite dicht", "de"),
        ("Minister kündigt Rückkehr an, darüber hinaus sagt er nichts", "de"),
        ("Der Radprofi hat gegen seine Sperre nach dem Rennen Einspruch eingelegt.", "de"),
        ("Singer quits social media, deleted all her posts", "en"),
        ("Clinic vacancies vanish: job ads taken down", "en"),
        ("Aide wiped messages before the audit", "en"),
        ("Bookkeeper deletes accounts from the ledger, company says", "en"),
        ("A drone strike hit the channel near the port.", "en"),
        ("A man fell from the platform at the station.", "en"),
    ],
)
def test_what_only_looks_like_moderation(starter: PolicyMatcher, text: str, lang: str) -> None:
    assert "content-moderation" not in topics(starter, text, lang)


@pytest.mark.parametrize("text", ["EU-Kommission verklagt Meta", "Parliament votes on AI bill"])
def test_other_languages_use_all_words(starter: PolicyMatcher, text: str) -> None:
    assert "regulation" in topics(starter, text, "und")
    assert "regulation" in topics(starter, text, "fr")


@pytest.mark.skipif(not SEED.exists(), reason="the seed article lies beside the project only")
def test_the_seed_article(starter: PolicyMatcher) -> None:
    document = make_document("", "", SEED.read_text("utf-8"))
    found = {hit.policy_topic: hit for hit in starter.find(document, "de")}
    assert {"ai", "content-moderation", "regulation"} <= found.keys()
    surfaces = {id_: {place.surface for place in hit.evidence} for id_, hit in found.items()}
    assert {"KI-Berater", "künstlichen Intelligenz"} <= surfaces["ai"]
    assert {"gesperrt", "Inhalte", "entfernt", "Trump-Sperre"} <= surfaces["content-moderation"]
    assert "Technologiepolitik" in surfaces["regulation"]


# --- the rules ---------------------------------------------------------------------------------


def test_one_strong_two_weak_or_weak_and_context() -> None:
    matcher = small(
        strong={"de": ["Uploadfilter"]},
        weak={"de": ["Sperre", "Zensur"]},
        context={"de": ["Plattform", "Netzwerk"]},
    )
    for text in ["Ein Uploadfilter kommt.", "Zensur und Sperre.", "Sperre auf der Plattform."]:
        assert topics(matcher, text), text
    for text in ["Eine Sperre, noch eine Sperre.", "Plattform und Netzwerk.", "Ein Filter."]:
        assert not topics(matcher, text), text


def test_context_counts_only_near_its_weak_term() -> None:
    matcher = small(weak={"de": ["Sperre"]}, context={"de": ["Plattform"]})
    assert topics(matcher, "Die Sperre gilt. Die Plattform schweigt.")
    assert not topics(matcher, "Die Sperre gilt. Es regnet. Es schneit. Die Plattform schweigt.")


def test_the_title_weighs_double() -> None:
    matcher = small(strong={"any": ["DSA"]})
    (title,) = matcher.find(make_document("Der DSA gilt"), "de")
    (body,) = matcher.find(make_document("", "", "Der DSA gilt"), "de")
    assert 0.5 <= body.score < title.score <= 1.0
    assert (title.evidence[0].weight, body.evidence[0].weight) == (2.0, 1.0)


def test_a_pattern_may_take_two_sentences() -> None:
    slots = [{"id": "who", "de": ["Behörde"]}, {"id": "act", "de": ["verbieten"]}]
    pattern = {"id": "p", "slots": ["who", "act"], "within": 9, "neighbours": True, "weight": 1.5}
    matcher = small(slots=slots, patterns=[pattern])
    (near,) = matcher.find(make_document("", "", "Die Behörde tagt. Er verbietet es."), "de")
    (same,) = matcher.find(make_document("", "", "Die Behörde verbietet es."), "de")
    assert near.score < same.score
    assert not topics(matcher, "Die Behörde tagt. Es regnet. Er verbietet es.")


def test_figures_and_entities_fill_slots() -> None:
    slots = [
        {"id": "who", "figures": ["regulators"]},
        {"id": "act", "de": ["büßen"]},
        {"id": "whom", "entities": ["ORG"]},
    ]
    matcher = small(slots=slots, patterns=[{"id": "p", "slots": ["who", "act", "whom"]}])
    document = make_document("Glimmlicht muss büßen, sagt Orvelia.")
    place = Evidence(
        field="title",
        start=28,
        end=35,
        surface="Orvelia",
        sentence="",
        sentence_start=0,
        rule="word",
    )
    figure = FigureHit(
        figure_id="o",
        name="O",
        lists=("regulators",),
        confidence=1,
        level="alert",
        mentions=(place,),
    )
    entity = Entity(text="Glimmlicht", label="ORG", start=0, end=10)
    assert not matcher.find(document, "de")
    assert not matcher.find(document, "de", figures=[figure])
    (hit,) = matcher.find(document, "de", figures=[figure], entities=[entity])
    assert {e.surface for e in hit.evidence} == {"Glimmlicht", "büßen", "Orvelia"}


def test_labels_and_media_topics_are_told_with_their_topic() -> None:
    matcher = small(
        iptc=["medtop:11000000"],
        strong={"any": ["DSA"]},
        labels=[
            {"id": "dsa", "name": "Digital Services Act", "terms": {"any": ["DSA"]}},
            {"id": "dma", "name": "DMA", "terms": {"any": ["DMA"]}, "iptc": "medtop:20000763"},
        ],
    )
    hit = topics(matcher, "Der DSA gilt.")["t"]
    assert (hit.labels, hit.iptc) == (("dsa",), ("medtop:11000000",))
    assert not topics(matcher, "Der DMA gilt.")


def test_a_blocked_term_does_not_count() -> None:
    matcher = small(strong={"de": ["*sperre"]}, blockers={"de": ["Grenzsperre"]})
    assert topics(matcher, "Die Kontosperre bleibt.")
    assert not topics(matcher, "Die Grenzsperren bleiben.")


@pytest.mark.parametrize(
    ("term", "hits", "misses"),
    [
        ("sperren", ["Konten gesperrt", "SPERREN", "sperrte"], ["Speer"]),
        ("Beitrag", ["Beiträge", "BEITRAG"], ["beitragen"]),
        ("Meta", ["Meta", "Metas Chef", "META"], ["meta", "Metapher"]),
        ("KI", ["KI", "KI-Chef", "KIs"], ["Ki", "ki", "Kino"]),
        ("*behörde", ["Kartellbehörden", "Behörde"], ["Behördengang"]),
        ("KI-*", ["KI-Chefin", "EU-KI-Gesetz"], ["KI", "Kinder"]),
        ("Daten*gesetz", ["Datenschutzgesetzes", "Daten-Gesetz"], ["Datenschutz"]),
        ("einschränken", ["schränkt es ein.", "eingeschränkt"], ["schränkt ein Haus es"]),
        ("wiederherstellen", ["stellt es wieder her", "wiederhergestellt"], ["stellt Videos her."]),
        ("soziale Medien", ["sozialen Medien"], ["soziale und andere Medien"]),
    ],
)
def test_how_terms_match(term: str, hits: list[str], misses: list[str]) -> None:
    matcher = small(strong={"de": [term]})
    assert [text for text in hits if not topics(matcher, text)] == []
    assert [text for text in misses if topics(matcher, text)] == []


def test_english_inflection() -> None:
    matcher = small(strong={"en": ["ban", "sue", "take down", "policy"]})
    for text in ["banned", "It bans them", "suing", "sued", "taking down", "policies"]:
        assert topics(matcher, text, "en"), text
    assert not topics(matcher, "a band plays", "en")


def test_compounds() -> None:
    matcher = small(compounds=[{"modifiers": ["KI", "Daten"], "heads": ["gesetz"]}])
    for text in ["Das KI-Gesetz", "des Datenschutzgesetzes"]:
        assert topics(matcher, text), text
    assert not topics(matcher, "Das Kindergesetz")


def test_patterns_need_all_slots_in_one_sentence_and_close_together() -> None:
    matcher = small(
        slots=[
            {"id": "who", "de": ["Behörde"]},
            {"id": "act", "de": ["verbieten"]},
            {"id": "road", "de": ["Straße"]},
        ],
        patterns=[{"id": "p", "slots": ["who", "act"], "within": 5, "without": ["road"]}],
    )
    assert topics(matcher, "Die Behörde verbietet es.")
    assert topics(matcher, "Verboten hat es die Behörde.")
    for text in [
        "Die Behörde tagt. Er verbietet es.",
        "Die Behörde hat es nach langer Prüfung gestern verboten.",
        "Die Behörde verbietet es auf der Straße.",
    ]:
        assert not topics(matcher, text), text


def test_one_word_never_fills_two_slots() -> None:
    slots = [{"id": "who", "de": ["*behörde"]}, {"id": "what", "de": ["Daten*"]}]
    matcher = small(slots=slots, patterns=[{"id": "p", "slots": ["who", "what"]}])
    assert not topics(matcher, "Die Datenbehörde tagt.")
    assert topics(matcher, "Die Datenbehörde prüft Daten.")


@given(st.text(st.sampled_from("EU Meta sperrt löscht Konto KI.\n<>-–'’ß"), max_size=300))
def test_evidence_slices_to_its_surface(starter_text: str) -> None:
    document = make_document("EU sperrt Meta: KI löscht Konto", "", starter_text)
    for hit in MATCHER.find(document, "de"):
        assert 0.5 <= hit.score <= 1.0
        for place in hit.evidence:
            assert document.text[place.start : place.end] == place.surface
            inner = place.start - place.sentence_start
            assert place.sentence[inner : inner + len(place.surface)] == place.surface
            assert place.field == document.field_at(place.start)


MATCHER = PolicyMatcher(read_policy(POLICY))


def test_the_version_names_the_content() -> None:
    assert read_policy(POLICY).version == MATCHER.version != small().version


# --- errors ------------------------------------------------------------------------------------

HEAD = "id: ai\nname: AI\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("id: ai\nnam: AI\n", 2, ["nam", "did you mean 'name'"]),
        (HEAD + "strong: {de: [KI, Bot, KI]}\n", 3, ["'KI' is given twice", "strong.de"]),
        (HEAD + "strong: {any: [KI]}\nweak:\n  de: [KI]\n", 5, ["'KI'", "weak.de"]),
        (HEAD + "strong:\n  de:\n    - ''\n", 4, ["empty term"]),
        (HEAD + "strong: {de: ['*a*']}\n", 3, ["'*a*' cannot be matched"]),
        (HEAD + "strong: {it: [KI]}\n", 3, ["unknown field `it`"]),
        (HEAD + "patterns:\n  - {id: p, slots: [a, b]}\n", 4, ["names no slot: 'a'"]),
        (
            HEAD + "slots:\n  - {id: s, de: [KI]}\n  - {id: s, de: [AI]}\n",
            5,
            ["'s' is given twice"],
        ),
        (HEAD + "labels:\n  - {id: l, name: L, terms: {de: ['']}}\n", 4, ["empty term"]),
        (HEAD + "iptc: ['20000763']\n", 3, ["iptc", "medtop"]),
    ],
)
def test_errors_name_file_line_field_and_cure(
    tmp_path: Path, text: str, line: int, words: list[str]
) -> None:
    path = tmp_path / "ai.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_policy(tmp_path)
    assert caught.value.line == line
    assert caught.value.cure
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_two_files_for_one_topic(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD, "utf-8")
    with pytest.raises(ConfigError, match="'ai' is given twice"):
        read_policy(tmp_path)


def test_shared_slots_are_checked_too(tmp_path: Path) -> None:
    (tmp_path / "ai.yaml").write_text(HEAD, "utf-8")
    (tmp_path / "slots.yaml").write_text("slots:\n  - {id: who, de: ['*a*']}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"slots\.yaml.*cannot be matched") as caught:
        read_policy(tmp_path)
    assert caught.value.line == 2


def test_an_empty_folder_has_no_topics(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no topics"):
        read_policy(tmp_path)


def test_a_missing_lexicon(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_policy(tmp_path / "policy")
