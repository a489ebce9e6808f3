"""Items for tests of stories: one wire text with its copies, and reports from templates."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from streams.records import EnrichedItem, Entity, FieldSpan
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref

WIRE = (
    "Die Aufsichtsbehörde hat gegen den Betreiber des Netzwerks ein Bußgeld von 41 Millionen Euro verhängt, weil "
    "gemeldete Beiträge wochenlang stehen blieben. Der Konzern kündigte Widerspruch an. Nach Angaben der Behörde "
    "wurden 1.830 Beschwerden ausgewertet, von denen zwei Drittel begründet waren. Eine Sprecherin nannte die "
    "Entscheidung ein Signal an alle großen Anbieter."
)
HEADLINES = (
    "Bußgeld gegen Netzwerk: 41 Millionen Euro",
    "Behörde bestraft Betreiber wegen liegen gebliebener Beschwerden",
    "41 Millionen Strafe für sozialen Dienst",
    "Netzwerk soll zahlen",
)


def told(
    number: int,
    title: str,
    summary: str = "",
    *,
    lang: str = "de",
    at: datetime = NOW,
    feed: str = "",
    figures: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    revision: int = 1,
) -> EnrichedItem:
    """An enriched item with title and summary; `names` are entities wherever they stand."""
    text = f"{title}\n\n{summary}" if summary else title
    spans = [FieldSpan(name="title", start=0, end=len(title))]
    if summary:
        spans.append(FieldSpan(name="summary", start=len(title) + 2, end=len(text)))
    entities = tuple(
        Entity(text=name, label="PER", start=(at_ := text.index(name)), end=at_ + len(name))
        for name in names
    )
    item = make_item_ref(
        number=number, revision=revision, title=title, lang=lang, seen_at=at, published_at=at,
        feed_id=feed or f"feed-{number}",
    )  # fmt: skip
    return make_enriched(
        text,
        item=item,
        fields=tuple(spans),
        entities=entities,
        figures=tuple(make_figure_hit(figure_id=figure, name=figure) for figure in figures),
    )


def copies(count: int, *, feeds: int, within: timedelta) -> list[EnrichedItem]:
    """Copies of the wire text as newsrooms make them: own headlines, datelines, cuts, credits."""
    random = Random(5)
    made = []
    for number in range(count):
        text = WIRE
        if random.random() < 0.4:
            text = f"Bonn (nwa) - {text}"
        if random.random() < 0.3:
            text = text.rpartition(" Eine Sprecherin")[0]
        if random.random() < 0.3:
            text += " Mehr dazu in Kürze."
        if random.random() < 0.2:
            text = text.replace("kündigte Widerspruch an", "will Widerspruch einlegen")
        title = random.choice(HEADLINES)
        at = NOW + within * (number / count)
        made.append(
            told(number, title, text, at=at, feed=f"feed-{number % feeds}", figures=("netz",))
        )
    return made


PLACES = [
    "Aachen",
    "Bremen",
    "Celle",
    "Dresden",
    "Emden",
    "Fulda",
    "Gera",
    "Hagen",
    "Ilmenau",
    "Jena",
    "Kassel",
    "Lingen",
    "Mainz",
    "Neuss",
    "Oldenburg",
    "Passau",
    "Quedlinburg",
    "Rostock",
    "Speyer",
    "Trier",
    "Ulm",
    "Verden",
    "Worms",
    "Xanten",
    "Zwickau",
]
CLUBS = [
    "Borussia",
    "Eintracht",
    "Fortuna",
    "Alemannia",
    "Germania",
    "Hansa",
    "Kickers",
    "Viktoria",
    "Wacker",
    "Union",
]
FIRMS = [
    "Albrecht",
    "Brinkmann",
    "Cordes",
    "Dorner",
    "Ehlers",
    "Falkenhain",
    "Grothe",
    "Hollmann",
    "Ivers",
    "Jessen",
    "Kortmann",
    "Lüdicke",
    "Mertz",
    "Nissen",
    "Overbeck",
    "Paulsen",
    "Quandel",
    "Reimers",
    "Sattler",
    "Tiedemann",
]


def reports(count: int, *, every: timedelta) -> list[EnrichedItem]:
    """Weather, markets and matches from three templates, no two of the same fact."""
    random = Random(9)
    made: list[EnrichedItem] = []
    for number in range(count):
        kind, at = number % 3, NOW + every * number
        place = PLACES[(number // 3) % len(PLACES)]
        if kind == 0:
            low, high = random.randint(-3, 9), random.randint(10, 31)
            title = f"Wetter in {place}: bis {high} Grad"
            text = (
                f"In {place} wird es am {at:%d.%m.} wechselnd bewölkt mit einzelnen Schauern. Die Höchstwerte liegen bei "
                f"{high} Grad, nachts kühlt es auf {low} Grad ab. Der Wind weht mäßig aus Nordwest."
            )
        elif kind == 1:
            firm = FIRMS[(number // 3) % len(FIRMS)]
            price, change = random.randint(900, 9900) / 100, random.randint(1, 480) / 100
            title = f"Aktie von {firm} schließt bei {price:.2f} Euro".replace(".", ",")
            text = (
                f"Die Aktie von {firm} hat den Handel am {at:%d.%m.} mit einem Plus von {change:.2f} Prozent beendet. "
                f"Zuletzt wurden {price:.2f} Euro gezahlt, das Tagestief lag bei {price - change:.2f} Euro."
            )
        else:
            home, guest = random.sample(CLUBS, 2)
            rival = PLACES[(number // 3 + 7) % len(PLACES)]
            goals = random.randint(1, 5)
            title = f"{home} {place} schlägt {guest} {rival} mit {goals}:0"
            text = (
                f"{home} {place} hat am {at:%d.%m.} gegen {guest} {rival} mit {goals}:0 gewonnen. Vor {random.randint(800, 9000)} "
                "Zuschauern fiel die Entscheidung schon vor der Pause. Der Trainer lobte die Abwehr seiner Mannschaft."
            )
        made.append(told(10_000 + number, title, text, at=at))
    return made
