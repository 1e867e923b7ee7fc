"""A site of one page, to try out what the tests of the real one stand on."""

from aiohttp import web

from bot.sim.local_server import LocalServer

STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; require-trusted-types-for 'script'"
"""A Content-Security-Policy that lets a page run nothing but its site's own scripts."""


def small_site(*routes: web.RouteDef, body: str = "", script: str = "", policy: str = "") -> LocalServer:
    """Serve a page with this body, which runs this script, under a Content-Security-Policy, and these routes."""

    async def page(_: web.Request) -> web.Response:
        head = "<title>Small</title><link rel='icon' href='data:,'><script src='/script.js' defer></script>"
        return web.Response(text=f"<!doctype html><html lang='en'>{head}{body}</html>", content_type="text/html")

    async def code(_: web.Request) -> web.Response:
        return web.Response(text=script, content_type="text/javascript")

    routes = (web.get("/", page), web.get("/script.js", code), *routes)
    return LocalServer(routes, headers={"Content-Security-Policy": policy})
