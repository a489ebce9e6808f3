"""What a killed process leaves is removed by the next one; what others use or own is left alone."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streams import held_folder
from streams.held_folder import HeldFolder

ROOT = Path(__file__).parent.parent

KILLED = """
import os, pathlib, subprocess, sys
from streams.held_folder import HeldFolder
folder = HeldFolder("ours-")
(folder.path / "1.json").write_text("personal")
print(folder.path, flush=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"], stdout=subprocess.DEVNULL)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Where temporary files go; the usual place belongs to whatever else runs on this machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_of_its_user_alone_and_goes_when_it_is_removed(temporary):
    folder = HeldFolder("ours-")
    (folder.path / "1.json").write_text("personal")
    assert folder.path.parent == temporary
    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.remove()
    folder.remove()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_goes_when_the_next_one_starts(temporary):
    """Also while a child of it still runs."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == -9
    left = Path(ended.stdout.strip())
    assert (left / "1.json").exists()
    folder = HeldFolder("ours-")
    assert list(temporary.iterdir()) == [folder.path]
    folder.remove()


def test_what_is_held_or_of_another_kind_or_no_folder_stays(temporary):
    one = HeldFolder("ours-")
    (temporary / "theirs-1").mkdir()
    (temporary / "ours-file").touch()
    (temporary / "ours-link").symlink_to(temporary / "theirs-1")
    two = HeldFolder("ours-")
    assert {path.name for path in temporary.iterdir()} == {
        one.path.name, two.path.name, "theirs-1", "ours-file", "ours-link",
    }  # fmt: skip
    one.remove()
    two.remove()


def test_what_another_user_owns_stays(temporary, monkeypatch):
    (temporary / "ours-1").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    folder = HeldFolder("ours-")
    assert (temporary / "ours-1").exists()
    folder.remove()


def test_who_is_taken_for_a_leftover_while_starting_makes_another(temporary, monkeypatch):
    made = []
    mkdtemp = tempfile.mkdtemp

    def seen_by_another(prefix):
        made.append(mkdtemp(prefix=prefix))
        if len(made) == 1:
            held_folder._remove_leftovers(prefix)
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", seen_by_another)
    folder = HeldFolder("ours-")
    assert [str(path) for path in temporary.iterdir()] == made[1:] == [str(folder.path)]
    folder.remove()


def test_a_folder_that_was_removed_between_opening_and_locking_is_not_held(temporary, monkeypatch):
    flock, path = fcntl.flock, temporary / "ours-1"
    path.mkdir()

    def late(lock, how):
        shutil.rmtree(path)
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(FileNotFoundError):
        held_folder._hold(path)


def test_where_nothing_can_be_locked_work_goes_on_and_nothing_is_removed(temporary, monkeypatch):
    (temporary / "ours-1").mkdir()

    def fail(lock, how):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    folder = HeldFolder("ours-")
    assert folder.path.exists()
    assert (temporary / "ours-1").exists()
    folder.remove()
    assert [path.name for path in temporary.iterdir()] == ["ours-1"]


def test_many_that_start_at_once_all_have_a_folder(temporary):
    with ThreadPoolExecutor(8) as threads:
        folders = list(threads.map(HeldFolder, ["ours-"] * 64))
    assert {folder.path for folder in folders} == set(temporary.iterdir())
    assert len(folders) == len({folder.path for folder in folders})
    for folder in folders:
        folder.remove()
