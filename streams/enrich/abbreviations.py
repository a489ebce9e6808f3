"""Words that decide where a German or English sentence ends."""

from __future__ import annotations

__all__ = ["ABBREVIATIONS", "NUMBERED", "STARTERS"]

_GERMAN = (
    "abb abs allg aufl az bd bzw ca dipl dr etc evtl exkl ff geb gegr gem ggf hl hr hrsg inkl ing "
    "insb jh jr kap lt mind mio mrd mwst nr o.ä orig prof red rd s.a s.o s.u sen sog st std str "
    "tel u.a u.ä u.u urspr usf usw v.a v.chr verl vgl vol z.b z.t z.zt zit zzgl"
)
_ENGLISH = (
    "adm approx apr asst aug ave brig capt cf cmdr co col corp dec dept feb fig ft gen gov hon inc "
    "jan jul jun ltd maj messrs mr mrs ms mt nov oct pp rep rev sept sgt sr supt treas univ v vs"
)
_GERMAN_STARTERS = (
    "Aber Als Am An Auch Auf Bei Bis Damit Danach Dann Das Dazu Der Die Dies Diese Dieser Doch Ein "
    "Eine Er Es Für Ich Ihr Im In Mit Nach Nun Ob Sie So Und Von Vor Während Was Wenn Wie Wir Zu "
    "Zudem Zum Zur"
)
_ENGLISH_STARTERS = (
    "A After Also An And As At But By For From He Her His How If It Its Last Many Most Now On One "
    "She Since Some That The Their Then There These They This Those To We What When While Who With "
    "You"
)

ABBREVIATIONS = frozenset((_GERMAN + " " + _ENGLISH).split())
"""Abbreviations that a full stop follows without ending the sentence, casefolded."""

NUMBERED = frozenset({"art", "no", "op"})
"""Words that are abbreviations only before a number ("No. 5"), casefolded."""

STARTERS = frozenset((_GERMAN_STARTERS + " " + _ENGLISH_STARTERS).split())
"""Words that usually open a sentence when they have a capital after a full stop."""
