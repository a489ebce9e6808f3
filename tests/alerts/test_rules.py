"""rules.yaml: what it may say; what is wrong, where, and how to mend it; what is doubtful."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from msgspec.structs import replace

from streams.alerts.match import mismatch
from streams.alerts.rule_checks import Known
from streams.alerts.rule_doubts import doubts_of
from streams.alerts.rule_file import parse_rules
from streams.alerts.rules import read_rules
from streams.config import default_config_folder
from streams.content import read_content
from streams.errors import ConfigError
from streams.records import Condition, Figure, Silence
from streams.testing import NOW
from tests.alerts.rule_samples import mentions, rules

GOOD = """
rules:
  - id: ai
    name: A figure and AI
    figures: {any: [ada], min_confidence: 0.8}
    policy_topics: {all: [ai], min_score: 0.6}
    sources: {langs: [de], tiers: [1]}
    severity: {base: urgent, bump: [headline]}
    max_age: 6h
    any:
      - figures: {roles: [speaker], fields: [title], together: [bob]}
      - {sources: {feeds: [wire]}}
    not: [{policy_topics: {any: [regulation]}}]
    when: {kind: count, at_least: 3, window: 2h}
    group_by: figure
    schedule:
      timezone: Europe/Berlin
      active: ["Mon-Fri 07:00-20:00"]
    silences:
      - {start: 2026-12-24, end: 2026-12-26, author: Bo, comment: Christmas}
    route: policy-desk
"""
ADA = Figure(figure_id="ada", name="Ada Example", kind="person", lists=("people",))
BOB = Figure(figure_id="bob", name="Bob Example", kind="person", active=False)
KNOWN = Known((ADA, BOB), frozenset({"ai", "regulation"}), frozenset({"wire", "post"}))


def read(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return read_rules(
        path, figures=KNOWN.figures, policy_topics=KNOWN.policy_topics, feeds=KNOWN.feeds
    )


def test_a_rule_is_read_whole(tmp_path):
    (rule,) = read(tmp_path, GOOD)
    assert rule.rule_id == "ai"
    assert rule.figures.any == ("ada",)
    assert rule.policy_topics.all == ("ai",)
    assert rule.sources.tiers == (1,)
    assert rule.severity.base == "urgent"
    assert rule.max_age_seconds == 6 * 3600
    assert rule.origin == "file"
    title, wire = rule.any
    assert (title.figures.roles, title.figures.fields) == (("speaker",), ("title",))
    assert (title.figures.together, wire.sources.feeds) == (("bob",), ("wire",))
    assert rule.none[0].policy_topics.any == ("regulation",)
    assert rule.when == Condition(kind="count", at_least=3, window_seconds=7200)
    assert rule.group_by == "figure"
    assert rule.schedule.timezone == "Europe/Berlin"
    assert rule.schedule.active == ("Mon-Fri 07:00-20:00",)
    assert rule.route == "policy-desk"


def test_thresholds_within_a_rule_are_those_of_the_rule(tmp_path):
    (rule,) = read(tmp_path, GOOD)
    assert rule.none[0].policy_topics.min_score == 0.6
    # The rule's own confidence holds anyway; a `not` shuts out unsure mentions, too.
    assert rule.none[0].figures.min_confidence == 0.0


@pytest.mark.parametrize(
    ("when", "window"),
    [
        ("{kind: first_seen}", 30 * 86_400),
        ("{kind: silence}", 86_400),
        ("{kind: distinct_sources, at_least: 2}", 3600),
        ("{kind: distinct_sources, at_least: 2, window: 3d}", 3 * 86_400),
    ],
)
def test_windows_that_are_not_given(tmp_path, when, window):
    (rule,) = read(tmp_path, f"rules: [{{id: a, when: {when}}}]")
    assert rule.when.window_seconds == window


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("start: 2026-12-24, end: 2026-12-26", (23, 23), (26, 23)),
        ('start: "2026-12-24", end: "2026-12-26"', (23, 23), (26, 23)),
        ("start: 2026-12-24 18:00, end: 2026-12-24 20:00:00", (24, 17), (24, 19)),
        ("start: 2026-12-24T18:00Z, end: 2026-12-24T20:00:00-02:00", (24, 18), (24, 22)),
    ],
)
def test_silences_are_in_the_time_zone_of_the_rule(tmp_path, times, start, end):
    text = GOOD.replace("start: 2026-12-24, end: 2026-12-26", times)
    (silence,) = read(tmp_path, text)[0].silences
    assert silence.start == datetime(2026, 12, start[0], start[1], tzinfo=UTC)
    assert silence.end == datetime(2026, 12, end[0], end[1], tzinfo=UTC)


def test_silences_of_many_rules(tmp_path):
    text = """
    rules: [{id: a, schedule: {timezone: Europe/Berlin}}, {id: b}, {id: c}]
    silences:
      - {rules: [a, b], figures: [ada], start: 2026-12-24 12:00, end: 2026-12-25, author: B, comment: x}
      - {start: 2026-01-01, end: 2026-01-01, author: B, comment: y}
    """
    first, second, third = read(tmp_path, text)
    assert [silence.comment for silence in first.silences] == ["x", "y"]
    assert [silence.comment for silence in third.silences] == ["y"]
    assert first.silences[0].start == datetime(2026, 12, 24, 11, tzinfo=UTC)
    assert second.silences[0] == Silence(
        figures=("ada",),
        start=datetime(2026, 12, 24, 12, tzinfo=UTC),
        end=datetime(2026, 12, 26, tzinfo=UTC),
        author="B",
        comment="x",
    )


def test_the_starter_rules_are_sound_and_free_of_doubt():
    content = read_content(default_config_folder())
    known = Known(
        tuple(content.figures.values()), frozenset(content.policy_topics), frozenset(content.feeds)
    )
    file = parse_rules(default_config_folder() / "rules.yaml")
    assert file.check(known) == []
    assert doubts_of(file.rules, known, NOW) == []


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("id: ai", "id: AI policy", [":3:", "rules[0].id"]),
        ("any: [ada]", "any: [eve]", [":5:", "rule 'ai', figures.any", "no figure 'eve'"]),
        ("any: [ada]", "lists: [peple]", ["no figure list 'peple'", "did you mean 'people'?"]),
        ("any: [ada]", "exclude: [ada], any: [bob, ada]", [":5:", "'ada' is in figures.any too"]),
        ("any: [ada]", "any: [ada], together: [ada]", [":5:", "never beside itself"]),
        ("[speaker]", "[talker]", [":11:", "any[0].figures.roles", "'talker'"]),
        ("[title]", "[headline]", [":11:", "any[0].figures.fields", "'headline'"]),
        ("together: [bob]", "together: [bop]", [":11:", "any[0].figures.together", "'bob'?"]),
        ("feeds: [wire]", "feeds: [wires]", [":12:", "no feed 'wires'", "did you mean 'wire'?"]),
        ("feeds: [wire]", "feeds: [wire], exclude: [wire]", [":12:", "any[1].sources.feeds too"]),
        ("- {sources: {feeds: [wire]}}", "- {}", [":12:", "any[1]", "says nothing", "remove it"]),
        ("all: [ai]", "all: [aj]", ["no policy topic 'aj'", "a policy topic that exists"]),
        ("all: [ai]", "all: [ai], none: [ai]", [":6:", "'ai' is in policy_topics.all too"]),
        ("any: [regulation]", "any: [ai], none: [ai]", [":13:", "not[0].policy_topics.any too"]),
        ("max_age: 6h", "max_age: soon", [":9:", "rule 'ai', max_age", "'soon'", "6h"]),
        ("tiers: [1]", "tiers: [4]", [":7:", "tiers[0]"]),
        ("langs: [de]", "langs: [German]", [":7:", "langs[0]"]),
        ("base: urgent", "base: huge", [":8:", "severity.base"]),
        ("severity:", "severty:", [":8:", "did you mean 'severity'?"]),
        ("kind: count", "kind: cont", [":14:", "when.kind"]),
        ("kind: count", "knid: count", [":14:", "did you mean 'kind'?"]),
        ("at_least: 3", "at_least: 0", [":14:", "when.at_least"]),
        ("at_least: 3", "at_least: 1", [":14:", "count needs at_least of 2 or more", "match"]),
        ("at_least: 3, window: 2h", "window: 2h", [":14:", "needs at_least"]),
        ("window: 2h", "window: 60d", [":14:", "when.window", "longer than the 30 days"]),
        ("window: 2h", "window: long", [":14:", "when.window", "'long'"]),
        ("kind: count", "kind: match", [":14:", "when.window", "nothing for kind 'match'"]),
        ("count, at_least: 3, window: 2h", "burst, at_least: 4", [":14:", "levels 1 to 3"]),
        (
            "count, at_least: 3",
            "first_seen, at_least: 3",
            [":14:", "nothing for kind 'first_seen'"],
        ),
        ("group_by: figure", "group_by: day", [":15:", "group_by"]),
        ("Europe/Berlin", "Europe/Berlim", [":17:", "no time zone", "'Europe/Berlin'?"]),
        ("Mon-Fri 07:00", "Mon-Foo 07:00", [":18:", "schedule.active", "'Foo'", "write Mon, Tue"]),
        ("07:00-20:00", "07:00", [":18:", "schedule.active", "not a span"]),
        ("end: 2026-12-26", "end: 2026-12-20", [":20:", "silences[0].end", "is not after start"]),
        ("end: 2026-12-26", "end: 2027-12-26", [":20:", "lasts 368 days, 30 at most"]),
        ("end: 2026-12-26", "end: tomorrow", [":20:", "'tomorrow' is no time", "2026-12-24 18:00"]),
        ("end: 2026-12-26", "end: 12", [":20:", "'12' is no time"]),
        ("author: Bo", 'author: ""', [":20:", "silences[0].author"]),
        (", comment: Christmas", "", [":20:", "missing required field `comment`", "add it"]),
        ("min_score: 0.6", "min_score: 6", [":6:", "min_score"]),
        ("route: policy-desk", "route: Policy Desk", [":21:", "route"]),
    ],
)
def test_errors(tmp_path, old, new, parts):
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("silence", "parts"),
    [
        ("rules: [aa], start: 2026-01-01, end: 2026-01-02", [":5:", "no rule 'aa'"]),
        ("start: 2026-01-02, end: 2026-01-01", [":5:", "silences[0].end", "not after start"]),
        ("start: soon, end: 2026-01-01", [":5:", "silences[0].start", "'soon' is no time"]),
        ("figures: [eve], start: 2026-01-01, end: 2026-01-02", [":5:", "no figure 'eve'"]),
    ],
)
def test_a_mistake_in_a_silence_of_many_rules_is_told_once(tmp_path, silence, parts):
    path = tmp_path / "rules.yaml"
    text = (
        f"rules:\n  - id: ab\n  - {{id: cd}}\nsilences:\n  - {{{silence}, author: B, comment: x}}\n"
    )
    path.write_text(text)
    assert len(parse_rules(path).check(KNOWN)) == 1
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    for part in parts:
        assert part in str(caught.value)


def test_a_silent_figure_has_no_story(tmp_path):
    read(tmp_path, "rules: [{id: a, when: {kind: silence}}]")
    with pytest.raises(ConfigError, match=r":1:.*group_by: cannot be story.*write figure"):
        read(tmp_path, "rules: [{id: a, when: {kind: silence}, group_by: story}]")


def test_an_id_used_twice(tmp_path):
    with pytest.raises(ConfigError, match=r":3: .*used twice"):
        read(tmp_path, GOOD + "  - id: ai\n")


def test_all_mistakes_are_found_at_once(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD.replace("6h", "soon").replace("[ada]", "[eve]").replace("2h", "60d"))
    file = parse_rules(path)
    assert sorted(file.line(each) for each in file.check(KNOWN)) == [5, 9, 14]


# --- doubts -----------------------------------------------------------------------------------

AI = "policy_topics: {any: [ai]}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[{{id: a, {AI}}}]", []),
        ("[{id: a}]", ["matches every mention"]),
        ("[{id: a, not: [{sources: {feeds: [wire]}}]}]", []),
        ("[{id: a, when: {kind: count, at_least: 9}}]", []),
        ("[{id: a, enabled: false}]", []),
        ("[{id: a, figures: {any: [bob]}}]", ["no active figure"]),
        ("[{id: a, figures: {lists: [people], exclude: [ada]}}]", ["no active figure"]),
        (f"[{{id: a, {AI}, not: [{{{AI}}}]}}]", ["this shuts out all"]),
        (f"[{{id: a, {AI}, not: [{{policy_topics: {{any: [ai], min_score: 0.9}}}}]}}]", []),
        (
            "[{id: a, policy_topics: {none: [ai]}, any: [{policy_topics: {all: [ai]}}]}]",
            ["contradicts the rest"],
        ),
        (
            "[{id: a, sources: {langs: [de]}, any: [{sources: {langs: [en]}}, {sources: {tiers: [1]}}]}]",
            [],
        ),
        (f"[{{id: a, {AI}}}, {{id: b, {AI}}}]", ["'a' matches too"]),
        (f"[{{id: a, {AI}}}, {{id: b, {AI}, figures: {{any: [ada]}}}}]", ["'a' matches too"]),
        (f"[{{id: a, {AI}}}, {{id: b, {AI}, route: night}}]", []),
        (f"[{{id: a, {AI}}}, {{id: b, {AI}, when: {{kind: burst}}}}]", []),
        (f"[{{id: a, {AI}}}, {{id: b, {AI}, enabled: false}}]", []),
        (
            f"[{{id: a, {AI}}}, {{id: b, policy_topics: {{any: [ai, regulation]}}}}]",
            ["'b' matches"],
        ),
        (f"[{{id: a, {AI}}}, {{id: b, policy_topics: {{any: [ai], min_score: 0.4}}}}]", ["'b' m"]),
        (
            f"[{{id: a, {AI}, not: [{{sources: {{tiers: [3]}}}}]}}, {{id: b, {AI}}}]",
            ["'b' matches"],
        ),
        (
            f"[{{id: a, {AI}, sources: {{tiers: [1]}}}}, {{id: b, {AI}, sources: {{exclude: [wire]}}}}]",
            [],
        ),
        (
            "[{id: a, figures: {any: [ada, bob]}}, {id: b, figures: {any: [ada]}}]",
            ["'a' matches too"],
        ),
    ],
)
def test_doubts(tmp_path, text, told):
    path = tmp_path / "rules.yaml"
    path.write_text(f"rules: {text}")
    file = parse_rules(path)
    assert file.check(KNOWN) == []
    doubts = doubts_of(file.rules, KNOWN, NOW)
    assert len(doubts) == len(told)
    for each, words in zip(doubts, told, strict=True):
        assert words in each.message
        assert file.line(each) == 1


def test_a_silence_that_is_over_is_told(tmp_path):
    (rule,) = read(tmp_path, GOOD)
    (doubt,) = doubts_of([rule], KNOWN, datetime(2027, 1, 1, tzinfo=UTC))
    assert "was over at 2026-12-26 23:00 UTC" in doubt.message


def test_one_silence_of_many_rules_is_one_doubt(tmp_path):
    path = tmp_path / "rules.yaml"
    silence = "{start: 2026-01-01, end: 2026-01-01, author: B, comment: x}"
    path.write_text(
        f"rules:\n  - {{id: a, {AI}}}\n  - {{id: b, route: c}}\nsilences:\n  - {silence}\n"
    )
    file = parse_rules(path)
    doubts = file.placed(doubts_of(file.rules, KNOWN, NOW))
    told = [(file.line(each), each.field) for each in doubts if "was over" in each.message]
    assert told == [(5, "silences[0].end")]


@given(rules, rules, mentions)
def test_a_rule_that_is_said_to_match_more_does(narrow, wide, mention):
    narrow, wide = replace(narrow, rule_id="narrow"), replace(wide, rule_id="wide")
    doubts = doubts_of([narrow, wide], Known(), NOW)
    by_rule = {each.rule_id: each.message for each in doubts if "matches too" in each.message}
    if "narrow" in by_rule and not mismatch(narrow, mention):
        assert mismatch(wide, mention) == ""
    if "wide" in by_rule and not mismatch(wide, mention):
        assert mismatch(narrow, mention) == ""


@given(rules, mentions)
def test_a_rule_that_is_said_to_never_match_does_not(rule, mention):
    messages = [each.message for each in doubts_of([rule], Known(), NOW)]
    if any("can never match" in message for message in messages):
        assert mismatch(rule, mention)
    if any("matches every mention" in message for message in messages):
        assert not mismatch(rule, mention) or mention.figure.confidence < 0.75
