"""Encrypt what must not be read at rest, so that it can be decrypted in its own place only.

https://cryptography.io/en/latest/fernet/
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.core.digest import digest
from bot.core.secret import Secret
from bot.outbound.store.errors import UnreadableError

_NAME = 32  # characters


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext belongs: the row, by the id of its owner, and the column."""

    owner: str
    column: str


class Vault:
    """The first of `keys` encrypts, all of them decrypt. Each is 32 bytes in URL-safe base64."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])
        self.name = digest(keys[0].reveal())[:_NAME]
        """What the key that encrypts is called, from which nobody can tell the key."""

    def encrypt(self, secret: Secret, place: Place) -> str:
        """The ciphertext, as ASCII. Its place is inside, so that nobody can move it to another one."""
        return self._fernet.encrypt(json.dumps([place.owner, place.column, secret.reveal()]).encode()).decode()

    def decrypt(self, ciphertext: str, place: Place) -> Secret:
        """The secret. Raises UnreadableError where no key fits, or it was encrypted for another place."""
        try:
            owner, column, value = json.loads(self._fernet.decrypt(ciphertext.encode()))
        except InvalidToken:
            raise UnreadableError(f"none of the keys decrypts {place.column} of {place.owner}") from None
        if (owner, column) != (place.owner, place.column):
            raise UnreadableError(f"{place.column} of {place.owner} was encrypted for another place")
        return Secret(value)


def new_key() -> Secret:
    """A key for ENCRYPTION_KEYS."""
    return Secret(Fernet.generate_key().decode())
