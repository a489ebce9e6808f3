"""Bytes that nearly make sense: samples with some of their bytes, words or fields replaced."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

__all__ = ["edited", "edited_json"]

SPLICES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"&#0;", b"&#xD800;", b"]]>", b"<![CDATA[", b"<!--",
    b"<!DOCTYPE a [<!ENTITY b 'b'>]>", b"&b;", b"{", b"[[[[", b'"', b"\\ud800", b"1e999", b"-0", b"null",
    b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"\xe2\x80\xae", b"\xcc\x81" * 40, b"A" * 5_000,
    b"*a", b"&a [*a]", b"!!python/object:os.system x", b"\t", b"? ", b": ", b"- ", b"|\n", b"<<: ",
)  # fmt: skip
"""What has broken parsers of XML, JSON and YAML before."""

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1.5, "", "x", "\u0000", "\ud7ff\u202e", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "2026-11-25T12:00:00+00:00", [], [None], {}, {"a": {}}, ["x"] * 50, "ä" * 3_000,
)  # fmt: skip
"""What may stand where a field of a record is expected."""


@st.composite
def edited(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A sample after a few edits: bytes replaced, pieces cut, doubled, moved or spliced in."""
    body = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(body)))
        until = min(len(body), at + draw(st.sampled_from([0, 1, 4, 40, 400])))
        piece = draw(
            st.one_of(
                st.sampled_from(SPLICES),
                st.binary(max_size=8),
                st.just(body[at:until] * 2),
                st.just(b""),
            )
        )
        body = body[:at] + piece + body[until:]
    return body


@st.composite
def edited_json(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A JSON sample with some of its fields replaced, so that it is still JSON and often still a record."""
    value = json.loads(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 4))):
        holder, place = draw(st.sampled_from(list(_places(value))))
        holder[place] = draw(
            st.one_of(
                st.sampled_from(VALUES).map(copy.deepcopy),
                st.integers(),
                st.floats(allow_nan=False, allow_infinity=False),
                st.text(max_size=20),
                st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
            )
        )
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every field and element, each as what holds it and where."""
    if not isinstance(value, dict | list):
        return []
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    found: list[tuple[Any, Any]] = []
    for place, each in inside:
        found.append((value, place))
        found += _places(each)
    return found or ([(value, "x")] if isinstance(value, dict) else [])
