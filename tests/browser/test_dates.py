"""Times are shown as the reader's own clock shows them.

https://docs.slack.dev/messaging/formatting-message-text#date-formatting
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from bot.demo.runner import DemoRunner
from browser.channel_page import ChannelPage, new_channel_page
from browser.pages import watched_page

pytestmark = pytest.mark.anyio

MOMENT = datetime(2026, 7, 25, 20, 3, 9, tzinfo=UTC)
LONG_AGO = datetime(2014, 2, 18, 14, 39, 42, tzinfo=UTC)


def date(moment: datetime, template: str, fallback: str = "fallback") -> str:
    """The mrkdwn of a date."""
    return f"<!date^{int(moment.timestamp())}^{template}|{fallback}>"


def ago(**span: int) -> str:
    return date(MOMENT - timedelta(**span), "{ago}")


async def check(channel: ChannelPage, now: datetime, expected: Mapping[str, str]) -> None:
    """Each mrkdwn text is shown as expected when it is posted `now`."""
    await channel.page.clock.set_fixed_time(now)
    before = await channel.messages.count()
    for text in expected:
        channel.post(text)
    await expect(channel.messages).to_have_count(before + len(expected))
    shown = await channel.messages.locator(".content").all_inner_texts()
    assert dict(zip(expected, shown[before:], strict=True)) == expected


def days_ago(template: str, *, days: int) -> str:
    return date(MOMENT - timedelta(days=days), template)


def in_march(day: int, time: str, template: str = "{date_pretty}") -> str:
    return date(datetime.fromisoformat(f"2026-03-{day}T{time}Z"), template)


AN_HOUR_LATER = {
    date(MOMENT, "{date_num} {date}"): "2026-07-25 July 25th",
    date(MOMENT, "{date_short}, {date_long}"): "Jul 25, Saturday, July 25th",
    date(MOMENT, "{date_pretty} {date_short_pretty} {date_long_pretty}"): "today today today",
    date(MOMENT, "{time} {time_secs}"): "10:03 PM 10:03:09 PM",
}
AT_THE_MOMENT = {
    date(LONG_AGO, "{date}; {date_short}"): "February 18th, 2014; Feb 18, 2014",
    date(LONG_AGO, "{date_long_pretty}, {time_secs}"): "Tuesday, February 18th, 2014, 3:39:42 PM",
    days_ago("{date}", days=-170): "January 11th",
    days_ago("{date}", days=-200): "February 10th, 2027",
    days_ago("{date_short_pretty}", days=200): "Jan 6, 2026",
    ago(seconds=1): "1 second ago",
    ago(minutes=3): "3 minutes ago",
    ago(days=2): "2 days ago",
    ago(hours=-5): "in 5 hours",
    **{
        date(MOMENT.replace(month=8, day=int(day[:-2])), "{date}"): f"August {day}"
        for day in ("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st")
    },
    date(MOMENT, "{date} {constructor}", "2026 &amp; so on"): "2026 & so on",
    "<!date^soon^{date}|soon>": "soon",
    "<!date^99999999999999999^{date}|far away>": "far away",
    "<!date^^|nothing>": "nothing",
    date(MOMENT, "at {time} &amp; at no other"): "at 10:03 PM & at no other",
}
AFTER_A_NIGHT_OF_23_HOURS = {
    in_march(28, "22:59"): "March 28th",
    in_march(28, "23:01"): "yesterday",
    in_march(29, "21:59", "{date_short_pretty}"): "yesterday",
    in_march(29, "22:01", "{date_long_pretty}"): "today",
    in_march(31, "21:59"): "tomorrow",
    in_march(31, "22:01"): "April 1st",
}


async def test_dates_are_shown_in_the_time_zone_of_the_reader(browser: Browser, runner: DemoRunner, url: str) -> None:
    async with watched_page(browser) as page:  # in Berlin, with a clock of its own
        channel = await new_channel_page(runner.demo, page)
        await page.goto(url)
        await channel.open()
        await check(channel, MOMENT + timedelta(hours=1), AN_HOUR_LATER)
        await check(channel, MOMENT, AT_THE_MOMENT)
        await check(channel, datetime(2026, 3, 29, 22, 30, tzinfo=UTC), AFTER_A_NIGHT_OF_23_HOURS)
        link = f"<!date^{int(LONG_AGO.timestamp())}^{{date_num}}^https://a.example/|x>"
        await check(channel, MOMENT, {link: "2014-02-18", link.replace("https:", "javascript:"): "2014-02-18"})
        assert await channel.list.get_by_role("link").count() == 1
        await expect(channel.list.get_by_role("link")).to_have_attribute("href", "https://a.example/")
        whole = "Tuesday, February 18, 2014 at 3:39 PM GMT+1"
        await expect(channel.list.get_by_text("2014-02-18").first).to_have_attribute("title", whole)
