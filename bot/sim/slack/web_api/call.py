"""A call of the Web API, the error it may end in, and what a method is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.sim.slack.clock import Moment
from bot.sim.slack.platform import Platform
from bot.sim.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call on record; `token` is None if there was none where Slack looks for it."""

    method: str
    arguments: Mapping[str, object]
    token: str | None
    at: Moment


@dataclass(frozen=True, slots=True)
class Caller:
    """The app that calls, in the workspace its token is for."""

    platform: Platform
    workspace: Workspace


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its function, its scope, and whether it accepts JSON."""

    run: Callable[[Caller, Mapping[str, object]], dict[str, object]]
    scope: str | None = None
    takes_json: bool = True


class ApiError(Exception):
    """`ok:false` with this error; with `retry_after` (seconds) it is an HTTP 429."""

    def __init__(self, error: str, *, retry_after: int | None = None, **details: object) -> None:
        super().__init__(error)
        self.retry_after = retry_after
        self.body: dict[str, object] = {"ok": False, "error": error} | details
