"""Trigger ids: what somebody did just now, which the app may answer with one modal.

https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses
"""

import itertools
import secrets
from dataclasses import dataclass

from bot.sim.slack.clock import Clock
from bot.sim.slack.workspace import Workspace

LIFETIME = 3.0  # seconds


class TriggerError(Exception):
    """The id is good for nothing; its text is Slack's error."""


@dataclass(slots=True)
class Trigger:
    """The person who acted, and whether in a modal."""

    workspace: Workspace
    user_id: str
    expires_at: float
    is_in_modal: bool
    is_used: bool = False


class Triggers:
    """All that were issued."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, Trigger] = {}
        self._numbers = itertools.count(1_234_567_890_123)

    def issue(self, workspace: Workspace, user_id: str, *, is_in_modal: bool = False) -> str:
        """Make an id for what this person did now."""
        trigger_id = f"{next(self._numbers)}.987654321.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(workspace, user_id, self._clock.now() + LIFETIME, is_in_modal)
        return trigger_id

    def exchange(self, trigger_id: str, workspace: Workspace) -> Trigger:
        """Use an id up; TriggerError if it is unknown in this workspace, used, or too old."""
        trigger = self._issued.get(trigger_id)
        if trigger is None or trigger.workspace is not workspace:
            raise TriggerError("invalid_trigger_id")
        if trigger.is_used:
            raise TriggerError("exchanged_trigger_id")
        if self._clock.now() > trigger.expires_at:
            raise TriggerError("expired_trigger_id")
        trigger.is_used = True
        return trigger
