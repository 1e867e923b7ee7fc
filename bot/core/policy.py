"""Who may do what."""

from dataclasses import dataclass

from bot.core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who clicked: their own workspace, and the one the app is installed in; "" where Slack says nothing."""

    user_id: str
    team_id: str
    installed_team_id: str
    enterprise_id: str


def may_be_outsider(person: Person) -> bool:
    """Whether somebody comes from another workspace: in a Slack Connect channel they see the button, and can click it.

    https://docs.slack.dev/apis/slack-connect
    """
    return person.team_id not in {person.installed_team_id, person.enterprise_id} - {""}


def is_colleague(person: Person, enterprise_id: str) -> bool:
    """Whether somebody of another workspace is of the same company, by the enterprise that Slack's users.info names."""
    return bool(enterprise_id) and enterprise_id == person.enterprise_id


def serves(workspace: Workspace, team_id: str) -> bool:
    """Whether a request from `team_id`, the installing team of a verified payload, may use the workspace's key.

    Until Slack has said whose the bot token is, every verified request counts as its own: the signature shows that
    it came for this app, and a brake that waits for Slack to come back is none.
    """
    return workspace.team_id is None or workspace.team_id == team_id
