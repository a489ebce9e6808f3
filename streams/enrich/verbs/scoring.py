"""What `wirewatch eval …` prints: tables with intervals, what went wrong, documents for programs."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from streams.enrich.evaluation import LONG_WORDS, Accuracy, Estimate, Macro, Row, Scores, Trap
from streams.enrich.measuring import Finding, Measured
from streams.enrich.mistakes import LanguageMistake, Mistake, Why, reasons
from streams.printing import plain, say

__all__ = [
    "Heading",
    "accuracies_document",
    "scores_document",
    "show_accuracies",
    "show_errors",
    "show_examples",
    "show_heading",
    "show_language_errors",
    "show_language_examples",
    "show_scores",
]

EXAMPLES = 3
"""Of each kind and class, where not all mistakes are wanted."""
GLANCE = 80
"""Characters of a text in one line."""
TEXT_SHOWN = 600
"""Characters of a text where there is room."""
NO_FIGURE = "–"


class Heading(Struct, frozen=True, kw_only=True):
    """What was measured, on what."""

    measured: Measured
    files: tuple[str, ...]
    split: str
    lang: str
    """Of the items; "" for all."""
    items: int
    unlabelled: int
    """Items that were passed over, because they lack such labels."""
    versions: dict[str, str]
    """What decided."""


def show_heading(heading: Heading) -> None:
    """What was measured, in a line."""
    versions = ", ".join(f"{name} {version}" for name, version in heading.versions.items())
    lang = f", language {heading.lang}" if heading.lang else ""
    passed = f", {heading.unlabelled} without labels passed over" if heading.unlabelled else ""
    say(f"{heading.measured}: {heading.items} items, split {heading.split}{lang}{passed}")
    say(f"by {versions}")


# --- figures and policy topics ----------------------------------------------------------------


def show_scores(scores: Scores) -> None:
    """Precision, recall and F1 in per cent, and what became of unsure findings and traps."""
    console = Console()
    table = _table("", "right", "false", "missed", "precision", "recall", "F1")
    for row in (*scores.rows, scores.micro):
        table.add_row(*map(plain, (row.name, row.right, row.false, row.missed, *_estimates(row))))
    table.add_row(*map(plain, ("macro", "", "", "", *_estimates(scores.macro))))
    console.print(table)
    say("per cent, with 95 % confidence intervals")
    if scores.unsure:
        missed = f"{scores.unsure_missed} of them among the missed"
        say(f"{scores.unsure} found as possible only, which does not count; {missed}")
    if scores.traps:
        passed, items = (sum(counts) for counts in zip(*map(_passed_of, scores.traps), strict=True))
        say(f"{passed} of {items} hard negatives passed")
    sprung = [trap for trap in scores.traps if trap.passed < trap.items]
    if sprung:
        table = _table("traps that caught it", "passed", "of")
        for trap in sprung:
            table.add_row(*map(plain, (trap.trap, trap.passed, trap.items)))
        console.print(table)


def _passed_of(trap: Trap) -> tuple[int, int]:
    return trap.passed, trap.items


def show_examples(found: Sequence[Mistake]) -> None:
    """A few mistakes of each class and kind, one line each."""
    shown: Counter[tuple[str, str]] = Counter()
    for mistake in found:
        group = (mistake.class_name, mistake.kind)
        shown[group] += 1
        if shown[group] <= EXAMPLES:
            say(_line(mistake))
    _say_more(shown.values())


def show_errors(found: Sequence[Mistake], why: Why) -> None:
    """All mistakes, grouped, each with labels, findings and reasons."""
    counts = Counter((each.class_name, each.kind) for each in found)
    group = ("", "")
    for mistake in found:
        if group != (mistake.class_name, mistake.kind):
            group = (mistake.class_name, mistake.kind)
            say(f"\n{' '.join(group)}: {counts[group]}")
        item = mistake.examined.item
        trap = f" (trap: {item.trap})" if item.trap else ""
        say(f"\n{item.id}: {mistake.label} is {_verdict(mistake)}{trap}")
        _say_facts(mistake, why)


def scores_document(
    heading: Heading, scores: Scores, found: Sequence[Mistake] | None, why: Why
) -> dict[str, Any]:
    """The same as a document; `found` is None where mistakes are not wanted."""
    document = {**_builtins(heading), **_builtins(scores)}
    if found is not None:
        document["errors"] = [_error_document(mistake, why) for mistake in found]
    return document


def _line(mistake: Mistake) -> str:
    found = mistake.finding
    what = "" if mistake.label == mistake.class_name else f" {mistake.label}"
    seen = f" {found.score:.0%} {_surfaces(found)}" if found else ""
    text = _glance(mistake.examined.text, GLANCE)
    return f"{mistake.class_name} {mistake.kind}: {mistake.examined.item.id}{what}{seen}: {text}"


def _verdict(mistake: Mistake) -> str:
    return "found, but not labelled" if mistake.kind == "false" else "labelled, but not found"


def _surfaces(found: Finding) -> str:
    """Words that were found; what a sentence means has none."""
    words = dict.fromkeys(place.surface for place in found.evidence if place.rule != "meaning")
    return ", ".join(map(repr, list(words)[:EXAMPLES])) or "by its meaning"


def _say_facts(mistake: Mistake, why: Why) -> None:
    outcome = mistake.examined.outcome
    labelled = [
        *sorted(outcome.right | outcome.missed),
        *(f"{label} (counts neither way)" for label in sorted(outcome.left_open)),
    ]
    found = [
        f"{each.label} {each.score:.0%}{'' if each.is_sure else ' (possible)'}"
        for each in mistake.examined.findings
    ]
    facts = (
        ("text", [_glance(mistake.examined.text, TEXT_SHOWN)]),
        ("labelled", [", ".join(labelled) or "none"]),
        ("found", [", ".join(found) or "none"]),
        ("because", reasons(mistake, why)),
    )
    for name, lines in facts:
        for number, line in enumerate(lines):
            say(f"  {'' if number else name:<9} {line}")


def _error_document(mistake: Mistake, why: Why) -> dict[str, Any]:
    examined = mistake.examined
    return {
        "id": examined.item.id,
        "class": mistake.class_name,
        "label": mistake.label,
        "kind": mistake.kind,
        "trap": examined.item.trap,
        "text": examined.text,
        "labelled": sorted(examined.outcome.right | examined.outcome.missed),
        "found": {each.label: each.score for each in examined.findings},
        "reasons": reasons(mistake, why),
    }


# --- languages --------------------------------------------------------------------------------

_ROWS = {"all": "all", "long": f"{LONG_WORDS} words or more", "headlines": "headlines"}


def show_accuracies(accuracies: Sequence[Accuracy], with_feed: int) -> None:
    """How often the language is right, in per cent.

    Args:
        accuracies: all items, long texts, headlines.
        with_feed: how many items come from a feed whose language was learned.
    """
    table = _table("", "items", "text alone", "with its feed")
    for row in accuracies:
        cells = (_ROWS[row.name], row.items, _shown(row.alone), _shown(row.with_prior))
        table.add_row(*map(plain, cells))
    Console().print(table)
    say("per cent, with 95 % confidence intervals")
    say(f"headlines are titles alone, and texts of less than {LONG_WORDS} words")
    say(f"{with_feed} items are of a feed whose language was learned from its other items")


def show_language_examples(found: Iterable[LanguageMistake]) -> None:
    """A few texts of each language that were told wrong, even with the help of their feed."""
    shown: Counter[str] = Counter()
    for mistake in found:
        if mistake.is_final:
            shown[mistake.told.expected] += 1
            if shown[mistake.told.expected] <= EXAMPLES:
                say(_language_line(mistake, GLANCE))
    _say_more(shown.values())


def show_language_errors(found: Iterable[LanguageMistake]) -> None:
    """All texts that were told wrong, with or without the help of their feed."""
    for mistake in found:
        say(f"\n{_language_line(mistake, TEXT_SHOWN)}")


def accuracies_document(
    heading: Heading,
    accuracies: Sequence[Accuracy],
    with_feed: int,
    found: Sequence[LanguageMistake] | None,
) -> dict[str, Any]:
    """The same as a document; `found` is None where mistakes are not wanted."""
    document = {**_builtins(heading), "with_feed": with_feed, "rows": _builtins(accuracies)}
    if found is not None:
        document["errors"] = [
            {
                "id": each.item.id,
                "lang": each.told.expected,
                "alone": each.told.alone,
                "with_prior": each.told.with_prior,
                "feed": each.item.feed,
                "feed_lang": each.feed_lang,
                "text": each.item.document().text,
            }
            for each in found
        ]
    return document


def _language_line(mistake: LanguageMistake, length: int) -> str:
    told = mistake.told
    feed = f"{told.with_prior} with its feed ({mistake.feed_lang})" if mistake.feed_lang else ""
    read = " and ".join(part for part in (f"{told.alone} alone", feed) if part)
    text = _glance(mistake.item.document().text, length)
    return f"{told.expected} read as {read}: {mistake.item.id}: {text}"


# --- both -------------------------------------------------------------------------------------


def _table(first: str, *names: str) -> Table:
    columns = (Column(name, no_wrap=True, justify="right") for name in names)
    left = Column(first, no_wrap=True)
    return Table(left, *columns, box=SIMPLE_HEAD, show_edge=False, padding=0)


def _estimates(row: Row | Macro) -> tuple[str, str, str]:
    return _shown(row.precision), _shown(row.recall), _shown(row.f1)


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return NO_FIGURE
    value, low, high = (100 * each for each in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} ({low:.0f}–{high:.0f})".replace("100.0", "100")


def _say_more(shown: Iterable[int]) -> None:
    more = sum(number - EXAMPLES for number in shown if number > EXAMPLES)
    if more:
        say(f"and {more} more, see --errors")


def _glance(text: str, length: int) -> str:
    return textwrap.shorten(text, length, placeholder=" …")


def _builtins(value: object) -> Any:
    return msgspec.to_builtins(value)
