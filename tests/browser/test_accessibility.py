"""axe-core runs in a page whatever the page's Content-Security-Policy."""

import pytest
from playwright.async_api import Page

from browser.accessibility import axe
from browser.small_site import STRICT, small_site

pytestmark = pytest.mark.anyio

GOOD = "<main><h1>Channel</h1><label>Message <input></label></main>"
BAD = "<main><h1>Channel</h1><input id='message'><button id='send'></button><button id='more'></button></main>"


async def test_a_good_page_has_no_violations(page: Page) -> None:
    async with small_site(body=GOOD, policy=STRICT) as site:
        await page.goto(site.origin)
        assert await axe(page) == []


async def test_violations_say_what_is_wrong_and_where(page: Page) -> None:
    async with small_site(body=BAD, policy=STRICT) as site:
        await page.goto(site.origin)
        assert await axe(page) == [
            "button-name: Buttons must have discernible text: #send, #more",
            "label: Form elements must have labels: #message",
        ]
