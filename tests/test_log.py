"""Logs stay readable when libraries shout; nothing of our own is kept back."""

import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from streams import log
from streams.log import REPEAT_SECONDS, Repeats, setup_logging


def test_the_first_is_said_then_one_in_half_a_minute_with_the_number_of_the_others():
    repeats = Repeats(30)
    told = [repeats.take("no node", tenth / 10) for tenth in range(650)]
    assert {tenth / 10: count for tenth, count in enumerate(told) if count is not None} == {
        0.0: 0,
        30.0: 299,
        60.0: 299,
    }


def test_kinds_do_not_wait_for_each_other():
    repeats = Repeats(30)
    assert [repeats.take(kind, 1.0) for kind in "aabab"] == [0, None, 0, None, None]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 20)), max_size=60),
    st.floats(1, 60),
)
def test_none_is_forgotten_and_no_two_come_too_close(lines, seconds):
    repeats, now = Repeats(seconds), 0.0
    said: dict[str, list[float]] = {}
    counted: dict[str, int] = {}
    for kind, pause in lines:
        now += pause
        kept_back = repeats.take(kind, now)
        if kept_back is not None:
            times = said.setdefault(kind, [])
            assert not times or now - times[-1] >= seconds
            assert kept_back == counted.get(kind, 0)
            times.append(now)
        counted[kind] = 0 if kept_back is not None else counted.get(kind, 0) + 1
    assert set(said) == {kind for kind, _ in lines}, "the first of each kind is said at once"


def test_endless_kinds_take_no_endless_memory():
    repeats = Repeats(30)
    for number in range(5_000):
        assert repeats.take(number, 1.0) == 0
    assert len(repeats._said) <= log._KINDS


@pytest.fixture
def said(capsys):
    """Set up as JSON; gives a function that returns the events so far, each once."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in log._QUIET}

    def events():
        return [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]

    yield events
    root.handlers[:], level = before
    root.setLevel(level)
    for name, each in levels.items():
        logging.getLogger(name).setLevel(each)
    structlog.reset_defaults()


def test_a_library_that_repeats_itself_is_quoted_and_we_are_not(said, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("streams.log.time.monotonic", lambda: now[0])
    setup_logging("INFO", "json")
    theirs, ours = logging.getLogger("aiokafka.client"), structlog.get_logger("streams.feeds")
    for port in range(50):
        theirs.error("Unable connect to node with id %s: %s", 1, port)
        ours.info("polled")
    assert said() == ["Unable connect to node with id 1: 0", *["polled"] * 50]
    theirs.error("Unable to update metadata from %s", [1])
    assert said() == ["Unable to update metadata from [1]"]
    now[0] += REPEAT_SECONDS
    theirs.error("Unable connect to node with id %s: %s", 1, "refused")
    assert said() == ["Unable connect to node with id 1: refused [and 49 more like it]"]


def test_different_errors_under_the_same_words_are_all_told(said):
    setup_logging("INFO", "json")
    for error in (ValueError("x"), KeyError("y"), ValueError("z")):
        try:
            raise error
        except (ValueError, KeyError):
            logging.getLogger("asyncio").exception("Task exception was never retrieved")
    assert len(said()) == 2


def test_nothing_is_kept_back_where_everything_was_asked_for(said):
    setup_logging("DEBUG", "json")
    for _ in range(3):
        logging.getLogger("aiokafka.client").error("no %s", "node")
    assert said() == ["no node"] * 3


def test_a_text_from_outside_steers_no_terminal(said, capsys):
    setup_logging("INFO", "text")
    structlog.get_logger("streams.feeds").info("polled", title="a\x1b[31mred\x9b", bidi="\u202egpj")
    logging.getLogger("aiohttp").warning("no such host: %s", "\x1b]0;mine\x07")
    shown = capsys.readouterr().err
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(shown)
    assert "[31mred" in shown
