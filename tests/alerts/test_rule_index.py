"""The index leaves out only what cannot match, and leaves out nearly all of that."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.alerts.match import mismatch
from streams.alerts.rules import RuleIndex
from streams.records import FigureSelector, PolicyTopicSelector, Selection
from streams.testing import make_figure_hit, make_rule
from tests.alerts.rule_samples import mentions, rules, topics


def index(**rules):
    named = {
        name: replace(rule, rule_id=name, enabled=rule.enabled and not name.startswith("off"))
        for name, rule in rules.items()
    }
    return RuleIndex(named)


def found(an_index, figure_id="ada", lists=(), **scores):
    figure = make_figure_hit(figure_id=figure_id, lists=lists)
    return [rule.rule_id for rule in an_index.candidates(figure, topics(**scores))]


def about(*figure_ids, lists=()):
    return FigureSelector(any=figure_ids, lists=lists)


def test_by_figure():
    an_index = index(
        ada=make_rule(figures=about("ada")),
        both=make_rule(figures=about("ada", "bob")),
        every=make_rule(),
        off=make_rule(figures=about("ada")),
    )
    assert found(an_index, "ada") == ["ada", "both", "every"]
    assert found(an_index, "bob") == ["both", "every"]
    assert found(an_index, "eve") == ["every"]


def test_by_list():
    an_index = index(
        left=make_rule(figures=about(lists=("left",))),
        sides=make_rule(figures=about(lists=("left", "right"))),
        ada=make_rule(figures=about("ada", lists=("left",))),
    )
    assert found(an_index, "eve", ("left", "right")) == ["left", "sides"]
    assert found(an_index, "eve", ("right",)) == ["sides"]
    assert found(an_index, "eve") == []


def test_by_policy_topic():
    an_index = index(
        ai=make_rule(policy_topics=PolicyTopicSelector(any=("ai",))),
        either=make_rule(policy_topics=PolicyTopicSelector(any=("ai", "regulation"))),
        both=make_rule(policy_topics=PolicyTopicSelector(all=("regulation", "ai"))),
        quiet=make_rule(policy_topics=PolicyTopicSelector(none=("ai",))),
    )
    assert found(an_index, ai=0.9) == ["ai", "either", "quiet"]
    assert found(an_index, regulation=0.9) == ["both", "either", "quiet"]
    assert found(an_index) == ["quiet"]


def test_by_what_all_selections_of_any_need():
    an_index = index(
        pair=make_rule(
            any=(Selection(figures=about("ada")), Selection(figures=about(lists=("left",))))
        ),
        open=make_rule(any=(Selection(figures=about("ada")), Selection())),
    )
    assert found(an_index, "ada") == ["open", "pair"]
    assert found(an_index, "eve", ("left",)) == ["open", "pair"]
    assert found(an_index, "eve") == ["open"]


@given(st.lists(rules, max_size=6), mentions)
def test_what_matches_is_among_the_candidates(some_rules, mention):
    named = {f"r{n}": replace(rule, rule_id=f"r{n}") for n, rule in enumerate(some_rules)}
    candidates = RuleIndex(named).candidates(mention.figure, mention.policy_topics)
    ids = [rule.rule_id for rule in candidates]
    assert ids == sorted(set(ids))
    matching = {name for name, rule in named.items() if not mismatch(rule, mention)}
    assert matching <= set(ids)
