"""Encrypt fields with Fernet (https://cryptography.io/en/latest/fernet/), each bound to its row and column."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.core.secret import Secret, digest
from bot.outbound.workspaces import UnreadableError

_KEY_ID_LENGTH = 32


@dataclass(frozen=True, slots=True)
class FieldRef:
    """The row (by its owner's id) and the column of a ciphertext."""

    owner: str
    column: str


class FieldCipher:
    """Cipher whose first key encrypts and whose keys all decrypt; each is 32 bytes in URL-safe base64."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])
        self.key_id = digest(keys[0].reveal())[:_KEY_ID_LENGTH]
        """The id of the encrypting key: a digest, which does not reveal the key."""

    def encrypt(self, secret: Secret, field: FieldRef) -> str:
        """Return the ciphertext in ASCII. It contains the field, so that it cannot be moved to another one."""
        return self._fernet.encrypt(json.dumps([field.owner, field.column, secret.reveal()]).encode()).decode()

    def decrypt(self, ciphertext: str, field: FieldRef) -> Secret:
        """Return the secret. Raises UnreadableError if no key fits, or if it was encrypted for another field."""
        try:
            owner, column, value = json.loads(self._fernet.decrypt(ciphertext.encode()))
        except InvalidToken:
            raise UnreadableError(f"none of the keys decrypts {field.column} of {field.owner}") from None
        if (owner, column) != (field.owner, field.column):
            raise UnreadableError(f"{field.column} of {field.owner} was encrypted for another field")
        return Secret(value)


def new_key() -> Secret:
    """Generate a key for ENCRYPTION_KEYS."""
    return Secret(Fernet.generate_key().decode())
