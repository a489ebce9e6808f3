"""Files that people give to a command: opened, unpacked, as lines, as text."""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

from streams.errors import ConfigError, NotFoundError
from streams.printing import note

__all__ = ["Stream", "decoded", "lines_of", "opened"]

Stream: TypeAlias = "io.BufferedReader[Any] | gzip.GzipFile"
GZIP = b"\x1f\x8b"
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@contextlib.contextmanager
def opened(file: str) -> Iterator[Stream]:
    """A file, or standard input for -, unpacked if it is gzipped.

    Raises:
        NotFoundError: it cannot be read.
    """
    stream: io.BufferedReader[Any]
    with contextlib.ExitStack() as stack:
        try:
            if file == "-":
                stream = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
            else:
                stream = stack.enter_context(Path(file).open("rb"))
            packed = stream.peek(2).startswith(GZIP)
        except OSError as error:
            raise NotFoundError(
                f"{file} cannot be read: {error.strerror}", cure="check the path"
            ) from error
        yield stack.enter_context(gzip.GzipFile(fileobj=stream)) if packed else stream


def lines_of(stream: Stream, file: str, longest: int) -> Iterator[bytes]:
    """Lines with their ends, cut where they are longer.

    Raises:
        ConfigError: the file is broken off, or not packed as it says.
    """
    try:
        while line := stream.readline(longest):
            yield line
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(
            f"cannot be read: {error}", file=file, cure="download or pack it again"
        ) from error


def decoded(content: bytes, file: str = "") -> str:
    """Decode bytes by their byte order mark, as UTF-8, or else as Windows-1252, with a note."""
    for mark, encoding in _BOMS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        note(f"{file or 'note'}: not UTF-8, read as Windows-1252")
        return content.decode("windows-1252", "replace")
