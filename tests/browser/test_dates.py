"""Times are shown as the reader's own clock shows them.

https://docs.slack.dev/messaging/formatting-message-text#date-formatting
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from bot.demo.world import World
from browser.room import Room, room_of

pytestmark = pytest.mark.anyio

MOMENT = datetime(2026, 7, 25, 20, 3, 9, tzinfo=UTC)
LONG_AGO = datetime(2014, 2, 18, 14, 39, 42, tzinfo=UTC)


def date(moment: datetime, template: str, fallback: str = "fallback") -> str:
    """The mrkdwn of a date."""
    return f"<!date^{int(moment.timestamp())}^{template}|{fallback}>"


async def check(room: Room, expected: Mapping[str, str], *, now: datetime) -> None:
    """Each mrkdwn text is read as is expected where it is `now`."""
    await room.page.clock.set_fixed_time(now)
    for text in expected:
        room.post(text)
    await expect(room.messages.locator(".content")).to_have_text([*expected.values()])


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (
            "Europe/Berlin",
            {
                "{date_num}": "2026-07-25",
                "{date}": "July 25th",
                "{date_short}": "Jul 25",
                "{date_long}": "Saturday, July 25th",
                "{date_pretty}": "today",
                "{date_short_pretty}": "today",
                "{date_long_pretty}": "today",
                "{time}": "10:03 PM",
                "{time_secs}": "10:03:09 PM",
                "{ago}": "1 hour ago",
                "{date_short_pretty} at {time}": "today at 10:03 PM",
            },
        ),
        (
            "Asia/Tokyo",
            {
                "{date_num}": "2026-07-26",
                "{date}": "July 26th",
                "{date_short}": "Jul 26",
                "{date_long}": "Sunday, July 26th",
                "{date_pretty}": "today",
                "{date_short_pretty}": "today",
                "{date_long_pretty}": "today",
                "{time}": "5:03 AM",
                "{time_secs}": "5:03:09 AM",
                "{ago}": "1 hour ago",
                "{date_short_pretty} at {time}": "today at 5:03 AM",
            },
        ),
    ],
)
async def test_each_token_in_the_readers_time_zone(
    browser: Browser, at: World, url: str, zone: str, expected: dict[str, str]
) -> None:
    async with room_of(browser, at, url, zone=zone) as room:
        by_text = {date(MOMENT, template): read for template, read in expected.items()}
        await check(room, by_text, now=MOMENT + timedelta(hours=1))


async def test_the_year_is_told_where_it_is_not_clear(room: Room) -> None:
    expected = {
        date(LONG_AGO, "{date}"): "February 18th, 2014",
        date(LONG_AGO, "{date_short}"): "Feb 18, 2014",
        date(LONG_AGO, "{date_long}"): "Tuesday, February 18th, 2014",
        date(LONG_AGO, "{date_long_pretty}, {time_secs}"): "Tuesday, February 18th, 2014, 3:39:42 PM",
        date(MOMENT + timedelta(days=170), "{date}"): "January 11th",
        date(MOMENT + timedelta(days=200), "{date}"): "February 10th, 2027",
        date(MOMENT - timedelta(days=200), "{date_short_pretty}"): "Jan 6, 2026",
    }
    await check(room, expected, now=MOMENT)


async def test_yesterday_and_tomorrow_are_days_of_the_calendar(room: Room) -> None:
    after_the_short_night = datetime(2026, 3, 30, 0, 30, tzinfo=UTC) - timedelta(hours=2)
    expected = {
        date(datetime(2026, 3, 28, 22, 59, tzinfo=UTC), "{date_pretty}"): "March 28th",
        date(datetime(2026, 3, 28, 23, 1, tzinfo=UTC), "{date_pretty}"): "yesterday",
        date(datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "{date_short_pretty}"): "yesterday",
        date(datetime(2026, 3, 29, 22, 1, tzinfo=UTC), "{date_long_pretty}"): "today",
        date(datetime(2026, 3, 31, 21, 59, tzinfo=UTC), "{date_pretty}"): "tomorrow",
        date(datetime(2026, 3, 31, 22, 1, tzinfo=UTC), "{date_pretty}"): "April 1st",
    }
    await check(room, expected, now=after_the_short_night)


async def test_how_long_ago(room: Room) -> None:
    spans = {
        timedelta(seconds=-1): "1 second ago",
        timedelta(seconds=-59): "59 seconds ago",
        timedelta(minutes=-3): "3 minutes ago",
        timedelta(hours=-23): "23 hours ago",
        timedelta(days=-2): "2 days ago",
        timedelta(hours=5): "in 5 hours",
    }
    await check(room, {date(MOMENT + span, "{ago}"): read for span, read in spans.items()}, now=MOMENT)


async def test_days_have_their_english_ending(room: Room) -> None:
    endings = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th", "31st"]
    days = [MOMENT.replace(month=8, day=int(day[:-2])) for day in endings]
    read = [f"August {ending}" for ending in endings]
    await check(room, dict(zip([date(day, "{date}") for day in days], read, strict=True)), now=MOMENT)


async def test_a_reader_with_24_hours_sees_24_hours(browser: Browser, at: World, url: str) -> None:
    async with room_of(browser, at, url, locale="de-DE") as room:
        expected = {
            date(MOMENT, "{date_pretty} at {time}"): "today at 22:03",
            date(MOMENT.replace(hour=4), "{time}"): "06:03",
            date(MOMENT.replace(hour=22), "{time_secs}"): "00:03:09",
        }
        await check(room, expected, now=MOMENT)


async def test_what_can_t_be_read_falls_back(room: Room) -> None:
    expected = {
        date(MOMENT, "{date} {constructor}", "2026 &amp; so on"): "2026 & so on",
        "<!date^soon^{date}|soon>": "soon",
        "<!date^99999999999999999^{date}|far away>": "far away",
        "<!date^^|nothing>": "nothing",
        date(MOMENT, "at {time} &amp; at no other"): "at 10:03 PM & at no other",
    }
    await check(room, expected, now=MOMENT)


async def test_a_date_can_be_a_link_and_says_the_whole_moment_when_asked(room: Room) -> None:
    link = f"<!date^{int(LONG_AGO.timestamp())}^{{date_num}}^https://a.example/|x>"
    await check(room, {link: "2014-02-18", link.replace("https:", "javascript:"): "2014-02-18"}, now=MOMENT)
    assert await room.list.get_by_role("link").count() == 1
    await expect(room.list.get_by_role("link")).to_have_attribute("href", "https://a.example/")
    whole = "Tuesday, February 18, 2014 at 3:39 PM GMT+1"
    await expect(room.list.get_by_text("2014-02-18").first).to_have_attribute("title", whole)


async def test_messages_stand_under_their_day(browser: Browser, at: World, url: str) -> None:
    async with room_of(browser, at, url, zone="UTC") as room:
        said = datetime.fromtimestamp(room.post("Said now").at.time, UTC)
        day = room.list.get_by_role("listitem").first
        await expect(day).to_have_text("Today")
        for days_later, name in {
            1: "Yesterday",
            2: rf"{said:%A, %B} {said.day}(st|nd|rd|th)",
            300: rf"{said:%A, %B} {said.day}(st|nd|rd|th), {said.year}",
        }.items():
            await room.page.clock.set_fixed_time(said + timedelta(days=days_later))
            room.post("And again")
            await expect(day).to_have_text(re.compile(f"^{name}$"))
