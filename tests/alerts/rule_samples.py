"""Rules and mentions that may or may not match, as Hypothesis makes them."""

from hypothesis import strategies as st

from streams.records import (
    FigureSelector,
    PolicyTopicHit,
    PolicyTopicSelector,
    Rule,
    Selection,
    SourceSelector,
)
from streams.testing import make_evidence, make_figure_hit, make_item_ref, make_mention

SENTENCE = "Ada and Bob."


def topics(**scores):
    return tuple(
        PolicyTopicHit(policy_topic=name.replace("_", "-"), score=score, evidence=())
        for name, score in scores.items()
    )


ids = st.sampled_from(["ada", "bob", "eve"])
some_ids = st.lists(ids, max_size=2, unique=True).map(tuple)
policy_ids = st.lists(
    st.sampled_from(["ai", "regulation", "elections"]), max_size=2, unique=True
).map(tuple)
lists = st.lists(st.sampled_from(["people", "left"]), max_size=2, unique=True).map(tuple)
roles = ["speaker", "subject", "object", "passing"]
fields = ["title", "summary", "body"]
langs = ["de", "en"]
feeds = ["morgenblatt", "wire"]
scores = st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0])


def subset(values):
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


def parts_of():
    return {
        "figures": st.builds(
            FigureSelector,
            any=some_ids,
            lists=lists,
            exclude=some_ids,
            min_confidence=scores,
            roles=subset(roles),
            fields=subset(fields),
            together=some_ids,
        ),
        "policy_topics": st.builds(
            PolicyTopicSelector, any=policy_ids, all=policy_ids, none=policy_ids, min_score=scores
        ),
        "sources": st.builds(
            SourceSelector,
            langs=subset(langs),
            tiers=subset([1, 2, 3]),
            feeds=subset(feeds),
            exclude=subset(feeds),
        ),
    }


# A rule with all of its parts hardly ever matches; most of these say little.
selections = st.one_of(
    st.just(Selection()),
    *(st.builds(Selection, **{name: part}) for name, part in parts_of().items()),
    st.builds(Selection, **parts_of()),
)
some_selections = st.lists(selections, max_size=2).map(tuple)
rules = st.builds(
    lambda own, either, none: Rule(
        rule_id="r",
        figures=own.figures,
        policy_topics=own.policy_topics,
        sources=own.sources,
        any=either,
        none=none,
    ),
    selections,
    some_selections,
    st.one_of(st.just(()), some_selections),
)
mentions = st.builds(
    lambda figure, on, confidence, role, field, scored, lang, tier, feed, others: make_mention(
        item=make_item_ref(lang=lang, tier=tier, feed_id=feed),
        figure=make_figure_hit(
            figure_id=figure,
            lists=on,
            confidence=confidence,
            role=role,
            mentions=(make_evidence(SENTENCE, "Ada", field=field),),
        ),
        policy_topics=topics(**scored),
        other_figures=tuple(other for other in others if other != figure),
    ),
    ids,
    lists,
    scores,
    st.sampled_from(["", *roles]),
    st.sampled_from(fields),
    st.dictionaries(st.sampled_from(["ai", "regulation", "elections"]), scores, max_size=3),
    st.sampled_from(langs),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(feeds),
    some_ids,
)
