"""Post an alert, and have patience with Slack: while somebody waits for the answer, so not for long."""

import asyncio

from bot.core.messages.message import Message
from bot.core.secret import Secret
from bot.outbound.delivery import Doubtful, Posted, Refused, TryAgain
from bot.outbound.slack import SlackClient

PATIENCE = 10.0
"""Seconds from the first attempt within which the last one begins."""

_FIRST_BACKOFF = 0.5
_MOST_FAILURES = 3  # each may have shown the message all the same; a rate limit certainly has not


class AlertPoster:
    """Posts to channels."""

    def __init__(self, slack: SlackClient, *, patience: float = PATIENCE) -> None:
        self._slack = slack
        self._patience = patience

    async def post(self, token: Secret, channel: str, message: Message) -> Posted | TryAgain | Doubtful | Refused:
        """Post until Slack takes it, refuses it or falls silent, or until patience ends: then TryAgain comes back.

        `token` is that of the workspace's bot.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._patience
        backoff, failures = _FIRST_BACKOFF, 0
        while True:
            result = await self._slack.post_message(token, channel, message)
            if not isinstance(result, TryAgain):
                return result
            failures += not result.limited
            wait = max(backoff, result.after or 0.0)
            if failures == _MOST_FAILURES or loop.time() + wait > ends:
                return result
            await asyncio.sleep(wait)
            backoff *= 2
