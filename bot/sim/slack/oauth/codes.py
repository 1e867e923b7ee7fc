"""The codes that stand for a person's consent: good once, for ten minutes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.sim.slack.workspace import Workspace

LIFETIME = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Consented:
    """A grant, and the URL that the browser is sent back to; `org_wide` is for the whole organisation."""

    workspace: Workspace
    user_id: str
    scopes: frozenset[str]
    redirect_uri: str
    org_wide: bool = False


class Codes:
    """All that were given out and not yet used. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._codes: dict[str, tuple[Consented, float]] = {}

    def issue(self, consented: Consented) -> str:
        """Give out a code."""
        code = f"1234567890.{secrets.randbelow(10**12):012}.{secrets.token_hex(32)}"
        self._codes[code] = (consented, self._now() + LIFETIME)
        return code

    def redeem(self, code: str) -> Consented | None:
        """Take a code back; None for one that is used, too old or unknown."""
        consented, expires_at = self._codes.pop(code, (None, 0.0))
        return consented if self._now() < expires_at else None
