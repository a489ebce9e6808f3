"""A web server on loopback, for tests of what really goes over a socket."""

from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serving(**handlers):
    """A loopback server with a handler per path; yields its address."""
    app = web.Application()
    for name, handler in handlers.items():
        app.router.add_get(f"/{name}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def answer(status=200, body=b"<rss/>", **headers):
    async def handle(request):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return handle
