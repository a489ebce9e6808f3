"""rules.yaml: what is wrong, where, and how to mend it."""

import pytest

from streams.alerts.rules import read_rules
from streams.errors import ConfigError
from streams.records import Figure

GOOD = """
rules:
  - id: ai
    name: A figure and AI
    figures: {any: [ada], min_confidence: 0.8}
    policy_topics: {all: [ai], min_score: 0.6}
    sources: {langs: [de], tiers: [1]}
    severity: {base: urgent, bump: [headline]}
    max_age: 6h
"""


def read(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    ada = Figure(figure_id="ada", name="Ada Example", kind="person", lists=("people",))
    return read_rules(path, figures=[ada], policy_topics=["ai", "regulation"])


def test_a_rule_is_read_whole(tmp_path):
    (rule,) = read(tmp_path, GOOD)
    assert rule.rule_id == "ai"
    assert rule.figures.any == ("ada",)
    assert rule.policy_topics.all == ("ai",)
    assert rule.sources.tiers == (1,)
    assert rule.severity.base == "urgent"
    assert rule.max_age_seconds == 6 * 3600
    assert rule.origin == "file"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("id: ai", "id: AI policy", [":3:", "rules[0].id"]),
        ("any: [ada]", "any: [eve]", ["rule 'ai'", "no figure 'eve'", "a figure that exists"]),
        ("any: [ada]", "lists: [peple]", ["no figure list 'peple'", "did you mean 'people'?"]),
        ("all: [ai]", "all: [aj]", ["no policy topic 'aj'", "a policy topic that exists"]),
        ("max_age: 6h", "max_age: soon", ["max_age", "'soon'", "6h"]),
        ("tiers: [1]", "tiers: [4]", [":7:", "tiers[0]"]),
        ("base: urgent", "base: huge", [":8:", "severity.base"]),
        ("severity:", "severty:", [":8:", "did you mean 'severity'?"]),
        ("min_score: 0.6", "min_score: 6", [":6:", "min_score"]),
    ],
)
def test_errors(tmp_path, old, new, parts):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    for part in parts:
        assert part in str(caught.value)


def test_an_id_used_twice(tmp_path):
    with pytest.raises(ConfigError, match="used twice"):
        read(tmp_path, GOOD + "  - id: ai\n")
