"""Which item each entry of a document is. Pure.

An entry is named by the first of: guid, link, enclosure, title with date and text. Where a
document uses that for several, the others are named by it with their link, then with their
content. A feed whose guids have proved not to be unique has its entries named by guid and link.

An item keeps its item_id for good, although publishers change what it was made from: a guid holds
the headline, which is edited; all guids move to https. So the entries of a document choose in
rounds, and what nobody has chosen has left the document:

1. what has its name and says the same
2. what has its name and its link
3. what has its name and its title or text
4. what has another name, but its content, its words or its link
5. its own name: an edited item if guids can be trusted, else a new one

A link, title or text counts only if no other entry of the document has it, and in round 4 no
other known item: the entries of a live blog share their link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from streams.feeds.fingerprint import (
    LINK,
    NOTHING,
    TEXT,
    TITLE,
    WORDS,
    Candidate,
    Identity,
    Name,
    latest_name,
)
from streams.records import Seen

__all__ = ["AHEAD", "Named", "are_guids_doubtful", "distinct", "name_all"]

AHEAD = timedelta(minutes=10)
"""Clock error granted to publishers."""
ALIAS_WITHIN = timedelta(days=30)
"""For how long an item lends its name to an entry that only resembles it: what comes later, or
after so long, is the next issue of something regular."""
DOUBTFUL_SHARE = 0.05
"""Of the guids of a document so many may stand for several entries."""


class Named(NamedTuple):
    """An entry, and which item it is."""

    candidate: Candidate
    item_id: str
    kind: Identity


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Leave out what a document says twice: the same name and the same content."""
    uses = Counter(each.first for each in candidates)
    return list({(c.first, c.digest if uses[c.first] > 1 else ""): c for c in candidates}.values())


def name_all(
    candidates: Sequence[Candidate], known: Mapping[str, Seen], now: datetime
) -> list[Named]:
    """Give every entry an item_id of its own; where none is left to give, leave it out.

    Args:
        candidates: the entries of a document, `distinct`.
        known: item_id to what was emitted.
        now: time of the poll, UTC.
    """
    return _Naming(candidates, known, now).run()


def are_guids_doubtful(named: Iterable[Named]) -> bool:
    """Whether too many guids stand for several entries, of this document or one before it.

    Args:
        named: all of a document whose policy is "guid".
    """
    by_guid = [each for each in named if each.candidate.first.kind == "guid"]
    held = {each.item_id for each in by_guid}
    used: set[str] = set()
    doubtful = 0
    for each in by_guid:
        own = each.candidate.first.item_id
        doubtful += own in used or (own in held and own != each.item_id)
        used.add(own)
    return doubtful > DOUBTFUL_SHARE * len(by_guid)


_Owners = dict[str, list[str]]


class _Naming:
    """One document whose entries choose."""

    def __init__(
        self, candidates: Sequence[Candidate], known: Mapping[str, Seen], now: datetime
    ) -> None:
        self._candidates = candidates
        self._known = known
        self._now = now
        self._waiting = dict(enumerate(candidates))
        self._taken: set[str] = set()
        self._uses = Counter(each.first for each in candidates)

    def run(self) -> list[Named]:
        """Let them choose; in document order."""
        named: dict[int, Named] = {}
        for choose in (
            self._unchanged,
            self._with_its_link,
            self._with_its_words,
            self._alias,
            self._own,
        ):
            for index, candidate in list(self._waiting.items()):
                if name := choose(candidate):
                    self._taken.add(name.item_id)
                    named[index] = Named(candidate, *name)
                    del self._waiting[index]
        return [named[index] for index in sorted(named)]

    # The rounds.

    def _unchanged(self, candidate: Candidate) -> Name | None:
        for name, before in self._known_as(candidate):
            if candidate.says_the_same(before):
                candidate.recall(before)
                return name
        return None

    def _with_its_link(self, candidate: Candidate) -> Name | None:
        return self._agreeing(candidate, LINK)

    def _with_its_words(self, candidate: Candidate) -> Name | None:
        return self._agreeing(candidate, TITLE) or self._agreeing(candidate, TEXT)

    def _alias(self, candidate: Candidate) -> Name | None:
        for item_id in self._lookalikes(candidate):
            if item_id not in self._taken:
                return Name(item_id, candidate.first.kind)
        return None

    def _own(self, candidate: Candidate) -> Name | None:
        names = (*self._renamed_to(candidate), candidate.first, *candidate.others)
        free = [name for name in names if name.item_id not in self._taken]
        if self._uses[candidate.first] > 1:
            # A name that several have is no evidence. Whose contents are known is somebody else.
            free.sort(key=self._is_described)
        return free[0] if free else None

    # What they ask.

    def _agreeing(self, candidate: Candidate, part: slice) -> Name | None:
        for name, before in self._known_as(candidate):
            if before.parts[part] == candidate.parts[part] and self._tells(candidate, part):
                return name
        return None

    def _known_as(self, candidate: Candidate) -> Iterator[tuple[Name, Seen]]:
        """The names under which it may be known, unless they are taken."""
        for name in self._names(candidate):
            before = self._known.get(name.item_id)
            if before is not None and name.item_id not in self._taken:
                yield name, before

    def _names(self, candidate: Candidate) -> Iterator[Name]:
        yield candidate.first
        yield from self._renamed_to(candidate)
        yield from candidate.others
        yield from candidate.former

    def _renamed_to(self, candidate: Candidate) -> Iterator[Name]:
        """The item that has gone by this entry's name since its own was given up."""
        if item_id := self._renamed.get(candidate.first.item_id[:8]):
            yield Name(item_id, candidate.first.kind)

    @cached_property
    def _renamed(self) -> dict[str, str]:
        """Latest name to item_id; of two that went by it the one seen last, which comes first."""
        found: dict[str, str] = {}
        for item_id, seen in self._known.items():
            if name := latest_name(seen):
                found.setdefault(name, item_id)
        return found

    def _is_described(self, name: Name) -> bool:
        before = self._known.get(name.item_id)
        return before is not None and before.parts != ""

    def _tells(self, candidate: Candidate, part: slice) -> bool:
        """Whether a part tells the entry from all others of the document."""
        value = candidate.parts[part]
        return value != NOTHING and self._counts[part.start, value] == 1

    @cached_property
    def _counts(self) -> Counter[tuple[int, str]]:
        """How many entries of the document have a part, by its place and hash."""
        return Counter(
            (part.start, each.parts[part])
            for each in self._candidates
            for part in (TITLE, TEXT, LINK, WORDS)
        )

    def _lookalikes(self, candidate: Candidate) -> Iterator[str]:
        """Known items that it may be although it has another name, best evidence first."""
        content, words, link = self._owners
        parts = candidate.parts
        found = _sole(content[candidate.digest])
        if (
            found
            and _says_more_than_its_title(candidate)
            and self._is_recent(found)
            and not self._is_next_issue(candidate, self._known[found])
        ):
            yield found
        found = _sole(words[parts[WORDS]])
        if (
            found
            and parts[TEXT] != NOTHING
            and self._tells(candidate, WORDS)
            and self._is_recent(found)
            and not self._is_next_issue(candidate, self._known[found])
        ):
            yield found
        found = _sole(link[parts[LINK]])
        if found and self._tells(candidate, LINK) and self._is_same_page(candidate, found):
            yield found

    @cached_property
    def _owners(self) -> tuple[_Owners, _Owners, _Owners]:
        """Content hash, words and link of those that wait, each to the known items that have it.

        Thousands are known and few wait, so nothing is kept of the others.
        """
        waiting = self._waiting.values()
        content: _Owners = {each.digest: [] for each in waiting}
        words: _Owners = {each.parts[WORDS]: [] for each in waiting}
        link: _Owners = {each.parts[LINK]: [] for each in waiting}
        for item_id, seen in self._known.items():
            if seen.content_hash in content:
                content[seen.content_hash].append(item_id)
            if (key := seen.parts[WORDS]) in words:
                words[key].append(item_id)
            if (key := seen.parts[LINK]) in link:
                link[key].append(item_id)
        return content, words, link

    def _is_recent(self, item_id: str) -> bool:
        """Whether it was in the last document, or has not left the feed for long."""
        return self._known[item_id].last_seen >= self._recently

    @cached_property
    def _recently(self) -> float:
        last_document = max((seen.last_seen for seen in self._known.values()), default=0)
        return min((self._now - ALIAS_WITHIN).timestamp(), last_document)

    def _is_same_page(self, candidate: Candidate, item_id: str) -> bool:
        """Whether the link is evidence enough: not that of a page with ever new contents."""
        before = self._known[item_id]
        if _is_homepage(candidate.link) or self._is_next_issue(candidate, before):
            return False
        shares_words = any(
            before.parts[part] == candidate.parts[part] != NOTHING for part in (TITLE, TEXT)
        )
        return shares_words or before.first_seen >= (self._now - ALIAS_WITHIN).timestamp()

    def _is_next_issue(self, candidate: Candidate, before: Seen) -> bool:
        """Whether the same words are told again: the hourly news, the weather.

        They are dated after the issue before them came, and lead somewhere else.
        """
        date, parts = candidate.entry.published, candidate.parts
        return (
            date is not None
            and before.first_seen + AHEAD.total_seconds() < date.timestamp()
            and date <= self._now + AHEAD
            and before.parts[WORDS] == parts[WORDS]
            and (before.parts[LINK] != parts[LINK] or bool(candidate.entry.enclosures))
        )


def _sole(owners: Sequence[str]) -> str:
    return owners[0] if len(owners) == 1 else ""


def _says_more_than_its_title(candidate: Candidate) -> bool:
    return bool(candidate.parts[TEXT] != NOTHING or candidate.link or candidate.entry.enclosures)


def _is_homepage(link: str) -> bool:
    """Whether a canonical link leads to no page in particular."""
    return link.count("/") == 3 and link.endswith("/")
