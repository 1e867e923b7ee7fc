"""Times are shown as the reader's own clock shows them.

https://docs.slack.dev/messaging/formatting-message-text#date-formatting
"""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from bot.demo.runner import DemoRunner
from browser.channel_page import new_channel_page
from browser.pages import watched_page

pytestmark = pytest.mark.anyio

MOMENT = datetime(2026, 7, 25, 20, 3, 9, tzinfo=UTC)
LONG_AGO = datetime(2014, 2, 18, 14, 39, 42, tzinfo=UTC)
LINK = f"<!date^{int(LONG_AGO.timestamp())}^{{date_num}}^https://a.example/|x>"


def date(moment: datetime, template: str, fallback: str = "fallback") -> str:
    """The mrkdwn of a date."""
    return f"<!date^{int(moment.timestamp())}^{template}|{fallback}>"


YESTERDAY = MOMENT - timedelta(days=1)
SHOWN = {
    date(MOMENT, "{date_short_pretty} at {time}"): "today at 10:03 PM",
    date(YESTERDAY, "{time}, {date_short_pretty}"): "10:03 PM, yesterday",
    date(LONG_AGO, "{date_num} {date_long}, {time_secs}"): "2014-02-18 Tuesday, February 18th, 2014, 3:39:42 PM",
    date(MOMENT - timedelta(minutes=3), "{ago}"): "3 minutes ago",
    date(MOMENT, "{date} {constructor}", "2026 &amp; so on"): "2026 & so on",
    "<!date^soon^{date}|soon>": "soon",
    "<!date^99999999999999999^{date}|far away>": "far away",
    LINK: "2014-02-18",
    LINK.replace("https:", "javascript:"): "2014-02-18",
}


async def test_dates_are_shown_in_the_time_zone_of_the_reader(browser: Browser, runner: DemoRunner, url: str) -> None:
    async with watched_page(browser) as page:  # in Berlin, with a clock of its own
        channel = await new_channel_page(runner.demo, page)
        await page.goto(url)
        await channel.open()
        await page.clock.set_fixed_time(MOMENT)
        for text in SHOWN:
            channel.post(text)
        await expect(channel.messages).to_have_count(len(SHOWN))
        shown = await channel.messages.locator(".content").all_inner_texts()
        assert dict(zip(SHOWN, shown, strict=True)) == SHOWN
        await expect(channel.list.get_by_role("link")).to_have_attribute("href", "https://a.example/")
        whole = "Tuesday, February 18, 2014 at 3:39 PM GMT+1"
        await expect(channel.list.get_by_text("2014-02-18").last).to_have_attribute("title", whole)
