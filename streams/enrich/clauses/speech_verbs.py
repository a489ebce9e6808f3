"""Verbs and phrases with which German and English news says whose words these are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from streams.enrich.clauses.small_words import folded
from streams.enrich.words import Words, fold

__all__ = [
    "BY_WORDS_OF",
    "DENIALS",
    "PARTICIPLES",
    "SPOKES",
    "TITLE_CASE",
    "VERBS",
    "Verb",
    "speech_verbs",
]

_ARTICLES = folded("der die den dem des im am vom zum zur beim eine einer einem einen eines")
Lang = Literal["de", "en"]
Use = Literal["say", "clause", "name"]


class Verb(NamedTuple):
    """What a verb form tells about the words around it."""

    lang: Lang
    use: Use
    """say: what is said may follow bare ("sagte, er …"); clause: only with a sign of it ("kündigte
    an, dass …", "announced that …"); name: only quotation marks are a sign ("nannte ihn „…“")."""
    particles: frozenset[str] = frozenset()
    """One of these must end the clause, since the verb alone says nothing ("teilte … mit")."""


# Stems of weak verbs; "+" marks those that put an e before their endings ("antwortet").
_SAY_STEMS = """
    sag erklär beton mein behaupt+ bekräftig bestätig versicher beteuer erläuter ergänz äußer erwider
    entgegn+ antwort+ bericht+ erzähl schilder schätz glaub hoff vermut+ fürcht+ befürcht+ warn mahn
    kritisier klag beklag monier spott+ witzel scherz schimpf wetter polter droh prophezei urteil
    argumentier kommentier twitter post+ verkünd+ konter resümier bilanzier konstatier formulier
    jubel frohlock appellier plädier frag unterstell dementier bezweifel signalisier verrat+
    schwärm unk bemerk präzisier insistier mutmaß folger zürn hinzusetz
"""
_CLAUSE_STEMS = "forder verlang wünsch bedauer begrüß garantier beantrag empör verteidig"
_NAME_STEMS = """
    lob würdig rüg tadel geißel verspott+ bezeichn+ beschimpf brandmark verurteil attackier red+
    charakterisier bewert+ verhöhn titulier
"""
_STRONG = {
    "say": """
        schreibt schrieb schreiben schrieben rief ruft riefen rufen gestand gesteht gestanden bekannte
        bekennt bekannten dachte denkt denken dachten weiß wusste unterstrich unterstreicht verspricht versprach versprachen versprechen bestritt
        bestreitet bestritten bestreiten empfahl empfiehlt empfehlen verriet verrät
    """,
    "name": """
        nannte nennt nennen nannten sprach spricht sprachen sprechen beschrieb beschreibt beschrieben
        widersprach widerspricht findet fand
    """,
}
# First part, and the particles that make it a verb of saying.
_SEPARABLE = {
    "teilt teilte teilten teilen": "mit",
    "kündigt kündigte kündigten kündigen": "an",
    "räumt räumte räumten räumen": "ein",
    "fügt fügte fügten fügen": "hinzu an",
    "stellt stellte stellten stellen": "klar fest",
    "legt legte legten": "nach dar",
    "gibt gab gaben geben": "zu bekannt an",
    "weist wies wiesen weisen": "hin zurück",
    "wirft warf warfen werfen": "vor ein",
    "hält hielt hielten halten": "fest entgegen dagegen",
    "hebt hob hoben": "hervor",
    "schiebt schob schoben": "nach",
    "fährt fuhr fuhren": "fort",
    "streitet stritt stritten": "ab",
    "deutet deutete deuteten": "an",
    "lehnt lehnte lehnten": "ab",
    "sagt sagte sagten": "voraus zu aus",
    "lässt ließ ließen": "wissen mitteilen ausrichten erklären",
    "setzt setzte setzten": "hinzu",
    "führt führte führten": "aus an",
    "gesteht gestand gestanden": "ein",
}
# The same as one word, as at the end of "wie Merz mitteilte".
_JOINED = """
    mitteilt mitteilte mitteilten ankündigt ankündigte ankündigten einräumt einräumte einräumten
    hinzufügt hinzufügte klarstellt klarstellte feststellt feststellte zugibt zugab angibt angab
    bekanntgibt bekanntgab einwirft einwarf hinweist hinwies voraussagt voraussagte ausführt ausführte
"""
_PARTICIPLES_DE = """
    gesagt erklärt betont gemeint behauptet bekräftigt bestätigt versichert beteuert erläutert
    geäußert erwidert entgegnet geantwortet berichtet geschrieben mitgeteilt angekündigt eingeräumt
    hinzugefügt klargestellt gefordert verlangt gewarnt gedroht kritisiert bezeichnet genannt
    beschrieben gesprochen vorgeworfen zurückgewiesen versprochen zugegeben gerufen getwittert
    gepostet gelobt beklagt verurteilt verkündet prophezeit angegeben angedeutet
"""
_SAY_EN = """
    say says said add adds added tell tells told write writes wrote tweeted tweets posted replied
    replies warn warns warned claim claims claimed insist insists
    insisted argue argues argued explained explains noted notes stated confirmed confirms stressed
    stresses declared declares admitted admits acknowledged acknowledges suggested suggests believe
    believes believed think thinks thought concluded concludes continued recalled recalls joked jokes
    quipped quips remarked observed cautioned cautions complained complains contended contends
    countered counters emphasised emphasises emphasized emphasizes shouted cried snapped boasted
    boasts conceded concedes maintained maintains alleged alleges asserted asserts testified
    predicted predicts retorted mused lamented laments exclaimed commented whispered yelled
"""
_CLAUSE_EN = """
    announce announces announced promised promises vowed vows pledged pledges denied denies doubts
    doubted hoped
    hopes revealed reveals reported reports urged urges asked asks feared fears estimated estimates
    hinted hints signalled signaled swore swears threatened threatens indicated indicates
"""
_NAME_EN = """
    called calls described describes branded brands dubbed labelled labeled labels praised praises
    accused accuses blasted blasts slammed slams criticised criticises criticized criticizes attacked
    attacks dismissed dismisses rejected rejects referred refers spoke speaks hailed hails denounced
    denounces condemned condemns welcomed welcomes thanked responded responds answered answers mocked mocks ridiculed demanded demands
    rebuked defended defends felt questioned fumed railed
"""

SPOKES = (
    *("sprecher", "sprecherin", "sprechern", "sprecherinnen", "sprechers"),
    *("spokesman", "spokeswoman", "spokesperson", "spokespeople", "spokespersons"),
)
"""Ends of words for those who speak for an organisation."""

BY_WORDS_OF = folded("""
    angaben angabe worten aussage aussagen ansicht einschätzung darstellung meinung auffassung
    informationen überzeugung bericht berichten
""")
"""Behind "nach" or "laut", and before whose words they are."""

DENIALS = folded("""
    bestritt bestreitet bestritten bestreiten dementiert dementierte dementierten dementieren
    bezweifelt bezweifelte denied denies doubts doubted
""")
"""Verbs that say the contrary of what follows."""

TITLE_CASE = folded("says said warns tells claims vows insists calls told slams accuses denies")
"""Verbs that are recognised with a capital, as some English headlines write them."""


def _weak(stems: str) -> Iterator[str]:
    """Present, past and infinitive of weak verbs."""
    for entry in stems.split():
        stem = entry.rstrip("+")
        root = f"{stem}e" if entry.endswith("+") else stem
        yield from (f"{root}t", f"{root}te", f"{root}ten", f"{stem}en", f"{stem}n")


def _verbs() -> Iterator[tuple[str, Verb]]:
    """Every form with its meaning; of two meanings the later one stays."""
    weak: tuple[tuple[Use, str], ...] = (
        ("name", _NAME_STEMS),
        ("clause", _CLAUSE_STEMS),
        ("say", _SAY_STEMS),
    )
    yield from ((form, Verb("de", "name")) for form in _STRONG["name"].split())
    yield from ((form, Verb("de", use)) for use, stems in weak for form in _weak(stems))
    for forms, particles in _SEPARABLE.items():
        yield from ((form, Verb("de", "clause", folded(particles))) for form in forms.split())
    say = (*_STRONG["say"].split(), *_JOINED.split(), *_PARTICIPLES_DE.split())
    yield from ((form, Verb("de", "say")) for form in say)
    yield from ((form, Verb("de", "say")) for form in ("sagt", "sagte", "sagten"))
    english: tuple[tuple[Use, str], ...] = (
        ("name", _NAME_EN),
        ("clause", _CLAUSE_EN),
        ("say", _SAY_EN),
    )
    yield from ((form, Verb("en", use)) for use, forms in english for form in forms.split())


_NEVER = folded("meinen bewerten unken postn")
"""Forms that mean something else more often."""
VERBS: dict[str, Verb] = {fold(form): verb for form, verb in _verbs() if fold(form) not in _NEVER}
"""Folded form to what it means."""

PARTICIPLES = folded(_PARTICIPLES_DE)
"""German forms that need an auxiliary, unless they are the present tense as well."""


def speech_verbs(words: Words) -> dict[int, Verb]:
    """The verbs of saying in a text, by index.

    A verb in capitals is a name or a noun, except for a few in English headlines. A part of a hyphen
    compound ("co-wrote") is none, nor a participle before its noun ("der befürchteten Inflation").
    """
    if VERBS.keys().isdisjoint(words.keys):
        return {}
    return {
        index: VERBS[key]
        for index, key in enumerate(words.keys)
        if key in VERBS and _is_verb(words, index, key)
    }


def _is_verb(words: Words, index: int, key: str) -> bool:
    raw = words.raws[index]
    if not raw.islower() and key not in TITLE_CASE:
        return False
    if raw.startswith("för") or words.hyphen_before(index):
        return False  # folding makes "fordert" of "fördert"
    if index and words.keys[index - 1] in _ARTICLES and key.endswith(("te", "ten")):
        return not words.raws[index + 1 : index + 2] or not words.raws[index + 1][0].isupper()
    return True
