"""What is kept of words, and how much of it."""

from __future__ import annotations

import weakref
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    lengths = Memo(_Answer)
    answers = [weakref.ref(lengths[str(number)]) for number in range(100)]
    assert sum(answer() is not None for answer in answers) <= 10


def test_frequent_words_stay_while_rare_ones_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "WORDS_KEPT", 10)
    asked: Counter[str] = Counter()

    def times(word: str) -> int:
        asked[word] += 1
        return asked[word]

    answers = Memo(times)
    for number in range(100):
        assert answers.of(["often", str(number)]) == [1, 1]
    assert answers["0"] == 2


@given(st.lists(st.sampled_from("abcdefghij")), st.integers(1, 3))
def test_answers_are_those_of_the_function_and_few_are_kept(words: list[str], half: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memo, "WORDS_KEPT", 2 * half)
        answers: Memo[_Answer] = Memo(_Answer)
        kept = [weakref.ref(answers[word]) for word in words]
        assert [answers[word].word for word in words] == words
        assert len({id(found) for answer in kept if (found := answer()) is not None}) <= 2 * half


class _Answer:
    """That can be seen to be forgotten."""

    def __init__(self, word: str) -> None:
        self.word = word
