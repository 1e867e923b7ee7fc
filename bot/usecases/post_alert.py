"""Post an alert to a channel, with retries."""

import asyncio

from bot.core.fields import Secret
from bot.messages.blocks import Message
from bot.outbound.slack.client import PostResult, SlackClient, TryAgain

RETRY_WINDOW = 10.0  # seconds from the first attempt to the start of the last one: the caller waits for the response
_FIRST_BACKOFF = 0.5
_MAX_FAILURES = 3  # any of them may have posted the message; a rate-limited attempt has not


async def post_alert(slack: SlackClient, token: Secret, channel: str, message: Message) -> PostResult:
    """Post with the bot's `token` until the result is final; return TryAgain if the retries are used up."""
    loop = asyncio.get_running_loop()
    ends, backoff, failures = loop.time() + RETRY_WINDOW, _FIRST_BACKOFF, 0
    while True:
        result = await slack.post_message(token, channel, message)
        if not isinstance(result, TryAgain):
            return result
        failures += not result.limited
        delay = max(backoff, result.after or 0.0)
        if failures == _MAX_FAILURES or loop.time() + delay > ends:
            return result
        await asyncio.sleep(delay)
        backoff *= 2
