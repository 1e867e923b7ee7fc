"""The other way in: Slack's envelopes over websockets that the bot opens, so that nobody must reach the bot.

A client of our own, small, over the connection pool that all else uses: slack_sdk 3.48's polls for what came in, does
not look at why Slack closes a connection, closes the old one before it opens the new one, and logs envelopes.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import assert_never

from bot.inbound.frames import BadEnvelope, Envelope, Hello, Leave, Noise, SwitchedOff, ack_of, read_frame
from bot.inbound.rejections import Rejections
from bot.inbound.slack_app import SlackApp
from bot.inbound.socket_link import Link
from bot.outbound.slack import AppTokenRefusedError, SocketModeOffError
from bot.outbound.slack_web import SlackUnreachableError
from bot.readiness import Readiness
from bot.tasks import Tasks

Dial = Callable[[], Awaitable[Link]]
"""Opens a connection, as `Dialer.dial` does, and raises what that raises."""

_log = logging.getLogger(__name__)

_ACK_WITHIN = 3.0  # seconds that Slack waits
_STEADY = 10.0  # a connection that lasted so many seconds was a good one
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_SWITCH_ON = (
    "Socket Mode is switched off in the Slack app's settings. Switch it on there (Settings > Socket Mode) and restart "
    "the bot; or unset SLACK_APP_TOKEN, set SLACK_SIGNING_SECRET, and restart it to be served over HTTP."
)


def pause_before(attempt: int, jitter: float) -> float:
    """Seconds to wait before an attempt to connect: none at first nor after one failure. `jitter` is in [0, 1)."""
    if attempt <= 1:
        return 0.0
    return float(min(_FIRST_PAUSE * 2 ** min(attempt - 2, 10), _LONGEST_PAUSE)) * (0.5 + jitter / 2)


class SocketMode:
    """Keeps a connection open, and answers what comes over it. Each envelope is one of `acks`, until it is answered.

    Slack may deliver over any connection, and takes an ack over any. So a new one is opened before the old one goes,
    and what came over the old one is acknowledged over whichever is open by then.
    """

    def __init__(self, dial: Dial, slack_app: SlackApp, readiness: Readiness, acks: Tasks) -> None:
        self._dial = dial
        self._slack_app = slack_app
        self._readiness = readiness
        self._acks = acks
        self._rejections = Rejections(time.monotonic)
        self._working = Tasks()
        self._open: list[Link] = []
        self._is_open = asyncio.Event()
        self._was_open = self._is_off = False
        self._attempt = 0
        readiness.block("socket", "No connection to Slack (Socket Mode) is open yet.")

    async def start(self) -> None:
        """Open the first connection, and from then on see to it that there is one. Raises AppTokenRefusedError."""
        link = await self._connect()
        self._working.start(self._keep(link))

    async def close(self) -> None:
        """Close every connection, and open none any more."""
        await self._working.cancel()
        for link in self._open:  # what was cancelled before it began has closed nothing
            await link.close()

    async def _keep(self, link: Link | None) -> None:
        while link is not None:
            opened_at = time.monotonic()
            await link.leaving.wait()
            self._attempt = 1 if time.monotonic() - opened_at > _STEADY else self._attempt + 1
            link = None if self._is_off else await self._connect()

    async def _connect(self) -> Link | None:
        """A new connection, or None where Socket Mode is off. Raises AppTokenRefusedError if there never was one."""
        wait = self._pause()
        while True:
            await asyncio.sleep(wait)
            try:
                return self._take_up(await self._dial())
            except SocketModeOffError:
                self._switch_off()
                return None
            except AppTokenRefusedError as error:
                if not self._was_open:
                    raise
                wait = self._put_off(f"SLACK_APP_TOKEN is refused: {error}")
            except SlackUnreachableError as error:
                wait = max(self._put_off(str(error)), error.after or 0.0)

    def _pause(self) -> float:
        return pause_before(self._attempt, random.random())  # noqa: S311 - no secret

    def _put_off(self, why: str) -> float:
        """Say that there is no connection yet, and return in how many seconds to try again."""
        self._attempt += 1
        wait = self._pause()
        _log.warning("Slack can't be connected to", extra={"why": why, "next_attempt_in": round(wait, 1)})
        if not self._open:
            self._readiness.block("socket", f"No connection to Slack (Socket Mode) is open ({why}); trying again.")
        return wait

    def _take_up(self, link: Link) -> Link:
        self._open.append(link)
        self._is_open.set()
        self._was_open = True
        self._readiness.clear("socket")
        _log.info("connected to Slack")
        self._working.start(self._read(link))
        return link

    async def _read(self, link: Link) -> None:
        try:
            async for text in link.frames():
                self._take(link, text, time.monotonic())
        finally:
            self._let_go(link)
            await link.close()

    def _take(self, link: Link, text: str, received_at: float) -> None:
        match frame := read_frame(text):
            case Envelope():
                self._acks.start(self._answer(link, frame, received_at))
            case BadEnvelope():
                self._rejections.note(frame.rejected)
                self._acks.start(self._send(link, frame.ack, received_at))
            case Leave():
                _log.info("Slack closes a connection", extra={"why": frame.reason})
                self._leave(link, at_once=frame.at_once)
            case SwitchedOff():
                self._switch_off()
                self._leave(link, at_once=True)
            case Noise():
                self._rejections.note(frame.rejected)
            case Hello():
                pass
            case _:
                assert_never(frame)

    def _leave(self, link: Link, *, at_once: bool) -> None:
        """Let another connection be opened. This one is read to its end, but `at_once` nothing is sent by it."""
        link.leaving.set()
        if at_once:
            self._let_go(link)

    def _let_go(self, link: Link) -> None:
        link.leaving.set()
        if link not in self._open:
            return
        self._open.remove(link)
        if not self._open:
            self._is_open.clear()
            if not self._is_off:
                self._readiness.block("socket", "The connection to Slack (Socket Mode) ended; opening another.")

    def _switch_off(self) -> None:
        self._is_off = True
        self._readiness.block("socket", _SWITCH_ON)
        _log.error("Socket Mode is switched off", extra={"what_to_do": _SWITCH_ON})

    async def _answer(self, link: Link, envelope: Envelope, received_at: float) -> None:
        answer = await self._slack_app.dispatch(envelope.payload, received_at=received_at)
        if answer.status != HTTPStatus.OK:
            return  # without an ack, Slack sends an event once more
        await self._send(link, ack_of(envelope, answer.body), received_at, told=(envelope.payload, answer.body))

    async def _send(
        self, link: Link, ack: str, received_at: float, *, told: tuple[Mapping[str, object], str] | None = None
    ) -> None:
        """Send by `link`, or whichever is open or comes while Slack waits; else see to it that a person is told."""
        try:
            async with asyncio.timeout(received_at + _ACK_WITHIN - time.monotonic()):
                while True:
                    await self._is_open.wait()
                    best = min(self._open, key=lambda one: (one.leaving.is_set(), one is not link))
                    try:
                        await best.send(ack)
                    except ConnectionError:
                        self._let_go(best)
                    else:
                        return
        except TimeoutError:
            _log.warning("an ack could not be sent in time: no connection to Slack is open")
            if told and "command" in told[0]:
                self._slack_app.tell_later(*told)
