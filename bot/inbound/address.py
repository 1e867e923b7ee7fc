"""Where a payload's answer belongs."""

from collections.abc import Mapping
from typing import Any

from bot.core.requests import Asker, ReplyAddress
from bot.core.secret import Secret
from bot.inbound.installed_team import installed_team


def read_address(payload: Mapping[str, Any]) -> ReplyAddress:
    """The address in a picked payload: a command has flat ids, an interaction objects, some of which may be absent.

    A command comes from nobody but members of the workspace. https://docs.slack.dev/apis/slack-connect
    """
    asker = Asker(
        team_id=installed_team(payload),
        channel_id=payload.get("channel_id") or _id_of(payload.get("channel")),
        user_id=payload.get("user_id") or _id_of(payload.get("user")),
        own_team_id=payload.get("team_id") or _text(payload.get("user"), "team_id"),
        enterprise_id=_text(payload.get("enterprise"), "id") or _text(payload, "enterprise_id"),
    )
    url = payload.get("response_url")
    return ReplyAddress(asker, Secret(url) if url else None)


def _id_of(holder: Mapping[str, str] | None) -> str:
    return holder["id"] if holder else ""


def _text(holder: Mapping[str, object] | None, field: str) -> str:
    value = holder.get(field) if holder else None
    return value if isinstance(value, str) else ""
