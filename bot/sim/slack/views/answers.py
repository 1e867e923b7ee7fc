"""The ack of a submission.

https://docs.slack.dev/surfaces/modals#response_actions
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sim.slack.ack import Ack, Reader, Reading
from bot.sim.slack.content import Part, is_json, json_object
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.views import limits
from bot.sim.slack.views.view import View

Action = Literal["close", "errors", "update", "push", "clear", "client_error"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The effect on the view; `client_error` is the effect of an invalid ack."""

    action: Action
    errors: Mapping[str, str] = field(default_factory=dict)
    view: Part = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()


def read_answer(view: View, content_type: str, body: bytes) -> Answer:
    """Read the body of a 200 for the submission of this view."""
    if not body.strip():
        return Answer("close")
    raw: dict[str, Any] | None = json_object(body) if is_json(content_type) else None
    complaints = list(_complaints(raw, view))
    if raw is None or complaints:
        return Answer("client_error", violations=tuple(Violation(Rule.VIEW_ACK_INVALID, each) for each in complaints))
    action, shown = raw["response_action"], raw.get("view", {})
    return Answer(action, raw.get("errors", {}), shown, tuple(limits.mistakes(shown)))


def reader(view: View) -> Reader:
    """Return what reads the ack for a Delivery."""

    def read(content_type: str, body: bytes) -> Reading:
        return Ack(), list(read_answer(view, content_type, body).violations)

    return read


def _complaints(raw: dict[str, Any] | None, view: View) -> Iterator[str]:
    action = raw.get("response_action") if raw is not None else None
    if raw is None:
        yield "no JSON object, labelled as application/json"
    elif action == "errors":
        yield from _complaints_about_errors(raw.get("errors"), view)
    elif action in ("update", "push"):
        shown = raw.get("view")
        yield from limits.problems(shown, "modal")
        if isinstance(shown, dict) and limits.is_too_large(shown):
            yield "view_too_large"
    elif action != "clear":
        yield f"unknown response_action: {action!r}"


def _complaints_about_errors(errors: object, view: View) -> Iterator[str]:
    if not (isinstance(errors, dict) and errors):
        yield "errors must be an object with a text for each block_id"
        return
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    for block_id, text in errors.items():
        if block_id not in inputs:
            yield f"no input block has the block_id {block_id!r}"
        if not (isinstance(text, str) and text):
            yield f"the error of {block_id!r} must be a text"
