"""Sends what people do to the app, and keeps what was wrong with the ack."""

from collections.abc import Mapping

from bot.sim.slack.ack import Reader
from bot.sim.slack.click import ABSENT
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Delivery, Invocation
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.platform import Platform

NOT_CONFIGURED = "This app is not configured to handle interactive responses"
TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"


class Interactions:
    """Sends interactive payloads."""

    def __init__(self, platform: Platform, dispatch: Dispatch) -> None:
        self._platform = platform
        self._dispatch = dispatch

    async def send(
        self, payload: Part, overrides: Mapping[str, object], invocation: Invocation, reader: Reader
    ) -> Delivery:
        """Send a payload; an override of None is null, ABSENT leaves a field out."""
        fields = {name: value for name, value in {**payload, **overrides}.items() if value is not ABSENT}
        if isinstance(view := fields.get("view"), dict):
            fields["view"] = {name: view[name] for name in view if name not in self._platform.unsent_view_fields}
        request = self._dispatch.pack("interactive", fields)
        delivery = Delivery(invocation, request, await self._dispatch.send(request), reader)
        self._platform.record(delivery.mistakes)
        return delivery

    def reason(self, answer: Answered) -> str:
        """Return what people read by an element whose action was not acknowledged."""
        if not self._dispatch.has_transport:
            return NOT_CONFIGURED
        return TIMED_OUT if answer.status is None else f"This app responded with Status Code {answer.status}."
