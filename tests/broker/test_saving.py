"""The embedded broker does not say that it cannot save; its folder does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streams.broker.saving import REMIND_SECONDS, UNSAVED_SECONDS, SaveWatch


class Folder:
    """A broker's folder, and what a watch that looks every second says of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watch = SaveWatch(path)
        self.now = 100.0
        self._written = 1_000

    def save(self) -> None:
        (self.path / "kafka.tmp").unlink(missing_ok=True)
        (self.path / "kafka.json").touch()
        self._written += 1
        os.utime(self.path / "kafka.json", (self._written, self._written))

    def begin_to_save(self) -> None:
        (self.path / "kafka.tmp").touch()

    def look(self, seconds: float) -> list[str]:
        with capture_logs() as logs:
            for _ in range(int(seconds)):
                self.now += 1
                self.watch.look(self.now)
        return [each["event"] for each in logs]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_saving_is_no_news(folder: Folder) -> None:
    assert folder.look(20) == []
    for _ in range(10):
        folder.begin_to_save()
        assert folder.look(UNSAVED_SECONDS - 2) == []
        folder.save()
        assert folder.look(3) == []
    assert not folder.watch.unfinished


def test_one_save_after_the_other_is_no_trouble_though_one_is_always_going_on(
    folder: Folder,
) -> None:
    for _ in range(20):
        folder.begin_to_save()
        folder.look(2)
        folder.save()
        folder.begin_to_save()
        assert folder.look(2) == []


@pytest.mark.parametrize("saved_before", [True, False])
def test_what_cannot_be_saved_is_told_with_a_reminder_and_its_end(
    folder: Folder, saved_before: bool
) -> None:
    if saved_before:
        folder.save()
        folder.look(2)
    folder.begin_to_save()
    assert folder.look(UNSAVED_SECONDS + 2) == ["embedded_broker_cannot_save"]
    assert folder.look(REMIND_SECONDS - 5) == []
    assert folder.look(10) == ["embedded_broker_cannot_save"]
    folder.save()
    assert folder.look(10) == ["embedded_broker_saves_again"]
    assert folder.look(10) == []


def test_what_an_earlier_run_left_is_removed(folder: Folder) -> None:
    folder.begin_to_save()
    folder.watch.clear()
    folder.watch.clear()
    assert not folder.watch.unfinished
