"""What a default install brings along may be used by anybody: no GPL, no AGPL, nothing unsaid."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

COPYLEFT = re.compile(r"\b(A?GPL|(Affero )?General Public License|SSPL|BUSL|Commons Clause)", re.I)
LESSER = re.compile(r"\b(LGPL|Lesser General Public|Library or Lesser)", re.I)


def requirements(name: str) -> set[str]:
    """What a distribution needs here, by name; extras are not followed."""
    found = set()
    for line in metadata.requires(name) or ():
        needed, _, marker = line.partition(";")
        match = re.match(r"[\w.-]+", needed)
        if match and "extra" not in marker:
            found.add(re.sub(r"[-_.]+", "-", match[0]).lower())
    return found


def default_install() -> list[str]:
    """Names of all distributions that `pip install wirewatch` brings, as far as they are installed."""
    known, waiting = set(), ["wirewatch"]
    while waiting:
        name = waiting.pop()
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another platform or Python
            continue
        if name not in known:
            known.add(name)
            waiting += requirements(name)
    return sorted(known)


def licences_of(name: str) -> list[str]:
    told = metadata.metadata(name)
    classified = [c for c in told.get_all("Classifier") or () if c.startswith("License")]
    written = [told[field] for field in ("License-Expression", "License") if field in told]
    return [each for each in (*classified, *(text[:200] for text in written)) if each.strip()]


def is_free(licences: list[str]) -> bool:
    """Whether one may choose a licence that asks nothing of what is built on it."""
    strict = [each for each in licences if COPYLEFT.search(each) and not LESSER.search(each)]
    lenient = [
        each for each in licences if each not in strict and each != "License :: OSI Approved"
    ]
    return bool(licences) and (not strict or bool(lenient))


@pytest.mark.parametrize(
    ("licences", "free"),
    [
        (["MIT"], True),
        (["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"], False),
        (["AGPL-3.0-only"], False),
        (["GNU LGPL"], True),
        (["License :: OSI Approved", "GPL-2.0"], False),
        ([], False),
    ],
)
def test_what_counts_as_free(licences, free):
    assert is_free(licences) is free


@pytest.mark.parametrize("name", default_install())
def test_a_default_install_is_free(name):
    assert is_free(licences_of(name)), f"{name}: {licences_of(name) or 'tells no licence'}"
