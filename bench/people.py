"""The workspaces, people and cards of the benchmark, with the secrets of the workspaces."""

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


@dataclass(frozen=True, slots=True)
class Card:
    """An alert that the bot has posted to a channel of its own in the first workspace, by its number from 0."""

    number: int
    text: str = "An agent spends too much."

    @property
    def session(self) -> str:
        """Return the id of the session."""
        return f"{self.number:08}-0000-4000-8000-000000000000"

    @property
    def channel_id(self) -> str:
        """Return the id of the channel."""
        return f"C0CARDS{self.number:05}"

    @property
    def ts(self) -> str:
        """Return the ts of the message."""
        return f"{1_600_000_000 + self.number}.000100"


def team_id(workspace: int) -> str:
    """Return the id of a workspace."""
    return f"T0BENCH{workspace:05}"


def bot_token(workspace: int) -> str:
    """Return the bot token of a workspace."""
    return f"xoxb-bench-{workspace:05}"


def anchor_key(workspace: int) -> str:
    """Return the Anchor key of a workspace."""
    return f"sk-bench-{workspace:05}"
