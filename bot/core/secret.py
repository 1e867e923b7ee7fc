"""A secret that cannot be printed by accident."""

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key or token. Only `reveal()` gives the text; `repr`, `str` and formatting hide it."""

    _value: str

    def reveal(self) -> str:
        """Return the secret, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"


def digest(token: str) -> str:
    """Return the SHA-256 of a random token in hex. It needs no slow hash, since it cannot be guessed."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def is_token(given: str, known: str | None) -> bool:
    """Return whether `given` has the digest `known`, in constant time; always False without a digest."""
    return hmac.compare_digest(digest(given), known or "")
