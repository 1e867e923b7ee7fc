"""Whatever goes wrong in a page is noticed, and nothing else is."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import Browser, expect

from browser.pages import watched_page
from browser.small_site import STRICT, small_site
from browser.watch import Watch, is_loopback

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "stays"),
    [
        ("http://127.0.0.1:8080/", True),
        ("ws://localhost:8080/live", True),
        ("http://[::1]:8080/", True),
        ("http://192.0.2.1/", False),
        ("wss://elsewhere.invalid/", False),
        ("http://127.0.0.1.elsewhere.invalid/", False),
        ("http://localhost@elsewhere.invalid/", False),
        ("http://elsewhere.invalid/127.0.0.1", False),
    ],
)
def test_only_loopback_stays_on_the_machine(url: str, stays: bool) -> None:
    assert is_loopback(url) is stays


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("console.error('Broken', {part: 1})", "console error: Broken {part: 1}"),
        ("console.warn('Odd')", "console warning: Odd"),
        ("console.assert(1 > 2, 'Sums')", "console assert: Sums"),
        ("throw new Error('Thrown')", "thrown: Error: Thrown"),
        ("Promise.reject(new Error('Rejected'))", "thrown: Error: Rejected"),
        ("fetch('/missing')", "console error: Failed to load resource: the server responded with a status of 404"),
        ("fetch('/torn').catch(() => 0)", "/torn: net::ERR_EMPTY_RESPONSE"),
        ("fetch('http://elsewhere.invalid/').catch(() => 0)", "leaves the machine: http://elsewhere.invalid/"),
        ("navigator.sendBeacon('http://elsewhere.invalid/')", "leaves the machine: http://elsewhere.invalid/"),
        ("open('http://elsewhere.invalid/')", "leaves the machine: http://elsewhere.invalid/"),
        ("new WebSocket('ws://elsewhere.invalid/')", "leaves the machine: ws://elsewhere.invalid/"),
    ],
)
async def test_what_goes_wrong_is_noticed(browser: Browser, script: str, problem: str) -> None:
    async with small_site(web.get("/torn", tear), script=script) as site, await browser.new_context() as context:
        watch = Watch(context)
        page = await context.new_page()
        await page.goto(site.origin)
        async with asyncio.timeout(5):
            while not any(problem in noticed for noticed in watch.problems):
                await page.wait_for_timeout(10)


async def test_the_policy_of_the_page_is_kept_to(browser: Browser) -> None:
    script = "fetch('http://elsewhere.invalid/').catch(() => 0)"
    with pytest.raises(AssertionError, match="Refused to connect because it violates"):
        async with small_site(script=script, policy=STRICT) as site, watched_page(browser) as page:
            await page.goto(site.origin)


async def test_what_goes_wrong_at_the_very_end_counts(browser: Browser) -> None:
    async def end_badly() -> None:
        async with small_site() as site, watched_page(browser) as page:
            await page.goto(site.origin)
            await page.evaluate("void setTimeout(() => console.error('Late'), 0)")

    with pytest.raises(AssertionError, match="console error: Late"):
        await end_badly()


async def test_a_page_may_use_its_own_server_and_leave_when_it_likes(browser: Browser) -> None:
    routes = [web.get("/stream", stream), web.get("/socket", socket)]
    async with small_site(*routes, script=DECENT, policy=STRICT) as site, watched_page(browser) as page:
        for _ in range(2):
            await page.goto(site.origin)
            await expect(page).to_have_title("Small: streamed, heard, gave up")


DECENT = """
const giving_up = new AbortController();
const streamed = new Promise(done => new EventSource('/stream').onmessage = () => done('streamed'));
const heard = new Promise(done => new WebSocket(`ws://${location.host}/socket`).onmessage = () => done('heard'));
const gave_up = fetch('/stream', {signal: giving_up.signal}).then(answer => answer.text()).catch(() => 'gave up');
streamed.then(() => giving_up.abort());
Promise.all([streamed, heard, gave_up]).then(all => document.title += ': ' + all.join(', '));
"""


async def tear(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: news\n\n")
    await asyncio.Event().wait()
    return response


async def socket(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    await response.send_str("news")
    await response.receive()
    return response
