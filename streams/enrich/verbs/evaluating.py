"""`wirewatch eval …`: measures detection on labelled items. Needs no broker."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import Struct
from rich.console import Console
from rich.progress import track

from streams import __version__
from streams.broker.verbs import JsonOption
from streams.config import Settings
from streams.enrich.entities import DEFAULT_MODELS, EntityTagger
from streams.enrich.evaluation import Estimate, accuracies, score
from streams.enrich.figures import FigureMatcher
from streams.enrich.gold import DOCUMENTATION, GoldItem, read_gold
from streams.enrich.measuring import (
    Examined,
    Measured,
    choose,
    examine_figures,
    examine_language,
    examine_policy,
    feed_languages,
    why_no_figure,
    why_no_topic,
)
from streams.enrich.mistakes import Why, language_mistakes, mistakes
from streams.enrich.pipeline import Enricher
from streams.enrich.policy import PolicyMatcher, read_policy
from streams.enrich.semantics import load_semantics
from streams.enrich.verbs import scoring
from streams.enrich.verbs.scoring import Heading
from streams.enrich.watchlist import read_watchlist
from streams.enrich.watchlist.trying import Trial
from streams.printing import note, print_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Measure how well figures, policy topics and languages are found in items that you have "
    f"labelled. The format is documented in {DOCUMENTATION}.",
)

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE...", help="JSON lines of labelled items.", show_default=False),
]
SplitOption = Annotated[
    Literal["dev", "test", "all"],
    typer.Option(help="Which half: dev may be looked at, test is for measuring only."),
]
LangOption = Annotated[
    str, typer.Option(help="Only items that are labelled with this language, such as de.")
]
ErrorsOption = Annotated[
    bool, typer.Option("--errors", help="Print every mistake, with its reasons.")
]
WatchlistOption = Annotated[
    Path | None, typer.Option(help="By default watchlist.yaml of WIREWATCH_CONFIG.")
]
PolicyOption = Annotated[
    Path | None, typer.Option(help="Policy lexicon; by default policy/ of WIREWATCH_CONFIG.")
]
SemanticsOption = Annotated[
    Literal["auto", "on", "off"] | None,
    typer.Option(help="Second opinion by meaning; by default WIREWATCH_SEMANTICS."),
]
MinF1Option = Annotated[
    float,
    typer.Option(
        "--min-f1", min=0.0, max=1.0, help="Exit with 1 if an F1 of the table is below, 0 to 1."
    ),
]
MinAccuracyOption = Annotated[
    float,
    typer.Option(
        "--min-accuracy",
        "--min-f1",
        min=0.0,
        max=1.0,
        help="Exit with 1 if an accuracy with the help of feeds is below, 0 to 1.",
    ),
]


class _Chosen(Struct, frozen=True):
    """Items to measure on, and what the stream would know of their feeds."""

    items: Sequence[GoldItem]
    feed_langs: Mapping[str, str]
    """Learned from all items of the files, by id of the item."""
    heading: Heading


@app.command(
    epilog="Examples:\n\nwirewatch eval figures desk.jsonl --errors\n\n"
    "wirewatch eval figures desk.jsonl --split test --min-f1 0.9"
)
def figures(
    files: FilesArgument = None,
    split: SplitOption = "all",
    lang: LangOption = "",
    watchlist: WatchlistOption = None,
    errors: ErrorsOption = False,
    min_f1: MinF1Option = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Measure how well watched figures are found.

    A figure is found if it is sure enough to alert. What is labelled possible counts neither way.
    A trap is passed if nothing false is found in its item.

    As JSON: {"measured", "files", "split", "lang", "items", "unlabelled", "versions", "rows":
    [{"name", "right", "false", "missed", "precision", "recall", "f1"}], "micro": as a row,
    "macro": {"precision", "recall", "f1"}, "traps": [{"trap", "items", "passed"}], "unsure",
    "unsure_missed"}; an estimate is {"value", "low", "high"} from 0 to 1, or null. With --errors
    also "errors": [{"id", "class", "label", "kind", "trap", "text", "labelled", "found": {label:
    score}, "reasons"}].
    """
    settings = Settings.from_environment()
    watched = read_watchlist(watchlist or settings.config_folder / "watchlist.yaml")
    kinds = {figure.figure_id: figure.kind for figure in watched}
    items = read_gold(_given(files), figures=kinds)
    matcher = FigureMatcher(watched)
    chosen = _choose("figures", files, items, split, lang, {"watchlist": matcher.version})
    trial = functools.cache(lambda: Trial(watched))
    _report(
        chosen,
        lambda item, feed_lang: examine_figures(item, feed_lang, matcher),
        dict(sorted(kinds.items(), key=lambda each: each[1] != "person")),
        lambda examined, label: why_no_figure(examined, label, trial()),
        errors=errors,
        min_f1=min_f1,
        as_json=as_json,
    )


@app.command(
    epilog="Examples:\n\nwirewatch eval policy desk.jsonl --lang de --errors\n\n"
    "wirewatch eval policy desk.jsonl --semantics off"
)
def policy(
    files: FilesArgument = None,
    split: SplitOption = "all",
    lang: LangOption = "",
    watchlist: WatchlistOption = None,
    policy: PolicyOption = None,
    semantics: SemanticsOption = None,
    errors: ErrorsOption = False,
    min_f1: MinF1Option = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Measure how well policy topics are found.

    Items go through all steps, since figures and entities take part. What is labelled possible
    counts neither way. A trap is passed if nothing false is found in its item.

    As JSON: as `wirewatch eval figures` does, a row per policy topic.
    """
    settings = Settings.from_environment()
    folder = settings.config_folder
    lexicon = read_policy(policy or folder / "policy")
    topics = {topic.id: topic.id for topic in lexicon.topics}
    items = read_gold(_given(files), topics=topics)
    enricher = Enricher(
        FigureMatcher(read_watchlist(watchlist or folder / "watchlist.yaml")),
        PolicyMatcher(lexicon, load_semantics(semantics or settings.semantics)),
        EntityTagger({**DEFAULT_MODELS, **settings.models}),
    )
    versions = {
        "watchlist": enricher.matcher.version,
        "policy": enricher.policy.version,
        "semantics": enricher.policy.semantics.version if enricher.policy.semantics else "off",
    }
    _report(
        _choose("policy", files, items, split, lang, versions),
        lambda item, feed_lang: examine_policy(item, feed_lang, enricher),
        topics,
        lambda examined, label: why_no_topic(examined, label, enricher.policy),
        errors=errors,
        min_f1=min_f1,
        as_json=as_json,
    )


@app.command(
    epilog="Examples:\n\nwirewatch eval language desk.jsonl\n\n"
    "wirewatch eval language desk.jsonl --lang de --errors"
)
def language(
    files: FilesArgument = None,
    split: SplitOption = "all",
    lang: LangOption = "",
    errors: ErrorsOption = False,
    min_accuracy: MinAccuracyOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Measure how well languages are told, from the text alone and with the help of its feed.

    What a feed is written in is learned from its other items in the files, as in the stream. Long
    texts have 15 words or more; headlines are titles alone, and texts of fewer words.

    As JSON: {"measured", "files", "split", "lang", "items", "unlabelled", "versions", "with_feed",
    "rows": [{"name": "all", "long" or "headlines", "items", "alone", "with_prior"}]}; an estimate
    is {"value", "low", "high"} from 0 to 1, or null. With --errors also "errors": [{"id", "lang",
    "alone", "with_prior", "feed", "feed_lang", "text"}].
    """
    items = read_gold(_given(files))
    chosen = _choose("language", files, items, split, lang, {})
    told = [
        examine_language(item, chosen.feed_langs[item.id])
        for item in _tracked(chosen.items, "language")
    ]
    rows = accuracies(told)
    found = language_mistakes(chosen.items, told, chosen.feed_langs)
    with_feed = sum(bool(chosen.feed_langs[item.id]) for item in chosen.items)
    if as_json:
        document = scoring.accuracies_document(
            chosen.heading, rows, with_feed, found if errors else None
        )
        print_json(document)
    else:
        scoring.show_heading(chosen.heading)
        scoring.show_accuracies(rows, with_feed)
        if errors:
            scoring.show_language_errors(found)
        elif chosen.heading.split != "test":  # what is only measured is not to be looked at
            scoring.show_language_examples(found)
    _demand(min_accuracy, {row.name: row.with_prior for row in rows})


def _given(files: Sequence[Path] | None) -> Sequence[Path]:
    if not files:
        raise typer.BadParameter(
            "give files of labelled items, one JSON object a line; their format is documented in "
            f"{DOCUMENTATION}",
            param_hint="FILE...",
        )
    return files


def _choose(
    measured: Measured,
    files: Sequence[Path] | None,
    items: Sequence[GoldItem],
    split: str,
    lang: str,
    versions: Mapping[str, str],
) -> _Chosen:
    chosen, unlabelled = choose(items, measured, split, lang)
    heading = Heading(
        measured=measured,
        files=tuple(map(str, files or ())),
        split=split,
        lang=lang,
        items=len(chosen),
        unlabelled=unlabelled,
        versions={"app": __version__, **versions},
    )
    return _Chosen(chosen, feed_languages(items), heading)


def _report(
    chosen: _Chosen,
    examine: Callable[[GoldItem, str], Examined],
    classes: Mapping[str, str],
    why: Why,
    *,
    errors: bool,
    min_f1: float,
    as_json: bool,
) -> None:
    """Measure labels and print what came of it.

    Args:
        chosen: on what.
        examine: finds labels in an item, given the language of its feed.
        classes: class by label.
        why: says why a label was not found.
        errors: whether every mistake is wanted.
        min_f1: what every F1 must reach.
        as_json: whether it is for programs.
    """
    examined = [
        examine(item, chosen.feed_langs[item.id])
        for item in _tracked(chosen.items, chosen.heading.measured)
    ]
    scores = score([each.outcome for each in examined], classes)
    found = mistakes(examined, classes)
    if as_json:
        wanted = found if errors else None
        print_json(scoring.scores_document(chosen.heading, scores, wanted, why))
    else:
        scoring.show_heading(chosen.heading)
        scoring.show_scores(scores)
        if errors:
            scoring.show_errors(found, why)
        elif chosen.heading.split != "test":
            scoring.show_examples(found)
    reached = {row.name: row.f1 for row in (*scores.rows, scores.micro)}
    _demand(min_f1, {**reached, "macro": scores.macro.f1})


def _tracked(items: Sequence[GoldItem], measured: Measured) -> Iterable[GoldItem]:
    """The items, with their progress on stderr where that is a terminal."""
    console = Console(stderr=True)
    return track(items, measured, console=console, transient=True, disable=not console.is_terminal)


def _demand(least: float, reached: Mapping[str, Estimate | None]) -> None:
    """Exit with 1 if an estimate that exists is too low."""
    below = {name: each.value for name, each in reached.items() if each and each.value < least}
    if below:
        told = ", ".join(f"{name} {value:.4f}" for name, value in below.items())
        note(f"below {least}: {told}")
        raise typer.Exit(1)
