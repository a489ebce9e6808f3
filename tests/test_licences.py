"""What a default install and the image bring along may be used by anybody: no GPL, no AGPL, nothing unsaid."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

IMAGE_LOCK = Path(__file__).parents[1] / "requirements-image.lock"
COPYLEFT = re.compile(r"\b(A?GPL|(Affero )?General Public License|SSPL|BUSL|Commons Clause)", re.I)
LESSER = re.compile(r"\b(LGPL|Lesser General Public|Library or Lesser)", re.I)


def brought_along() -> list[str]:
    """Names of all distributions that the image brings, as far as they are installed: the extras of it and
    `pip install wirewatch`; others are for another platform or Python.
    """
    locked = re.findall(r"^([\w.-]+)==", IMAGE_LOCK.read_text(), re.M)
    return sorted(name for name in ["wirewatch", *locked] if is_installed(name))


def is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


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


@pytest.mark.parametrize("name", brought_along())
def test_what_comes_along_is_free(name):
    assert is_free(licences_of(name)), f"{name}: {licences_of(name) or 'tells no licence'}"
