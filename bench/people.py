"""The workspaces and the people of the benchmark, with the secrets of their workspaces."""

from dataclasses import dataclass

SIGNING_SECRET = "bench-signing-secret-0123456789a"  # noqa: S105 - made up
APP_TOKEN = "xapp-bench"  # noqa: S105 - made up


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a workspace; both are numbers from 0."""

    workspace: int = 0
    number: int = 0

    @property
    def user_id(self) -> str:
        """Return the id of the person."""
        return f"U0B{self.workspace:05}P{self.number:05}"

    @property
    def channel_id(self) -> str:
        """Return the id of the channel in which the person works."""
        return f"C0BENCH{self.workspace:05}"


def team_id(workspace: int) -> str:
    """Return the id of a workspace."""
    return f"T0BENCH{workspace:05}"


def bot_token(workspace: int) -> str:
    """Return the bot token of a workspace."""
    return f"xoxb-bench-{workspace:05}"


def anchor_key(workspace: int) -> str:
    """Return the Anchor key of a workspace."""
    return f"sk-bench-{workspace:05}"
