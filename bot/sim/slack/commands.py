"""Delivers a typed command to the app as a signed form, and displays what comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.sim.slack.ack import Ack, read_ack
from bot.sim.slack.content import Content
from bot.sim.slack.history import Author, Place, Source
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.slash_command import Typed, form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sim.slack.courier import Answered, Courier
    from bot.sim.slack.hooks import Hooks
    from bot.sim.slack.platform import Platform

SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One command that was sent; `ack` is None unless a 200 came in time."""

    typed: Typed
    trigger_id: str
    response_url: str
    request: bytes
    headers: Mapping[str, str]
    answer: Answered
    ack: Ack | None

    @property
    def status(self) -> int | None:
        """The HTTP status of the ack; None if no complete answer came in time."""
        return self.answer.status

    @property
    def elapsed(self) -> float:
        """Seconds until the complete ack, or until Slack gave up."""
        return self.answer.elapsed

    @property
    def error(self) -> str | None:
        """What the client shows: operation_timeout, dispatch_failed, http_client_error or http_service_error."""
        return self.answer.error


class Commands:
    """Sends commands on behalf of people; `sign` makes the headers for a body."""

    def __init__(
        self, platform: Platform, hooks: Hooks, courier: Courier, sign: Callable[[bytes], dict[str, str]]
    ) -> None:
        self._platform = platform
        self._hooks = hooks
        self._courier = courier
        self._sign = sign

    async def send(self, typed: Typed, url: str | None, overrides: Mapping[str, str | None]) -> Delivery:
        """Deliver a command and show its ack; NotPossibleError if this person can't send it here."""
        typed.check()
        occasion = self._hooks.issue(typed)
        body = form(typed, occasion, overrides)
        headers = self._sign(body)
        answer = await self._courier.post(url, body, headers)
        ack = self._accept(typed, occasion.trigger_id, answer)
        return Delivery(typed, occasion.trigger_id, occasion.response_url, body, headers, answer, ack)

    async def send_again(self, delivery: Delivery, url: str | None) -> Delivery:
        """Send the very same signed bytes as an eavesdropper would; nobody is shown the answer."""
        answer = await self._courier.post(url, delivery.request, delivery.headers)
        ack = None if answer.error else read_ack(answer.content_type, answer.body)[0]
        return replace(delivery, answer=answer, ack=ack)

    def refuse_in_thread(self, typed: Typed) -> None:
        """Tell the person that there are no commands in threads; nothing is sent."""
        self._tell(typed, f"{typed.command} is not supported in threads. Sorry!", None)

    def _accept(self, typed: Typed, trigger_id: str, answer: Answered) -> Ack | None:
        if answer.error:
            self._blame(answer)
            self._tell(typed, f'{typed.command} failed with the error "{answer.error}"', trigger_id)
            return None
        ack, wrong = read_ack(answer.content_type, answer.body)
        self._platform.record(wrong)
        self._show(typed, trigger_id, ack)
        return ack

    def _blame(self, answer: Answered) -> None:
        if answer.status is not None:
            self._platform.record([Violation(Rule.ACK_NOT_200, f"{answer.status} {answer.body[:80]!r}")])
        elif answer.error == "operation_timeout":
            self._platform.record([Violation(Rule.ACK_LATE, f"{answer.elapsed:.3f} s")])

    def _show(self, typed: Typed, trigger_id: str, ack: Ack) -> None:
        history, channel = self._platform.history, typed.channel.id
        in_channel = ack.response_type == "in_channel"
        if in_channel:
            echo = Place(channel, trigger_id=trigger_id)
            history.post(Content(typed.line), Author(typed.user.id), echo, Source.TYPED)
        if not ack.content.is_empty:
            app = typed.workspace.installation
            place = Place(channel, ephemeral_to=None if in_channel else typed.user.id, trigger_id=trigger_id)
            history.post(ack.content, Author(app.bot_user_id, app.bot_id), place, Source.ACK)

    def _tell(self, typed: Typed, text: str, trigger_id: str | None) -> None:
        place = Place(typed.channel.id, ephemeral_to=typed.user.id, trigger_id=trigger_id)
        self._platform.history.post(Content(text), Author(SLACKBOT), place, Source.CLIENT)
