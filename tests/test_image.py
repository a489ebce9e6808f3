"""What the container image installs is what the project needs: there is no container engine to try it with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


def name_of(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def test_the_lock_of_the_image_holds_all_that_its_extras_need() -> None:
    (lock,) = re.findall(r"--requirement (\S+)", DOCKERFILE)
    (extras,) = re.findall(r"--no-deps '\.\[([\w,]+)\]'", DOCKERFILE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras.split(","):
        wanted += project["optional-dependencies"][extra]
    locked = {
        name_of(line) for line in (ROOT / lock).read_text("utf-8").splitlines() if "==" in line
    }
    assert {name_of(each) for each in wanted} <= locked


def test_what_the_image_copies_is_there_and_not_kept_from_it() -> None:
    let_in = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = [
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in let_in, source
