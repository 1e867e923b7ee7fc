"""A person's browser: keeps cookies, follows nothing by itself, and presses the buttons of Slack's consent page."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp

from bot.messages import install as pages
from bot.messages.install import Page
from harness.snapshot import SNAPSHOT

__all__ = ["pages"]


@dataclass(frozen=True, slots=True)
class Visit:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def page(self) -> Page:
        body = self.text.partition("<body>")[2]
        title, *paragraphs = re.findall(r"<(?:h1|p)>(.*?)</(?:h1|p)>", body)
        lines = [html.unescape(one) for one in paragraphs if not one.startswith("<a ")]
        SNAPSHOT.saw(html.unescape(title), *lines)
        return Page(self.status, html.unescape(title), tuple(lines), again=len(lines) < len(paragraphs))


class Browser:
    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # for a host without a name
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def get(self, url: str) -> Visit:
        async with self.session.get(url, allow_redirects=False) as answer:
            return Visit(answer.status, answer.headers, await answer.text())

    async def post(self, url: str, **form: str) -> Visit:
        async with self.session.post(url, data=form, allow_redirects=False) as answer:
            return Visit(answer.status, answer.headers, await answer.text())

    async def consent(self, page: str, team_id: str, **choices: str) -> str:
        """Press Allow, unless the choices say otherwise, and return where Slack sends the browser."""
        return (await self.post(page, team=team_id, **{"decision": "allow"} | choices)).location

    async def install(self, bot_url: str, team_id: str, **choices: str) -> Visit:
        begun = await self.get(f"{bot_url}/slack/install")
        return await self.get(await self.consent(begun.location, team_id, **choices))
