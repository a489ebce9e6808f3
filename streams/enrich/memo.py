"""What is worked out once per word and kept, since news repeats its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["LONGEST_WORD", "WORDS_KEPT", "Memo"]

LONGEST_WORD = 60
"""Letters; longer runs are no words, and would fill the memory with rubbish."""
WORDS_KEPT = 100_000
"""At most, of each function: a large vocabulary of a newspaper."""

A = TypeVar("A")


class Memo(dict[str, A]):
    """Answers of a function by word: those of lately, and behind them those of before.

    As `functools.lru_cache`, but it keeps no record of what was used when, which takes longer than to look a word
    up. Instead it has two halves: when the one is full, the other is forgotten. What was asked for meanwhile is in
    the full one, so that frequent words are worked out only once.

    `len` and iteration tell of the younger half.
    """

    def __init__(self, function: Callable[[str], A]) -> None:
        super().__init__()
        self._function = function
        self._before: dict[str, A] = {}

    def __missing__(self, word: str) -> A:
        before = self._before
        answer = before[word] if word in before else self._function(word)
        if len(word) <= LONGEST_WORD:
            if len(self) >= WORDS_KEPT // 2:
                before.clear()  # first, so that there is room for the copy
                before.update(self)
                self.clear()
            self[word] = answer
        return answer

    def of(self, words: Iterable[str]) -> list[A]:
        """The answers for words, in order."""
        return list(map(self.__getitem__, words))
