"""Bytes of a file that somebody wrote, as text."""

from __future__ import annotations

__all__ = ["decoded"]

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def decoded(content: bytes) -> tuple[str, str]:
    """Decode bytes by their byte order mark, as UTF-8, or else as Windows-1252.

    Returns:
        The text, and the name of the encoding that it was read in.
    """
    for mark, encoding in _BOMS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace"), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("windows-1252", "replace"), "windows-1252"
