"""One command or click that was sent to the app, and what came back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.sim.slack.ack import Ack, Reader
from bot.sim.slack.dispatch import Request
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.rules import Rule, Violation


@dataclass(frozen=True, slots=True)
class Invocation:
    """The values that Slack makes for each command and click; in views `response_url` is empty."""

    response_url: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A sent request and its answer; `reader` reads an ack of this kind."""

    invocation: Invocation
    sent: Request
    answer: Answered
    reader: Reader

    @property
    def ack(self) -> Ack | None:
        """Return what Slack displays; None unless a 200 came in time."""
        return self._reading[0]

    @property
    def mistakes(self) -> list[Violation]:
        """Return the violations of the answer."""
        return self._reading[1]

    @property
    def _reading(self) -> tuple[Ack | None, list[Violation]]:
        if self.answer.error:
            return None, list(_mistakes_of_failure(self.answer))
        return self.reader(self.answer.content_type, self.answer.body)

    @property
    def trigger_id(self) -> str:
        """Unique to this command or click."""
        return self.invocation.trigger_id

    @property
    def response_url(self) -> str:
        """Return the URL for later answers."""
        return self.invocation.response_url

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
        """Return the error: operation_timeout, dispatch_failed, http_client_error or http_service_error."""
        return self.answer.error

    def again(self, answer: Answered) -> "Delivery":
        """Return the same delivery, answered another time."""
        return replace(self, answer=answer)


def _mistakes_of_failure(answer: Answered) -> Iterator[Violation]:
    """Yield what is wrong with an answer that is no ack; an app that is away did nothing wrong."""
    if answer.status is not None:
        yield Violation(Rule.ACK_NOT_200, f"{answer.status} {answer.body[:80]!r}")
    elif answer.error == "operation_timeout":
        yield Violation(Rule.ACK_LATE, f"{answer.elapsed:.3f} s")
