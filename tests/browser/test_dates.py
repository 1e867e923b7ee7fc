"""Times are shown as the reader's own clock shows them.

https://docs.slack.dev/messaging/formatting-message-text#date-formatting
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from bot.demo.demo import Demo
from browser.channel_page import ChannelPage, own_channel_page

pytestmark = pytest.mark.anyio

MOMENT = datetime(2026, 7, 25, 20, 3, 9, tzinfo=UTC)
LONG_AGO = datetime(2014, 2, 18, 14, 39, 42, tzinfo=UTC)
AFTER_A_NIGHT_OF_23_HOURS = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)


def date(moment: datetime, template: str, fallback: str = "fallback") -> str:
    """The mrkdwn of a date."""
    return f"<!date^{int(moment.timestamp())}^{template}|{fallback}>"


def tokens(**expected: str) -> dict[str, str]:
    """What each token shows of MOMENT."""
    return {date(MOMENT, f"{{{token}}}"): shown for token, shown in expected.items()}


async def check(channel: ChannelPage, now: datetime, expected: Mapping[str, str]) -> None:
    """Each mrkdwn text is shown as expected when it is posted `now`."""
    await channel.page.clock.set_fixed_time(now)
    before = await channel.messages.count()
    for text in expected:
        channel.post(text)
    await expect(channel.messages).to_have_count(before + len(expected))
    shown = await channel.messages.locator(".content").all_inner_texts()
    assert dict(zip(expected, shown[before:], strict=True)) == expected


TOKENS = tokens(
    date_num="2026-07-25",
    date="July 25th",
    date_short="Jul 25",
    date_long="Saturday, July 25th",
    date_pretty="today",
    date_short_pretty="today",
    date_long_pretty="today",
    time="10:03 PM",
    time_secs="10:03:09 PM",
    ago="1 hour ago",
)
YEARS = {
    date(LONG_AGO, "{date}"): "February 18th, 2014",
    date(LONG_AGO, "{date_short}"): "Feb 18, 2014",
    date(LONG_AGO, "{date_long}"): "Tuesday, February 18th, 2014",
    date(LONG_AGO, "{date_long_pretty}, {time_secs}"): "Tuesday, February 18th, 2014, 3:39:42 PM",
    date(MOMENT + timedelta(days=170), "{date}"): "January 11th",
    date(MOMENT + timedelta(days=200), "{date}"): "February 10th, 2027",
    date(MOMENT - timedelta(days=200), "{date_short_pretty}"): "Jan 6, 2026",
}
CALENDAR_DAYS = {
    date(datetime(2026, 3, 28, 22, 59, tzinfo=UTC), "{date_pretty}"): "March 28th",
    date(datetime(2026, 3, 28, 23, 1, tzinfo=UTC), "{date_pretty}"): "yesterday",
    date(datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "{date_short_pretty}"): "yesterday",
    date(datetime(2026, 3, 29, 22, 1, tzinfo=UTC), "{date_long_pretty}"): "today",
    date(datetime(2026, 3, 31, 21, 59, tzinfo=UTC), "{date_pretty}"): "tomorrow",
    date(datetime(2026, 3, 31, 22, 1, tzinfo=UTC), "{date_pretty}"): "April 1st",
}
SPANS = {
    date(MOMENT + span, "{ago}"): shown
    for span, shown in {
        timedelta(seconds=-1): "1 second ago",
        timedelta(seconds=-59): "59 seconds ago",
        timedelta(minutes=-3): "3 minutes ago",
        timedelta(hours=-23): "23 hours ago",
        timedelta(days=-2): "2 days ago",
        timedelta(hours=5): "in 5 hours",
    }.items()
}
DAYS = {
    date(MOMENT.replace(month=8, day=int(day[:-2])), "{date}"): f"August {day}"
    for day in ("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th", "31st")
}
FALLBACKS = {
    date(MOMENT, "{date} {constructor}", "2026 &amp; so on"): "2026 & so on",
    "<!date^soon^{date}|soon>": "soon",
    "<!date^99999999999999999^{date}|far away>": "far away",
    "<!date^^|nothing>": "nothing",
    date(MOMENT, "at {time} &amp; at no other"): "at 10:03 PM & at no other",
}


async def test_dates_are_shown_in_the_time_zone_of_the_reader(browser: Browser, demo: Demo, url: str) -> None:
    async with own_channel_page(browser, demo, url, zone="Europe/Berlin") as channel:
        await check(channel, MOMENT + timedelta(hours=1), TOKENS)
        await check(channel, MOMENT, YEARS | SPANS | DAYS | FALLBACKS)
        await check(channel, AFTER_A_NIGHT_OF_23_HOURS, CALENDAR_DAYS)
        link = f"<!date^{int(LONG_AGO.timestamp())}^{{date_num}}^https://a.example/|x>"
        await check(channel, MOMENT, {link: "2014-02-18", link.replace("https:", "javascript:"): "2014-02-18"})
        assert await channel.list.get_by_role("link").count() == 1
        await expect(channel.list.get_by_role("link")).to_have_attribute("href", "https://a.example/")
        whole = "Tuesday, February 18, 2014 at 3:39 PM GMT+1"
        await expect(channel.list.get_by_text("2014-02-18").first).to_have_attribute("title", whole)
    async with own_channel_page(browser, demo, url, zone="Asia/Tokyo") as channel:
        expected = tokens(date_num="2026-07-26", date_long="Sunday, July 26th", date_pretty="today", time="5:03 AM")
        await check(channel, MOMENT + timedelta(hours=1), expected)


async def test_days_and_hours_are_those_of_the_reader(browser: Browser, demo: Demo, url: str) -> None:
    async with own_channel_page(browser, demo, url, zone="UTC", locale="de-DE") as channel:
        said = datetime.fromtimestamp(channel.post("Said now").at.time, UTC)
        day = channel.list.get_by_role("listitem").first
        await expect(day).to_have_text("Today")
        for days_later, name in {
            1: "Yesterday",
            2: rf"{said:%A, %B} {said.day}(st|nd|rd|th)",
            300: rf"{said:%A, %B} {said.day}(st|nd|rd|th), {said.year}",
        }.items():
            await channel.page.clock.set_fixed_time(said + timedelta(days=days_later))
            channel.post("And again")
            await expect(day).to_have_text(re.compile(f"^{name}$"))
        expected = {
            date(MOMENT, "{date_pretty} at {time}"): "today at 20:03",
            date(MOMENT.replace(hour=4), "{time}"): "04:03",
            date(MOMENT.replace(hour=0), "{time_secs}"): "00:03:09",
        }
        await check(channel, MOMENT, expected)
