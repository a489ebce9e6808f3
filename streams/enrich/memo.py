"""What is worked out once per word and kept, since news repeats its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["LONGEST_WORD", "WORDS_KEPT", "Memo"]

LONGEST_WORD = 60
"""Letters; longer runs are no words, and would fill the memory with rubbish."""
WORDS_KEPT = 100_000
"""A large vocabulary of a newspaper."""

A = TypeVar("A")


class Memo(dict[str, A]):
    """Answers of a function by word.

    As `functools.lru_cache`, but it forgets all at once when it is full, and so needs no record of
    what was used when. To keep that record takes longer than to look a word up.
    """

    def __init__(self, function: Callable[[str], A]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, word: str) -> A:
        answer = self._function(word)
        if len(word) <= LONGEST_WORD:
            if len(self) >= WORDS_KEPT:
                self.clear()
            self[word] = answer
        return answer

    def of(self, words: Iterable[str]) -> list[A]:
        """The answers for words, in order."""
        return list(map(self.__getitem__, words))
