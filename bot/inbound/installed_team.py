"""Whose request it is: the workspace that the app is installed in, which need not be the person's own.

In a Slack Connect channel people of other companies click, too, so their own team says nothing about whose key may be
used. https://docs.slack.dev/apis/slack-connect
"""

from collections.abc import Mapping
from typing import Any


def installed_team(payload: Mapping[str, Any]) -> str:
    """The team id in a picked payload; "" where the app is installed for a whole organisation, and not in one team.

    A view names the installation itself: its `team` is that of whoever submitted it. An event names it among its
    authorizations; a command and a click have no other team than that.
    """
    view = payload.get("view")
    if view is not None:
        return view.get("app_installed_team_id") or ""
    for authorization in payload.get("authorizations", ()):
        return authorization.get("team_id") or ""
    team = payload.get("team")
    return payload.get("team_id") or (team["id"] if team else "")
