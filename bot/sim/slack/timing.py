"""The times that pass between Slack and the app."""

import asyncio
import time
from dataclasses import dataclass


@dataclass(slots=True)
class Timing:
    """Seconds, which tests can change at any moment.

    `ack_deadline` begins when a person acts. Slack then stops waiting, and over HTTP closes the connection.
    `delay_to_app` is that of requests and frames of Slack's, and of the end of a connection that Slack closes.
    `delay_from_app` is that of acks.
    `redelivery_after` begins when an envelope is sent whose connection then ends without an ack: it is sent again at
    that time or at the reconnect, whichever is later. None is the ack deadline: an earlier redelivery was never seen.
    """

    ack_deadline: float
    delay_to_app: float = 0.0
    delay_from_app: float = 0.0
    redelivery_after: float | None = None

    def until_redelivery(self, sent_at: float) -> float:
        """Return the seconds until an envelope of that time (monotonic) can be sent again."""
        after = self.ack_deadline if self.redelivery_after is None else self.redelivery_after
        return max(0.0, sent_at + after - time.monotonic())

    async def travel_to_app(self) -> None:
        """Wait until what Slack sends now reaches the app."""
        await _pass(self.delay_to_app)

    async def travel_from_app(self) -> None:
        """Wait until an ack that the app sends now reaches Slack."""
        await _pass(self.delay_from_app)


async def _pass(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)
