"""What is kept of words, and how much of it."""

from __future__ import annotations

import pytest

from streams.enrich import memo
from streams.enrich.memo import LONGEST_WORD, Memo


def test_a_word_is_worked_out_once() -> None:
    asked: list[str] = []

    def length(word: str) -> int:
        asked.append(word)
        return len(word)

    lengths = Memo(length)
    assert lengths.of(["one", "three", "one"]) == [3, 5, 3]
    assert asked == ["one", "three"]


def test_runs_of_letters_that_are_no_words_are_not_kept() -> None:
    lengths = Memo(len)
    assert lengths["x" * (LONGEST_WORD + 1)] == LONGEST_WORD + 1
    assert not lengths


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "WORDS_KEPT", 10)
    lengths = Memo(len)
    for number in range(100):
        assert lengths[str(number)] == len(str(number))
        assert len(lengths) <= 10
