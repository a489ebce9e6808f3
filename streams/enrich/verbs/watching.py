"""`wirewatch watchlist …`: changes of the figures that the running processes follow.

Files are in `exchanging`, the verbs that only look in `looking`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from msgspec import structs

from streams.broker.broadcast import publish, read
from streams.broker.clients import resolve_broker
from streams.broker.topics import WATCHLIST
from streams.broker.verbs import BrokerOption
from streams.config import Settings
from streams.enrich.names import path_of
from streams.enrich.verbs import exchanging, looking
from streams.enrich.verbs.options import (
    AliasOption,
    BlockerOption,
    CueOption,
    DescriptionOption,
    DropOption,
    KindOption,
    ListOption,
    NegativeCueOption,
    OwnerOption,
    PurposeOption,
    QidOption,
    RelatedOption,
    ReviewOption,
    TitleOption,
    Words,
    by_field,
    review_date,
)
from streams.enrich.watchlist.aliases import Alias, clean, parse_alias
from streams.enrich.watchlist.candidates import LISTS
from streams.enrich.watchlist.checking import refuse
from streams.enrich.watchlist.editing import (
    graded,
    new_figure_id,
    same_but_origin,
    with_names,
    with_own_name,
)
from streams.enrich.watchlist.erasing import is_erased, mark_id, watched
from streams.enrich.watchlist.grading import surnames_of
from streams.errors import ConfigError, NotFoundError
from streams.meant import close_ids
from streams.printing import note, say
from streams.records import Figure

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Add, edit, list, check, import and export watched figures, and try them on texts.",
)


@app.command(
    epilog="Examples:\n\nwirewatch watchlist add 'Nancy Faeser' --alias Faeser --title Ministerin "
    "--list politics\n\nwirewatch watchlist add 'Apple Inc.' --kind organisation --alias Apple "
    "--cue iPhone --blocker 'apple pie'\n\n"
    "wirewatch watchlist add 'Boris Johnson' --alias Johnson:strong"
)
def add(
    name: Annotated[str, typer.Argument(help="Full name; may carry a mark, as an alias may.")],
    figure_id: Annotated[str, typer.Option("--id", help="By default from the name.")] = "",
    kind: KindOption = None,
    qid: QidOption = None,
    alias: AliasOption = None,
    title: TitleOption = None,
    cue: CueOption = None,
    negative_cue: NegativeCueOption = None,
    blocker: BlockerOption = None,
    list_: ListOption = None,
    related: RelatedOption = None,
    description: DescriptionOption = None,
    purpose: PurposeOption = None,
    owner: OwnerOption = None,
    review: ReviewOption = None,
    broker: BrokerOption = "",
) -> None:
    """Watch a figure. Running processes follow at once. Prints the figure's id.

    Names of one word are graded, the figure's own one too: ordinary words, given names, frequent
    surnames and the like count only with support, and a note says so. A mark such as ':strong'
    overrules that. The same command again changes nothing. A figure that `wirewatch privacy erase`
    has erased is watched again.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    records = asyncio.run(read(settings, WATCHLIST, Figure))
    known = watched(records)
    stated = parse_alias(name)
    figure = Figure(figure_id="", name=stated.surface, kind=kind or "person", qid=qid or "")
    figure = structs.replace(figure, description=clean(description or ""))
    figure = structs.replace(figure, **_accounts(purpose, owner, review))
    figure = structs.replace(figure, figure_id=figure_id or _id_for(figure, known))
    given = by_field(title, cue, negative_cue, blocker, list_, related)
    figure = structs.replace(figure, **given)
    figure = _with_own_name(_with_aliases(figure, alias, known), stated)
    refuse(figure, known.values())
    before = known.get(figure.figure_id)
    if before and not same_but_origin(figure, before):
        raise ConfigError(
            f"{figure.figure_id!r} is already there: {before.name}",
            field="--id" if figure_id else "NAME",
            cure=f"change it with `watchlist edit {figure.figure_id}`, or choose another --id",
        )
    if is_erased(figure.figure_id, records):
        # First, so that no stage knows the figure and its mark at once.
        asyncio.run(publish(settings, WATCHLIST, {mark_id(figure.figure_id): None}))
        note(f"{figure.figure_id} was erased; it is watched again, since you add it by hand")
    _publish(settings, figure, before)


@app.command(
    epilog="Examples:\n\nwirewatch watchlist edit apple --cue Siri --drop-blocker 'apple tree'\n\n"
    "wirewatch watchlist edit boris-johnson --alias Johnson:context --qid Q180589\n\n"
    "wirewatch watchlist edit apple --inactive"
)
def edit(
    figure_id: Annotated[str, typer.Argument(help="As shown by `watchlist list`.")],
    name: Annotated[str | None, typer.Option(help="Full name.")] = None,
    kind: KindOption = None,
    qid: QidOption = None,
    alias: AliasOption = None,
    title: TitleOption = None,
    cue: CueOption = None,
    negative_cue: NegativeCueOption = None,
    blocker: BlockerOption = None,
    list_: ListOption = None,
    related: RelatedOption = None,
    description: DescriptionOption = None,
    purpose: PurposeOption = None,
    owner: OwnerOption = None,
    review: ReviewOption = None,
    drop_alias: DropOption = None,
    drop_title: DropOption = None,
    drop_cue: DropOption = None,
    drop_negative_cue: DropOption = None,
    drop_blocker: DropOption = None,
    drop_list: DropOption = None,
    drop_related: DropOption = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it is looked for.")
    ] = None,
    broker: BrokerOption = "",
) -> None:
    """Change a figure: what is given is added or replaced, what is not given stays.

    An empty --qid, --description, --purpose, --owner or --review takes it away. An alias that is there already gets the
    strength that is given now.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    known = watched(asyncio.run(read(settings, WATCHLIST, Figure)))
    before = _known(known, [figure_id])[0]
    changes: dict[str, Any] = {"kind": kind, "qid": qid, "active": active}
    changes["description"] = None if description is None else clean(description)
    changes["name"] = None if name is None else parse_alias(name).surface
    changes["qid_checked"] = False if qid not in (None, before.qid) else None
    figure = structs.replace(
        before,
        **{field: value for field, value in changes.items() if value is not None},
        **_accounts(purpose, owner, review),
    )
    dropped = by_field(
        drop_title, drop_cue, drop_negative_cue, drop_blocker, drop_list, drop_related
    )
    given = by_field(title, cue, negative_cue, blocker, list_, related)
    for field in LISTS:
        kept = _without(figure, field, getattr(figure, field), dropped[field])
        words = tuple(dict.fromkeys((*kept, *given[field])))
        figure = structs.replace(figure, **{field: words})
    figure = _with_aliases(_without_aliases(figure, drop_alias), alias, known)
    if name is not None:
        figure = _with_own_name(figure, parse_alias(name))
    refuse(figure, known.values())
    _publish(settings, figure, before)


@app.command(epilog="Example:\n\nwirewatch watchlist remove nick-clegg volker-wissing")
def remove(
    figure_ids: Annotated[
        list[str], typer.Argument(metavar="FIGURE_ID...", help="As shown by `watchlist list`.")
    ],
    broker: BrokerOption = "",
) -> None:
    """No longer watch figures. If one of them is unknown, none is removed.

    `watchlist edit --inactive` keeps what is known of a figure; `wirewatch privacy erase` also
    deletes its alerts.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    known = watched(asyncio.run(read(settings, WATCHLIST, Figure)))
    gone = {figure.figure_id for figure in _known(known, figure_ids)}
    for figure in known.values():
        lost = sorted(gone & set(figure.related))
        if lost and figure.figure_id not in gone:
            which = " ".join(f"--drop-related {figure_id}" for figure_id in lost)
            note(
                f"{figure.figure_id} still names {', '.join(lost)} as related; mend it with "
                f"`wirewatch watchlist edit {figure.figure_id} {which}`"
            )
    asyncio.run(publish(settings, WATCHLIST, dict.fromkeys(sorted(gone))))
    for figure_id in dict.fromkeys(figure_ids):
        say(f"removed {figure_id}")


def _accounts(purpose: str | None, owner: str | None, review: str | None) -> dict[str, Any]:
    """Those fields among purpose, owner and review that were given."""
    given = {
        "purpose": None if purpose is None else clean(purpose),
        "owner": None if owner is None else clean(owner),
    }
    stated: dict[str, Any] = {field: text for field, text in given.items() if text is not None}
    return stated if review is None else {**stated, "review": review_date(review)}


def _publish(settings: Settings, figure: Figure, before: Figure | None) -> None:
    """Write a figure, unless nothing about it has changed, and print its id."""
    if same_but_origin(figure, before):
        note(f"{figure.figure_id} is as it was")
    else:
        # Of origin "cli", or the next start would bring back what watchlist.yaml says.
        figure = structs.replace(figure, origin="cli")
        asyncio.run(publish(settings, WATCHLIST, {figure.figure_id: figure}))
    say(figure.figure_id)


def _id_for(figure: Figure, known: Mapping[str, Figure]) -> str:
    """The id of the figure with this name, or a new one."""
    path = path_of(figure.name)
    same = (
        each
        for each in known.values()
        if path_of(each.name) == path and each.qid in ("", figure.qid)
    )
    found = next(same, None)
    return found.figure_id if found else new_figure_id(figure.name, figure.qid, known)


def _known(known: Mapping[str, Figure], figure_ids: Iterable[str]) -> list[Figure]:
    for figure_id in figure_ids:
        if figure_id not in known:
            close = close_ids(figure_id, known)
            cure = (
                f"did you mean {', '.join(close)}?" if close else "see `wirewatch watchlist list`"
            )
            raise NotFoundError(f"no figure {figure_id!r}", cure=cure)
    return [known[figure_id] for figure_id in dict.fromkeys(figure_ids)]


def _with_aliases(figure: Figure, aliases: Words, known: Mapping[str, Figure]) -> Figure:
    """Add names, with a note on each that is too weak to stand alone."""
    surnames = surnames_of(known.values()) if aliases else {}
    names = []
    for text in aliases or ():
        grade = graded(parse_alias(text), figure, surnames)
        if grade.note:
            note(f"{grade.note}; '{grade.name.surface}:strong' would let it stand alone")
        names.append(grade.name)
    return with_names(figure, names)


def _without_aliases(figure: Figure, dropped: Words) -> Figure:
    paths = {path_of(name.surface): name.surface for name in figure.names}
    gone = [paths.get(path_of(text), text) for text in map(clean, dropped or ())]
    surfaces = tuple(name.surface for name in figure.names)
    kept = _without(figure, "alias", surfaces, gone)
    return structs.replace(
        figure, names=tuple(name for name in figure.names if name.surface in kept)
    )


def _without(
    figure: Figure, field: str, words: tuple[str, ...], dropped: Iterable[str]
) -> tuple[str, ...]:
    """Words without those to be dropped; a note where one is not there."""
    for word in dropped:
        if word not in words:
            close = close_ids(word, words)
            hint = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
            note(f"{figure.figure_id} has no {word!r} in its {field}{hint}")
    return tuple(word for word in words if word not in set(dropped))


def _with_own_name(figure: Figure, stated: Alias) -> Figure:
    """State a figure's own name again if it is too weak to stand alone, with a note."""
    figure, weak = with_own_name(figure, stated)
    if weak:
        note(
            f"{figure.name!r} is {weak.reason}: it is taken as '{figure.name}:context', and counts "
            f"only with cues or a title; '{figure.name}:strong' would let it stand alone"
        )
    return figure


app.command("list")(looking.list_)
app.command(
    "import",
    epilog="Examples:\n\nwirewatch watchlist import figures.csv --dry-run\n\n"
    "wirewatch watchlist import Q36215.json --verbose\n\n"
    "wirewatch watchlist import latest-all.json.gz --update-only --lang de,en,fr",
)(exchanging.import_)
app.command(
    epilog="Examples:\n\nwirewatch watchlist export watchlist.yaml\n\n"
    "wirewatch watchlist export --format csv > figures.csv"
)(exchanging.export)
app.command(
    epilog="Examples:\n\nwirewatch watchlist check\n\nwirewatch watchlist check my.yaml --strict"
    "\n\nwirewatch watchlist check --live --json"
)(looking.check)
app.command(
    "test",
    epilog="Examples:\n\nwirewatch watchlist test 'Apple steigert den Umsatz'\n\n"
    "wirewatch watchlist test --live --json - < headlines.txt",
)(looking.try_)
