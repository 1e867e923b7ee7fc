"""Views as apps write them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.sim.slack import Delivery, SimSlack, View
from sim.api_client import Api

Part = dict[str, Any]

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Part:
    """One of Slack's payloads."""
    read = json.loads((SAMPLES / f"{name}.json").read_text())
    assert isinstance(read, dict)
    return read


def plain(text: str) -> Part:
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str) -> Part:
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: object) -> Part:
    return {"type": "section", "text": mrkdwn(text)} | more


def button(action_id: str = "go", **more: object) -> Part:
    return {"type": "button", "text": plain("Go"), "action_id": action_id} | more


def actions(*elements: Mapping[str, object], block_id: str = "actions") -> Part:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def menu(kind: str, **more: object) -> Part:
    return {"type": kind, "action_id": "choice"} | more


def option(value: str) -> Part:
    return {"text": plain(value.capitalize()), "value": value}


def written(block_id: str = "name", **element: object) -> Part:
    """An input for a text."""
    return asked({"type": "plain_text_input", "action_id": "value"} | element, block_id)


def asked(element: Mapping[str, object], block_id: str = "menu", **more: object) -> Part:
    """An input with any element."""
    return {"type": "input", "block_id": block_id, "label": plain("Label"), "element": element} | more


def modal(*blocks: Mapping[str, object], **more: object) -> Part:
    made = {"type": "modal", "title": plain("Settings"), "blocks": list(blocks)} | more
    return made if "submit" in made else made | {"submit": plain("Save")}


def home(*blocks: Mapping[str, object], **more: object) -> Part:
    return {"type": "home", "blocks": list(blocks)} | more


def as_written(view: Part, **more: object) -> Part:
    """A view of a payload as an app would write it, so that Slack shows what is in the payload."""
    of_modals = ("title", "submit", "close") if view["type"] == "modal" else ()
    names = ("type", "blocks", "callback_id", "private_metadata", *of_modals)
    return {name: view[name] for name in names} | more


def ids_of(view: View) -> Part:
    """What this Slack has given to a view, and to the app."""
    return {"id": view.id, "root_view_id": view.id, "hash": view.hash, "bot_id": "B0ANCHOR001"}


class Screens:
    """Brings views before people."""

    def __init__(self, slack: SimSlack, api: Api) -> None:
        self.slack = slack
        self.api = api

    async def command(self) -> Delivery:
        """Alice types a command, whose trigger id opens a modal."""
        return await self.slack.command(self.slack.alice, self.slack.alerts)

    async def open(self, view: Mapping[str, object]) -> View:
        """Open a modal for Alice."""
        answer = await self.api.call("views.open", trigger_id=(await self.command()).trigger_id, view=view)
        return self.named(answer)

    async def publish(self, view: Mapping[str, object]) -> View:
        """Put this on Alice's Home tab."""
        return self.named(await self.api.call("views.publish", user_id=self.slack.alice.id, view=view))

    async def update(self, view: View, shown: Mapping[str, object]) -> View:
        """Change a view."""
        return self.named(await self.api.call("views.update", view_id=view.id, view=shown))

    def named(self, answer: Mapping[str, Any]) -> View:
        """The view of an answer of the Web API, as it is now."""
        assert answer["ok"] is True, answer
        return self.current(answer["view"]["id"])

    def current(self, view_id: str) -> View:
        view = self.slack.platform.views.find(view_id)
        assert view is not None
        return view

    @property
    def top(self) -> View:
        """The modal that Alice sees."""
        view = self.slack.modal_of(self.slack.alice)
        assert view is not None
        return view
