"""Logs neither grow without end nor are read whole."""

import shutil

import pytest

from streams import child_logs
from streams.child_logs import last_lines, open_log, shorten_log


@pytest.fixture
def log_file(tmp_path):
    return tmp_path / "poll.log"


def former(log_file):
    return log_file.with_name("poll.log.1")


def test_a_log_goes_on_or_begins_anew(log_file):
    for anew, held in ((True, b"a"), (False, b"aa"), (True, b"a")):
        former(log_file).touch()
        with open_log(log_file, anew=anew) as log:
            log.write(b"a")
        assert log_file.read_bytes() == held
        assert former(log_file).exists() is not anew


def test_a_large_log_is_cut_under_its_writer(log_file):
    with open_log(log_file, anew=True) as log:
        for text in (b"1" * 11, b"2" * 12):
            log.write(text)
            log.flush()
            assert shorten_log(log_file, 10)
            assert former(log_file).read_bytes() == text
            assert log_file.stat().st_size == 0
        log.write(b"3" * 10)
        log.flush()
        assert not shorten_log(log_file, 10)
    assert log_file.read_bytes() == b"3" * 10
    assert former(log_file).read_bytes() == b"2" * 12


def test_a_log_that_cannot_be_kept_is_cut_all_the_same(log_file, monkeypatch):
    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fail)
    log_file.write_bytes(b"1" * 11)
    former(log_file).write_bytes(b"0" * 11)
    with pytest.raises(OSError, match="No space left"):
        shorten_log(log_file, 10)
    assert log_file.stat().st_size == 0
    assert not former(log_file).exists(), "its space is needed"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"", []),
        (b"one\ntwo\nthree\n", ["two", "three"]),
        (b"one\n", ["one"]),
        (b"\xff\n\xc3", ["\ufffd", "\ufffd"]),
    ],
)
def test_the_last_lines(log_file, text, shown):
    log_file.write_bytes(text)
    assert last_lines(log_file, 2) == shown


def test_only_the_end_of_a_log_is_read(log_file, monkeypatch):
    monkeypatch.setattr(child_logs, "_SHOWN_BYTES", 9)
    log_file.write_bytes("fünf\nsechs\n".encode())
    assert last_lines(log_file, 8) == ["nf", "sechs"]
    log_file.write_bytes("fünf\nsieben\n".encode())
    assert last_lines(log_file, 8) == ["f", "sieben"]
    log_file.write_bytes(b"eine Zeile\n")
    assert last_lines(log_file, 8) == ["ne Zeile"]


def test_a_log_that_is_gone_has_no_lines(log_file):
    assert last_lines(log_file, 8) == []
