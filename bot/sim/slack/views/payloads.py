"""A view as apps get it, in payloads and from the Web API.

https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

from bot.sim.slack.content import Part
from bot.sim.slack.views.view import View
from bot.sim.slack.workspace import Installation

_UNTITLED: Part = {"type": "plain_text", "text": "View Title", "emoji": True}


def view_json(view: View, app: Installation, *, with_state: bool = True) -> Part:
    """Return a view, with what is typed and chosen in it where Slack tells that."""
    return {
        "id": view.id,
        "team_id": view.team_id,
        "type": view.type,
        "blocks": list(view.blocks),
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": view.state if with_state else {}},
        "hash": view.hash,
        "title": view.texts.get("title", _UNTITLED),
        "clear_on_close": False,
        "notify_on_close": False,
        "close": view.texts.get("close"),
        "submit": view.texts.get("submit"),
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id,
        "app_id": app.app_id,
        "external_id": "",
        "app_installed_team_id": view.team_id,
        "bot_id": app.bot_id,
    }
