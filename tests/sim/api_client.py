"""Calls the simulated Web API and response URLs as an app does."""

import json
from urllib.parse import urlencode

import aiohttp

from bot.sim.slack import Delivery, Rule, SimSlack
from harness.samples import Json

FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


class Api:
    """An app's own client; `headers` are those of the last answer."""

    def __init__(self, slack: SimSlack, client: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._client = client
        self.headers: dict[str, str] = {}

    async def send(
        self, method: str, *, body: bytes = b"", content_type: str = "", token: str | None = "", query: str = ""
    ) -> Json:
        """Send these bytes; an empty `token` is that of the home workspace, None is none."""
        headers = {"Content-Type": content_type} if content_type else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self._slack.bot_token}"
        url = f"{self._slack.url}{method}{query}"
        async with self._client.post(url, data=body or None, headers=headers) as response:
            self.headers = dict(response.headers) | {"status": str(response.status)}
            answer: Json = await response.json()
            return answer

    async def call(self, method: str, **arguments: object) -> Json:
        return await self.send(method, body=json.dumps(arguments).encode(), content_type=JSON)

    async def form(self, method: str, token: str | None = "", **arguments: str) -> Json:
        return await self.send(method, body=urlencode(arguments).encode(), content_type=FORM, token=token)

    async def post(self, channel: str, **message: object) -> Json:
        quiet = {"unfurl_links": False, "unfurl_media": False}
        return await self.call("chat.postMessage", channel=channel, **(quiet | {"text": "Paused."} | message))

    async def answer(self, to: Delivery | str, message: object, content_type: str = JSON) -> tuple[int, str]:
        """Post to a response URL, such as that of a command or a click: JSON, or bytes as they are."""
        url = to if isinstance(to, str) else to.response_url
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        headers = {"Content-Type": content_type}
        async with self._client.post(url, data=body, headers=headers) as response:
            self.headers = dict(response.headers)
            return response.status, await response.text()


def rules(slack: SimSlack) -> list[Rule]:
    return [violation.rule for violation in slack.violations]
