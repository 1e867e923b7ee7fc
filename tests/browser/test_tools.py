"""The tools of these tests: Chromium is found, what goes wrong in a page is recorded, and axe-core runs in any page."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import Browser, Error

from bot.sim.local_server import LocalServer
from browser.accessibility import axe
from browser.pages import Watch, is_loopback, watched_page

pytestmark = pytest.mark.anyio

STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; require-trusted-types-for 'script'"
"""A Content-Security-Policy that lets a page run nothing but its site's own scripts."""


def static_site(*routes: web.RouteDef, body: str = "", script: str = "", policy: str = "") -> LocalServer:
    """Serve a page with this body and script, under a Content-Security-Policy, and these routes."""

    async def page(_: web.Request) -> web.Response:
        head = "<title>Static</title><link rel='icon' href='data:,'><script src='/script.js' defer></script>"
        return web.Response(text=f"<!doctype html><html lang='en'>{head}{body}</html>", content_type="text/html")

    async def code(_: web.Request) -> web.Response:
        return web.Response(text=script, content_type="text/javascript")

    routes = (web.get("/", page), web.get("/script.js", code), *routes)
    return LocalServer(routes, headers=lambda: {"Content-Security-Policy": policy})


async def test_chromium_resolves_no_names(browser: Browser) -> None:
    async with static_site() as site, await browser.new_page() as page:
        await page.goto(site.origin.replace("127.0.0.1", "localhost"))
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            await page.goto(site.origin.replace("127.0.0.1", "elsewhere.localhost"))


def test_only_loopback_stays_on_the_machine() -> None:
    expected = {
        "http://127.0.0.1:8080/": True,
        "ws://localhost:8080/live": True,
        "http://[::1]:8080/": True,
        "http://192.0.2.1/": False,
        "wss://elsewhere.invalid/": False,
        "http://127.0.0.1.elsewhere.invalid/": False,
        "http://localhost@elsewhere.invalid/": False,
        "http://elsewhere.invalid/127.0.0.1": False,
    }
    assert {url: is_loopback(url) for url in expected} == expected


PROBLEMS = {
    "console.error('Broken', {part: 1})": "console error: Broken {part: 1}",
    "console.warn('Odd')": "console warning: Odd",
    "console.assert(1 > 2, 'Sums')": "console assert: Sums",
    "throw new Error('Thrown')": "thrown: Error: Thrown",
    "Promise.reject(new Error('Rejected'))": "thrown: Error: Rejected",
    "fetch('/missing')": "console error: Failed to load resource: the server responded with a status of 404",
    "fetch('/torn').catch(() => 0)": "/torn: net::ERR_EMPTY_RESPONSE",
    "fetch('http://fetched.invalid/').catch(() => 0)": "leaves the machine: http://fetched.invalid/",
    "navigator.sendBeacon('http://sent.invalid/')": "leaves the machine: http://sent.invalid/",
    "open('http://opened.invalid/')": "leaves the machine: http://opened.invalid/",
    "new WebSocket('ws://connected.invalid/')": "leaves the machine: ws://connected.invalid/",
}


async def test_what_goes_wrong_in_a_page_is_recorded(browser: Browser) -> None:
    async with static_site(web.get("/torn", tear)) as site, await browser.new_context() as context:
        watch = Watch(context)
        page = await context.new_page()
        await page.goto(site.origin)
        for script, problem in PROBLEMS.items():
            await page.evaluate("script => void setTimeout(script, 0)", script)
            async with asyncio.timeout(20):
                while not any(problem in recorded for recorded in watch.problems):
                    await page.wait_for_timeout(10)


async def test_a_violation_of_the_policy_and_an_error_at_the_very_end_are_recorded(browser: Browser) -> None:
    async def fail() -> None:
        async with static_site(policy=STRICT) as site, watched_page(browser) as page:
            await page.goto(site.origin)
            await page.evaluate("fetch('http://elsewhere.invalid/').catch(() => 0)")
            await page.evaluate("void setTimeout(() => console.error('Late'), 0)")

    with pytest.raises(AssertionError, match=r"Refused to connect because it violates(.|\n)*console error: Late"):
        await fail()


async def test_axe_finds_violations_whatever_the_policy_of_the_page(browser: Browser) -> None:
    good = "<main><h1>Channel</h1><label>Message <input></label></main>"
    bad = "<main><h1>Channel</h1><input id='message'><button id='send'></button><button id='more'></button></main>"
    violations = [
        "button-name: Buttons must have discernible text: #send, #more",
        "label: Form elements must have labels: #message",
    ]
    async with watched_page(browser) as page:
        for body, expected in ((good, []), (bad, violations)):
            async with static_site(body=body, policy=STRICT) as site:
                await page.goto(site.origin)
                assert await axe(page) == expected


async def tear(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
