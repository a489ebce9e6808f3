"""The document that everything is found in: plain text whose offsets never change.

HTML becomes text with a newline between blocks and nothing between inline elements, so that
"Donald <em>Trump</em>s" stays one word. All text is NFC, without control, soft-hyphen and
zero-width characters, with single spaces and at most one blank line in a row. Title, summary
and body follow each other, a blank line between them.
"""

from __future__ import annotations

import bisect
import html as entities
import itertools
import re
import unicodedata
from functools import cached_property

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

from streams.enrich.abbreviations import ABBREVIATIONS, NUMBERED, STARTERS
from streams.enrich.words import Words
from streams.printable import stream_safe
from streams.records import FieldName, FieldSpan

__all__ = ["SENTENCE_LIMIT", "TEXT_LIMIT", "Document", "html_to_text", "make_document"]

TEXT_LIMIT = 20_000
"""Code points of a document; about ten times a long news report."""
SENTENCE_LIMIT = 300
"""Characters of a sentence as it is shown and used as context."""
MARKUP_LIMIT = 500_000
"""Characters of HTML that are parsed; more is never needed to fill TEXT_LIMIT with news."""
TAG_LIMIT = 10_000
"""Tags that are parsed: for nested elements the parser takes time by the square of their number."""


class Document(msgspec.Struct, frozen=True, dict=True):
    """Text of an item. Offsets are code points, end exclusive."""

    text: str
    fields: tuple[FieldSpan, ...]

    def field_at(self, offset: int) -> FieldName:
        """Name of the field that holds the offset."""
        for span in self.fields:
            if span.start <= offset < span.end:
                return span.name
        return "body"

    @cached_property
    def title_end(self) -> int:
        """Where the title ends; 0 without one. The title comes first."""
        return max((span.end for span in self.fields if span.name == "title"), default=0)

    @cached_property
    def sentences(self) -> tuple[tuple[int, int], ...]:
        """Spans of all sentences in order, without the white space around them."""
        text = self.text
        breaks = [0, *[stop.end() for stop in _STOP.finditer(text) if _ends(text, stop)], len(text)]
        trimmed = [_trim(text, start, end) for start, end in itertools.pairwise(breaks)]
        return tuple([(start, end) for start, end in trimmed if start < end])

    def sentence_at(self, start: int, end: int) -> tuple[int, int]:
        """Span (start, end) of the sentence, at most 300 characters, around a span.

        A span that crosses sentences gets all of them, and a span longer than the limit is
        returned as it is.
        """
        starts = self.sentence_starts
        first = bisect.bisect_right(starts, start) - 1
        if first >= 0:
            low, high = self.sentences[first]
            if end <= high <= low + SENTENCE_LIMIT:  # nearly always
                return low, high
        last = bisect.bisect_left(starts, end) - 1
        low = min(start, self.sentences[first][0]) if first >= 0 else start
        high = max(end, self.sentences[last][1]) if last >= 0 else end
        return _window(self.text, start, end, low, high)

    @cached_property
    def sentence_starts(self) -> list[int]:
        """Where each sentence starts, in order."""
        return [start for start, _ in self.sentences]

    @cached_property
    def words(self) -> Words:
        """The text cut into words, once for all who read it."""
        return Words(self.text)


# --- HTML to text ------------------------------------------------------------------------

_ELEMENTS = (
    "a abbr acronym address area article aside audio b base basefont bdi bdo big blink blockquote "
    "body br button canvas caption center cite code col colgroup data dd del details dfn dialog "
    "dir div dl dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 "
    "h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map "
    "mark marquee math menu meta meter nav nobr noscript object ol optgroup option output p param "
    "picture pre progress q rp rt ruby s samp script search section select small source span "
    "strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time "
    "title tr track tt u ul var video wbr"
)
_BREAKS = frozenset({"br", "hr"})
_BLOCK_ELEMENTS = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup html legend li "
    "main menu nav ol optgroup option p pre section summary table tbody td tfoot th thead tr "
    "ul"
)
_SKIPPED_ELEMENTS = (
    "audio canvas embed head iframe img input math noembed object script select style svg "
    "template textarea video"
)
_BLOCKS = frozenset(_BLOCK_ELEMENTS.split())
_SKIPPED = frozenset(_SKIPPED_ELEMENTS.split())
# A known element, or one with a namespace or a dash ("o:p", "my-widget"); anything else after
# "<" is text, such as "<3", "x < y" and "<mail@example.org>". The bound keeps this linear.
_NAME = rf"(?:(?:{'|'.join(_ELEMENTS.split())})(?=[\s/>])|[a-z][a-z0-9]*[:-][a-z0-9:-]*(?=[\s/>]))"
_OPENING = (
    rf"/?{_NAME}[^<>]{{0,400}}(?:>|[\"'<])|[a-z]+\s+[a-z-]+=|!--|!doctype\b|!\[CDATA\[|\?xml\b"
)
_TAG = re.compile(f"<(?:{_OPENING})", re.IGNORECASE)
_NO_TAG = re.compile(f"<(?!{_OPENING})", re.IGNORECASE)
_ESCAPED = re.compile(
    r"</[a-z][a-z0-9]*\s*>|<(?:p|br|hr|img|a|div|li)\b[^<>]{0,400}>", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u115f\u1160\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_WHITE = re.compile(r"\s+")
_LINE_ENDS = re.compile(r"\s*\n\s*")
# White space that is more, or other, than the one space that is left of it.
_SPACES = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")
_AROUND_LINE_END = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")


def html_to_text(html: str) -> str:
    """Plain text of HTML or of plain text.

    Markup that was escaped once too often ("&lt;p&gt;") is decoded once more. A line end in
    plain text stays; in HTML it is white space, and blocks make the lines.
    """
    html = html[:MARKUP_LIMIT]
    if "<" not in html and "&" not in html:
        return _clean(html)
    if _TAG.search(html):
        text = _walk(html)
    else:
        text = _decode(html)
        text = _walk(text) if _ESCAPED.search(text) else text
    return _clean(_decode(text) if _ENTITY.search(text) else text)


def _decode(text: str) -> str:
    """Decode entities that end in a semicolon; "AT&T" and "&copy=1" are left alone."""
    return _ENTITY.sub(lambda match: entities.unescape(match[0]), text)


def _walk(html: str) -> str:
    """Text of the tree in document order; no recursion, since nesting may be hostile."""
    tags = _NO_TAG.sub("&lt;", html).split("<", TAG_LIMIT)
    root = LexborHTMLParser("<".join(tags[:TAG_LIMIT])).root
    pieces: list[str] = []
    length = 0
    stack: list[LexborNode | None] = [root]
    while stack and length < 2 * TEXT_LIMIT:
        node = stack.pop()
        if node is None:  # the end of a block
            pieces.append("\n")
            continue
        if node.next is not None:
            stack.append(node.next)
        if node.is_text_node:
            pieces.append(_WHITE.sub(" ", node.text_content or ""))
            length += len(pieces[-1])
        elif node.tag in _BREAKS:
            pieces.append("\n")
        elif node.tag not in _SKIPPED and node.child is not None:
            if node.tag in _BLOCKS:
                pieces.append("\n")
                stack.append(None)
            stack.append(node.child)
    return _LINE_ENDS.sub("\n", "".join(pieces))


def _clean(text: str) -> str:
    """NFC, no invisible characters, single spaces, at most one blank line in a row."""
    if text.isprintable():  # its white space is plain spaces, then
        text = unicodedata.normalize("NFC", stream_safe(text))
        return (_SPACES.sub(" ", text) if "  " in text else text).strip()
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", text))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", stream_safe(text)))
    if "\n" in text:
        text = _BLANK_LINES.sub("\n\n", _AROUND_LINE_END.sub("\n", text))
    return text.strip()


# --- documents ---------------------------------------------------------------------------

_NOT_LETTERS = re.compile(r"[\W_]+")
GLANCE = 24
"""Characters by which two texts are compared before they are compared whole."""


def make_document(title: str, summary: str = "", body: str = "") -> Document:
    """Join an item's fields, each HTML or text, into one document.

    A summary that merely repeats the title or the start of the body is left out. The document
    ends, at a word, after TEXT_LIMIT code points.
    """
    texts: dict[FieldName, str] = {
        "title": " ".join(html_to_text(title).split()),
        "summary": html_to_text(summary),
        "body": html_to_text(body),
    }
    if _repeats(texts["summary"], texts["title"]) or _repeats(texts["summary"], texts["body"]):
        texts["summary"] = ""
    text, fields = "", []
    for name, value in texts.items():
        start = len(text) + 2 if text else 0
        value = _cut(value, TEXT_LIMIT - start)
        if value:
            text = f"{text}\n\n{value}" if text else value
            fields.append(FieldSpan(name=name, start=start, end=len(text)))
    return Document(text=text, fields=tuple(fields))


def _repeats(part: str, whole: str) -> bool:
    """Whether the letters of `part` open `whole`; a closing "[…]" makes no difference."""
    for size in (GLANCE, len(part)):  # a glance tells most texts apart
        letters = _NOT_LETTERS.sub("", part[:size]).casefold()
        opening = _NOT_LETTERS.sub("", whole[: 2 * size + 100]).casefold()
        if not opening.startswith(letters):
            return False
    return True


def _cut(text: str, limit: int) -> str:
    """Shorten to `limit` characters, at white space where there is some in the last half."""
    limit = max(limit, 0)
    if len(text) <= limit:
        return text
    cut = max(text.rfind(" ", 0, limit + 1), text.rfind("\n", 0, limit + 1))
    return text[: cut if cut > limit // 2 else limit].rstrip()


# --- sentences ---------------------------------------------------------------------------

# One set of characters opens it, so that a search skips all others at once. It is tried only where
# marks begin, and never given back: 20,000 dots would take time by their square.
_STOP = re.compile(r"[\n.!?…](?:(?<=\n)\n*|(?<!\n)(?<![.!?…]{2})[.!?…]*+[\"'”“’»«)\]]*+[ ])")
_OPENERS = "\"'„“‚‘»«›‹([¿¡–—- "
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_ORDINAL = re.compile(r"\d{1,2}")
_WORD = re.compile(r"\w+")
LONGEST_ABBREVIATION = max(map(len, ABBREVIATIONS | NUMBERED))
"""Characters; initials without dots, and ordinals, are shorter."""


def _ends(text: str, stop: re.Match[str]) -> bool:
    """Whether a stop ends its sentence. A line end always does.

    No sentence ends before a lower-case letter. After a full stop, abbreviations, initials
    ("U.S.") and ordinals ("6. November") go on, unless a word follows that usually opens a
    sentence.
    """
    if stop[0][0] == "\n":
        return True
    rest = text[stop.end() : stop.end() + 40].lstrip(_OPENERS)
    if rest[:1].islower():
        return False
    if stop[0] != ". ":
        return True
    before = text[max(stop.start() - 40, 0) : stop.start()].rsplit(maxsplit=1)[-1:]
    word = before[0].lstrip(_OPENERS) if before else ""
    if not _goes_on(word, rest):
        return True
    following = _WORD.match(rest)
    return following is not None and following[0] in STARTERS and len(word) > 1


def _goes_on(word: str, rest: str) -> bool:
    """Whether a word with a full stop usually stands inside a sentence."""
    if len(word) > LONGEST_ABBREVIATION and "." not in word:  # nearly always
        return False
    folded = word.casefold()
    return bool(
        _INITIALS.fullmatch(word)
        or _ORDINAL.fullmatch(word)
        or folded in ABBREVIATIONS
        or (folded in NUMBERED and rest[:1].isdigit())
    )


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Span without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _window(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """Narrow [low, high) to SENTENCE_LIMIT characters around [start, end), cut at spaces."""
    if high - low <= SENTENCE_LIMIT:
        return low, high
    room = max(SENTENCE_LIMIT - (end - start), 0)
    left = max(low, start - room // 2, min(start, high - SENTENCE_LIMIT))
    left = max(low, min(left, start))
    right = min(high, max(end, left + SENTENCE_LIMIT))
    if left > low:
        space = text.find(" ", left, start)
        left = space + 1 if space >= 0 else left
    if right < high:
        space = text.rfind(" ", end, right + 1)
        right = space if space >= 0 else right
    return left, right
