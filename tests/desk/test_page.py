"""The page in a real browser, driven over the WebDriver protocol by the standard library.

`chromium --dump-dom` cannot do it: with `--virtual-time-budget` the clock stands still while the
event stream is open, and without it the page is dumped before anything has arrived.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from streams.desk.server import new_desk
from streams.wire import encode
from tests.desk.samples import NOON, make_alert

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DRIVER = shutil.which("chromedriver") or ""

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="needs chromium and chromedriver on PATH (Debian: chromium chromium-driver)",
)

HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'


class Browser:
    """One headless browser with one page."""

    def __init__(self, port: int, session: str) -> None:
        self._session = f"http://127.0.0.1:{port}/session/{session}"

    async def open(self, url: str) -> None:
        await asyncio.to_thread(post, f"{self._session}/url", {"url": url})

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        body = {"script": f"return {script}", "args": []}
        return await asyncio.to_thread(post, f"{self._session}/execute/sync", body)

    async def until(self, script: str, expected: Any) -> None:
        """Wait until an expression has a value."""
        found = None
        for _ in range(100):
            if (found := await self.run(script)) == expected:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{script} is {found!r}, not {expected!r}")

    async def press(self, key: str) -> None:
        await self.run(f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}))")


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["value"]


@pytest.fixture
async def browser(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = asyncio.subprocess.DEVNULL
    driver = await asyncio.create_subprocess_exec(
        DRIVER, f"--port={port}", stdout=quiet, stderr=quiet
    )
    session = ""
    try:
        session = await _new_session(port, tmp_path / "profile")
        yield Browser(port, session)
    finally:
        if session:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/session/{session}", method="DELETE"
            )
            await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).close())
        driver.terminate()
        await driver.wait()


async def _new_session(port: int, profile: Path) -> str:
    arguments = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run",
        f"--user-data-dir={profile}",
    ]  # fmt: skip
    options = {"goog:chromeOptions": {"binary": CHROMIUM, "args": arguments}}
    body = {"capabilities": {"alwaysMatch": options}}
    for _ in range(100):
        try:
            answer = await asyncio.to_thread(post, f"http://127.0.0.1:{port}/session", body)
            return str(answer["sessionId"])
        except urllib.error.URLError:
            await asyncio.sleep(0.1)
    raise AssertionError("chromedriver does not answer")


IDS = "[...document.querySelectorAll('article')].map(card => card.dataset.id).join(' ')"


def put(desk, *args, **options):
    alert = make_alert(*args, **options)
    desk.take(alert.alert_id.encode(), encode(alert), "news.alerts/0/0")


def minute(number):
    return NOON.replace(minute=number)


async def test_alerts_arrive_live_and_are_there_after_a_reload(browser, serve):
    desk = new_desk(NOON)
    put(desk, "a", at=minute(1))
    url = await serve(desk)
    await browser.open(url)
    await browser.until("document.getElementById('status').textContent", "live")
    assert await browser.run(IDS) == "a"

    put(desk, "b", at=minute(2))
    await browser.until(IDS, "b a")
    # A silent revision is shown in place, a material one moves to the top.
    put(desk, "a", 2, at=minute(1), headline="Zweite Fassung")
    await browser.until("document.querySelectorAll('h2')[1].textContent", "Zweite Fassung")
    put(desk, "a", 3, at=minute(3), update_kind="material")
    await browser.until(IDS, "a b")
    await browser.until("document.querySelector('.badge').textContent", "material")
    assert await browser.run("document.querySelector('article').ariaPosInSet") == "1"

    desk.take(b"b", None, "news.alerts/0/9")
    await browser.until(IDS, "a")
    await browser.open(url)
    assert await browser.run(IDS) == "a"
    assert await browser.run("document.querySelector('mark').textContent") == "Petra Muster"


async def test_pausing_holds_alerts_back_and_keys_move(browser, serve):
    desk = new_desk(NOON)
    put(desk, "a", at=minute(1))
    await browser.open(await serve(desk))
    await browser.until("document.getElementById('status').textContent", "live")
    await browser.press("p")
    put(desk, "b", at=minute(2))
    put(desk, "c", at=minute(3))
    await browser.until("document.getElementById('pause').textContent", "Resume, 2 new")
    assert await browser.run(IDS) == "a"
    await browser.press("p")
    await browser.until(IDS, "c b a")
    assert await browser.run("document.getElementById('summary').textContent") == "2 new alerts"
    for key, focused in (("j", "c"), ("j", "b"), ("j", "a"), ("j", "a"), ("k", "b")):
        await browser.press(key)
        assert await browser.run("document.activeElement.dataset.id") == focused


async def test_hostile_text_is_inert(browser, serve):
    desk = new_desk(NOON)
    put(desk, "first", headline=HOSTILE, url="javascript:document.title='owned'", at=minute(1))
    await browser.open(await serve(desk))
    await browser.until("document.getElementById('status').textContent", "live")
    put(
        desk, "live", headline=HOSTILE, sentence=f"{HOSTILE} Petra Muster über KI.",
        feed=HOSTILE, figure_name=HOSTILE, at=minute(2),
    )  # fmt: skip
    await browser.until(IDS, "live first")
    assert await browser.run("document.querySelector('h2').textContent") == HOSTILE
    assert await browser.run("document.querySelectorAll('img, article script').length") == 0
    assert await browser.run("document.querySelectorAll('a[href^=javascript]').length") == 0
    assert await browser.run("document.title") == "(2) Wirewatch desk"


async def test_a_client_from_before_a_restart_reads_the_page_anew(browser, serve):
    desk = new_desk(NOON)
    put(desk, "a")
    await browser.open(await serve(desk))
    await browser.until("document.getElementById('status').textContent", "live")
    put(desk, "b", at=minute(2))
    await browser.until(IDS, "b a")
    desk._board.remove("a")  # the desk starts over: another epoch, other alerts
    await browser.run("connect('old-7')")
    await browser.until(IDS, "b")
