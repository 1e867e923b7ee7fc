"""What tests put into a store, and its tables by SQL as text, past its repositories."""

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from bot.core.installation import Installation, Uninstall
from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck
from bot.health import Readiness
from bot.outbound.store.store import Store

ACME = Installation(
    team_id="T0HOME00001",
    team_name="Acme",
    enterprise_id=None,
    app_id="A0ANCHOR001",
    bot_user_id="U0ANCHORBOT",
    bot_token=Secret("xoxb-of-acme"),
    scopes=("commands", "chat:write"),
    installed_by="U0ALICE0001",
    installed_at=1_785_000_000,
)
GLOBEX = replace(ACME, team_id="T0GLOBEX001", team_name="Globex", bot_token=Secret("xoxb-of-globex"))
ANCHOR_KEY = AnchorKey(Secret("sk-of-acme"), KeyCheck.VERIFIED, "U0ALICE0001", 1_785_000_100)
POLICY = Policy(pause=Rule(frozenset({"U2", "U1"}), frozenset({"C1"})))
NOW = 1_785_000_000.5
DAY = 86_400


def uninstall(after: int = 0, bots: tuple[str, ...] | None = None) -> Uninstall:
    """Slack's event that Acme uninstalled the app, so many seconds after its installation."""
    return Uninstall(ACME.team_id, ACME.installed_at + after, bots)


def readiness() -> Readiness:
    """Make a list of what is degraded, which is empty."""
    return Readiness()


async def fetch(store: Store, sql: str, **values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    return [tuple(row) for row in await store.database.fetch_all(text(sql), **values)]


async def execute(store: Store, sql: str, **values: object) -> None:
    """Execute a statement in a transaction of its own."""
    await store.database.execute(text(sql), values)


class Time:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
