"""Documents that are gzip files themselves, as sitemaps often are, beside any transfer encoding."""

from __future__ import annotations

import zlib

from streams.errors import ParseError

__all__ = ["unpack"]

MAX_BYTES = 10 * 1024**2
"""Unpacked; what the fetcher takes of a document that is not packed."""
_MAGIC = b"\x1f\x8b\x08"  # RFC 1952, section 2.3.1, with the only method there is
_GZIP = 16 + zlib.MAX_WBITS


def unpack(body: bytes) -> tuple[bytes, str]:
    """Unpack a gzip file of one or more members; anything else stays as it is.

    Returns:
        The document, and a warning, "" if there is none. Of a damaged file, what came before.

    Raises:
        ParseError: `too_large`, noticed without unpacking more than `MAX_BYTES`.
    """
    if not body.startswith(_MAGIC):
        return body, ""
    pieces: list[bytes] = []
    room = MAX_BYTES + 1
    while body.startswith(_MAGIC):
        member = zlib.decompressobj(_GZIP)
        try:
            pieces.append(member.decompress(body, room))
        except zlib.error as error:
            return b"".join(pieces), f"damaged gzip file: {error}"
        room -= len(pieces[-1])
        if room <= 0:
            raise ParseError(f"unpacked larger than {MAX_BYTES >> 20} MiB", kind="too_large")
        if not member.eof:
            return b"".join(pieces), "the gzip file ends too early"
        body = member.unused_data
    return b"".join(pieces), ""
