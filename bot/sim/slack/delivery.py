"""One command or click that was sent to the app, and what came back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.sim.slack.ack import Ack, read_ack
from bot.sim.slack.courier import Answered
from bot.sim.slack.dispatch import Request
from bot.sim.slack.rules import Rule, Violation


@dataclass(frozen=True, slots=True)
class Occasion:
    """What Slack makes anew for every command and click."""

    response_url: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent on which occasion; `ack` is None unless a 200 came in time, and empty for clicks."""

    occasion: Occasion
    sent: Request
    answer: Answered
    ack: Ack | None

    @property
    def trigger_id(self) -> str:
        """Unique to this command or click."""
        return self.occasion.trigger_id

    @property
    def response_url(self) -> str:
        """Where the app can answer later."""
        return self.occasion.response_url

    @property
    def request(self) -> bytes:
        """The bytes that were sent: a form, or in Socket Mode the text of the envelope."""
        return self.sent.body

    @property
    def headers(self) -> Mapping[str, str]:
        """The signed headers; none in Socket Mode."""
        return self.sent.headers

    @property
    def status(self) -> int | None:
        """The HTTP status of the ack, in Socket Mode always 200; None if no complete answer came in time."""
        return self.answer.status

    @property
    def elapsed(self) -> float:
        """Seconds until the complete ack, or until Slack gave up."""
        return self.answer.elapsed

    @property
    def error(self) -> str | None:
        """What went wrong: operation_timeout, dispatch_failed, http_client_error or http_service_error."""
        return self.answer.error

    def again(self, answer: Answered) -> "Delivery":
        """Return the same delivery, answered another time."""
        ack = None if answer.error else Ack()
        if ack and self.sent.kind == "slash_commands":
            ack, _ = read_ack(answer.content_type, answer.body)
        return replace(self, answer=answer, ack=ack)


def mistakes_of_answer(answer: Answered) -> Iterator[Violation]:
    """Yield what is wrong with an answer that is no ack; an app that is away did nothing wrong."""
    if answer.status is not None:
        yield Violation(Rule.ACK_NOT_200, f"{answer.status} {answer.body[:80]!r}")
    elif answer.error == "operation_timeout":
        yield Violation(Rule.ACK_LATE, f"{answer.elapsed:.3f} s")
