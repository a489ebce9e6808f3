"""Input for the benchmarks: the demo newsroom's items, and names and feeds made from nothing."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Literal

from streams.demo.script import load_scripts
from streams.enrich.gold import read_gold
from streams.records import Figure, Item, Name
from streams.testing import NOW, make_item

Lang = Literal["de", "en"]
LANGS: tuple[Lang, ...] = ("de", "en")

_GIVEN, _SYLLABLES, _TITLES, _CUES = map(
    str.split,
    (
        "Anna Boris Carla David Elena Felix Greta Hugo Irene Jonas Karla Leon Maria Nils Olga",
        "bra dol fen gart hul jes kron lind mur nev orp plas quil rost sten tarv ulm vex wig zor",
        "Ministerin Minister Senator Senatorin Kommissar Commissioner Chairman Präsidentin",
        "Ministerium Partei Konzern Behörde Kommission Bundestag Fraktion Vorstand Plattform "
        "Gericht Verordnung Gesetz Aufsicht Netz Daten Modell Software Forschung Haushalt Wahl "
        "ministry party company agency commission parliament senate board platform court "
        "regulation law oversight network data model software research budget election",
    ),
)


@functools.cache
def newsroom_items(lang: Lang) -> tuple[Item, ...]:
    """The demo newsroom's items in a language: title and one to three sentences of summary."""
    scripts = (script for script in load_scripts() if script.feed.lang == lang)
    entries = [
        entry for script in scripts for entry in script.items if entry.title and not entry.copy_of
    ]
    return tuple(
        make_item(number=number, title=entry.title, summary=entry.summary, lang=lang)
        for number, entry in enumerate(entries)
    )


def make_figures(count: int, *, supported: bool) -> list[Figure]:
    """Invented persons. The first `n` of any count are the same; surnames repeat after 8,000.

    Args:
        count: how many.
        supported: give each a title and two cues of a small stock, as real watchlists do.
    """
    return [_figure(number, supported) for number in range(count)]


def _figure(number: int, supported: bool) -> Figure:
    rest, syllables = number % len(_SYLLABLES) ** 3, []
    for _ in range(3):
        rest, digit = divmod(rest, len(_SYLLABLES))
        syllables.append(_SYLLABLES[digit])
    surname = "".join(syllables).capitalize()
    # Two more per turn of the surnames: the step, 8,002, and 15 have no common divisor.
    given = _GIVEN[(number + 2 * (number // len(_SYLLABLES) ** 3)) % len(_GIVEN)]
    return Figure(
        figure_id=f"figure-{number}",
        name=f"{given} {surname}",
        kind="person",
        names=(Name(surface=surname, kind="surname", strength="context"),),
        titles=(_TITLES[number % len(_TITLES)],) if supported else (),
        cues=(_CUES[number % len(_CUES)], _CUES[number * 7 % len(_CUES)]) if supported else (),
    )


def make_texts(count: int, figures: Sequence[Figure]) -> list[str]:
    """News of about 1,000 characters, German and English by turns; every other names a figure."""
    pools = {lang: itertools.cycle(newsroom_items(lang)) for lang in LANGS}
    return [_text(number, pools[LANGS[number % 2]], figures) for number in range(count)]


def make_news(count: int, figures: Sequence[Figure]) -> list[str]:
    """News of about 1,100 characters of the labelled items, which cover more than policy; German and
    English by turns, each with the names of four figures.
    """
    paths = sorted((Path(__file__).parents[1] / "gold" / "items").glob("*.jsonl"))
    items = read_gold(paths)
    pools = {
        lang: itertools.cycle([f"{i.title}. {i.summary}" for i in items if i.lang == lang])
        for lang in LANGS
    }
    texts = []
    for number in range(count):
        lang = LANGS[number % 2]
        names = [figures[(4 * number + step) % len(figures)].name for step in range(4)]
        and_ = "und" if lang == "de" else "and"
        parts = [f"{', '.join(names[:3])} {and_} {names[3]}."]
        while sum(map(len, parts)) < 1_000:
            parts.append(next(pools[lang]))
        texts.append(" ".join(parts))
    return texts


def _text(number: int, pool: Iterator[Item], figures: Sequence[Figure]) -> str:
    parts: list[str] = []
    if number % 4 < 2:
        figure = figures[number % len(figures)]
        surname = figure.name.split()[-1]
        parts.append(
            f"{figure.name} nahm am Abend Stellung. {surname}s Sprecher nannte keine Einzelheiten."
            if number % 2 == 0
            else f"{figure.name} replied in the evening. {surname}’s office gave no details."
        )
    while sum(map(len, parts)) < 900:
        item = next(pool)
        parts += [item.title + ".", item.summary]
    return " ".join(parts)


def make_feed(form: Literal["rss", "atom"], entries: int) -> bytes:
    """A feed with the full text of its entries as HTML, about 2 kB each."""
    items = itertools.cycle(newsroom_items("de") + newsroom_items("en"))
    articles = [_article(number, form, items) for number in range(entries)]
    if form == "rss":
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Sample Post</title>'
            f"<link>https://news.example/</link><language>de</language>{''.join(articles)}"
            "</channel></rss>"
        ).encode()
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Sample Post</title>'
        f"<id>urn:sample</id><updated>{NOW.isoformat()}</updated>{''.join(articles)}</feed>"
    ).encode()


def _article(number: int, form: Literal["rss", "atom"], items: Iterator[Item]) -> str:
    first = next(items)
    told = list(itertools.islice(items, 4))
    paragraphs = "".join(
        f'<p>{escape(item.summary)} <a href="/topics/{number}">{escape(item.title)}</a></p>'
        for item in told
    )
    figure = f'<figure><img src="/images/{number}.jpg" alt="Symbolbild"/></figure>'
    page = f"https://news.example/articles/{number}"
    body = escape(figure + paragraphs)
    if form == "rss":
        return (
            f"<item><title>{escape(first.title)}</title><link>{page}</link>"
            f'<guid isPermaLink="false">sample-{number}</guid>'
            f"<pubDate>{NOW:%a, %d %b %Y %H:%M:%S} +0000</pubDate><dc:creator>Sample</dc:creator>"
            f"<category>Politik</category><description>{escape(first.summary)}</description>"
            f"<content:encoded>{body}</content:encoded></item>"
        )
    return (
        f'<entry><title>{escape(first.title)}</title><link href="{page}"/>'
        f"<id>urn:sample:{number}</id><updated>{NOW.isoformat()}</updated>"
        f'<author><name>Sample</name></author><category term="Politik"/>'
        f"<summary>{escape(first.summary)}</summary>"
        f'<content type="html">{body}</content></entry>'
    )
