"""What is worked out once per word and kept, since news repeats its words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["LONGEST_WORD", "WORDS_KEPT", "Memo"]

LONGEST_WORD = 60
"""Letters; longer runs are no words, and would fill the memory with rubbish."""
WORDS_KEPT = 80_000
"""At most, of each function: a large vocabulary of a newspaper."""

A = TypeVar("A")


class Memo(dict[str, A]):
    """Answers of a function by word: those of lately, and behind them those of before.

    As `functools.lru_cache`, but it keeps no record of what was used when, which takes longer than to look a word
    up. Instead it has two halves. A word that is new to the younger one pushes its oldest out into the older one,
    and the oldest of that is forgotten. What is asked for there comes back, so that frequent words are worked out
    only once. Words go one by one, so that the tables of a memory that is full neither shrink nor grow.

    `len` and iteration tell of the younger half.
    """

    def __init__(self, function: Callable[[str], A]) -> None:
        super().__init__()
        self._function = function
        self._order: deque[str] = deque()
        self._before: dict[str, A] = {}
        self._order_before: deque[str] = deque()

    def __missing__(self, word: str) -> A:
        before = self._before
        answer = before[word] if word in before else self._function(word)
        if len(word) <= LONGEST_WORD:
            if len(self) >= WORDS_KEPT // 2:
                self._push_out(self._order.popleft())
            self[word] = answer
            self._order.append(word)
        return answer

    def _push_out(self, word: str) -> None:
        # What has come back from here is forgotten here before it can be pushed out again: both queues are as long.
        if len(self._order_before) >= WORDS_KEPT // 2:
            del self._before[self._order_before.popleft()]
        self._before[word] = self.pop(word)
        self._order_before.append(word)

    def of(self, words: Iterable[str]) -> list[A]:
        """The answers for words, in order."""
        return list(map(self.__getitem__, words))
