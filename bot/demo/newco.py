"""Newco, the demo's second workspace: the app gets there, but nobody has given it a key yet."""

from dataclasses import dataclass

from bot.sim.slack import Channel, Installation, User, Workspace
from bot.sim.slack.workspace import COMMANDS, GLOBAL_SHORTCUTS, SHORTCUTS

NEWCO_KEY = "sk-sim-newco-5b0f3c9e47a2"
"""Of Newco's account at Anchor, for somebody to set in Slack."""


@dataclass(frozen=True, slots=True)
class Newco:
    """The workspace, with names for those in it. The app's bot is in `alerts` and not in `general`."""

    workspace: Workspace
    dora: User
    erin: User
    alerts: Channel
    general: Channel


def newco() -> Newco:
    """Build a new one, without the app."""
    never = Installation(
        "xoxb-never",
        refusal="account_inactive",
        bot_id="B0NEWCOBOT1",
        bot_user_id="U0NEWCOBOT1",
        commands=COMMANDS,
        shortcuts=SHORTCUTS,
        global_shortcuts=GLOBAL_SHORTCUTS,
    )
    workspace = Workspace("T0NEWCO0001", "newco", never)
    dora = workspace.add_user("U0DORA00001", "dora", is_admin=True)
    erin = workspace.add_user("U0ERIN00001", "erin")
    return Newco(
        workspace=workspace,
        dora=dora,
        erin=erin,
        alerts=workspace.add_channel("C0NEWALERTS", "alerts", dora, erin, never.bot_user_id),
        general=workspace.add_channel("C0NEWGENERL", "general", dora, erin),
    )
