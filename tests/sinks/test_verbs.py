from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager, contextmanager

import pytest

from streams.broker import topics

RECEIVERS = """
receivers:
  - {id: desk, url: "https://hooks.example/", secret_env: DESK_SECRET}
"""


@asynccontextmanager
async def started(settings, folder, verb):
    """A process of ours; at its first words it begins to connect."""
    receivers = folder / "notify.yaml"
    receivers.write_text(RECEIVERS)
    options = {"archive": ["--to", str(folder / "a")], "notify": ["--config", str(receivers)]}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams", verb, *options[verb],
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "WIREWATCH_BROKER": settings.broker.bootstrap,
            "DESK_SECRET": "whsec_c2VsZi13cml0dGVuIHNlY3JldA==",
        },
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            await hear(process, "")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def hear(process, word: str) -> None:
    """Read its log until a line with that word."""
    while line := await process.stderr.readline():
        if word in line.decode():
            return
    raise AssertionError(f"it ended without saying {word!r}")


@contextmanager
def hanging(settings):
    """Stop the embedded broker in the middle of whatever it does, as an overloaded machine would."""
    pid = json.loads((settings.data_folder / "broker.json").read_bytes())["pid"]
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)


@pytest.mark.embedded
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("verb", ["archive", "notify"])
async def test_a_process_ends_tidily_when_asked_to(embedded_broker, tmp_path, verb, number):
    await topics.apply(embedded_broker)
    async with started(embedded_broker, tmp_path, verb) as process:
        await asyncio.sleep(1.0)  # it is connecting, or already reads
        process.send_signal(number)
        async with asyncio.timeout(5):
            assert await process.wait() == 0


@pytest.mark.embedded
@pytest.mark.parametrize("verb", ["archive", "notify"])
async def test_a_process_ends_in_time_though_the_broker_hangs(embedded_broker, tmp_path, verb):
    await topics.apply(embedded_broker)
    async with started(embedded_broker, tmp_path, verb) as process:
        await asyncio.sleep(3.0)  # it reads, and holds a place in its group
        with hanging(embedded_broker):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await process.wait() == 0
            told = await process.stderr.read()
    assert b"Traceback" not in told
