"""Calls the simulated Web API as an app does."""

import json

import aiohttp

from bot.sim.slack import Rule, SimSlack

QUIET = {"unfurl_links": False, "unfurl_media": False}
FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


class Api:
    """An app's own client."""

    def __init__(self, slack: SimSlack, client: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._client = client
        self.headers: dict[str, str] = {}

    async def send(
        self, method: str, *, body: bytes = b"", content_type: str = "", token: str | None = "", query: str = ""
    ) -> dict[str, object]:
        headers = {"Content-Type": content_type} if content_type else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self._slack.bot_token}"
        url = f"{self._slack.url}{method}{query}"
        async with self._client.post(url, data=body or None, headers=headers) as response:
            self.headers = dict(response.headers) | {"status": str(response.status)}
            answer = await response.json()
            assert isinstance(answer, dict)
            return answer

    async def call(self, method: str, **arguments: object) -> dict[str, object]:
        return await self.send(method, body=json.dumps(arguments).encode(), content_type=JSON)

    async def post(self, channel: str, **message: object) -> dict[str, object]:
        return await self.call("chat.postMessage", channel=channel, **(QUIET | {"text": "Paused."} | message))

    async def info(self, user: str) -> dict[str, object]:
        return await self.send("users.info", body=f"user={user}".encode(), content_type=FORM)


def rules(slack: SimSlack) -> list[Rule]:
    return [violation.rule for violation in slack.violations]
