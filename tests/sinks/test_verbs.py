from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from streams.broker import topics

RECEIVERS = """
receivers:
  - {id: desk, url: "https://hooks.example/", secret_env: DESK_SECRET}
"""


@pytest.mark.embedded
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("verb", ["archive", "notify"])
async def test_a_process_ends_tidily_when_asked_to(embedded_broker, tmp_path, verb, number):
    await topics.apply(embedded_broker)
    receivers = tmp_path / "notify.yaml"
    receivers.write_text(RECEIVERS)
    options = {"archive": ["--to", str(tmp_path / "a")], "notify": ["--config", str(receivers)]}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from streams.sinks.verbs import app; app()", verb, *options[verb],
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "WIREWATCH_BROKER": embedded_broker.broker.bootstrap,
            "DESK_SECRET": "whsec_c2VsZi13cml0dGVuIHNlY3JldA==",
        },
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            assert process.stderr is not None
            assert await process.stderr.readline()
            await asyncio.sleep(1.0)  # it is connecting, or already reads
            process.send_signal(number)
            async with asyncio.timeout(5):
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
