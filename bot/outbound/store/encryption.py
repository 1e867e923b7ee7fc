"""Encrypt the secrets of rows, rotate keys, and seal an address for the time that a modal is open.

https://cryptography.io/en/latest/hazmat/primitives/aead/
"""

import base64
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.core.fields import Secret, derive_key, digest
from bot.core.orders import Actor, ReplyAddress
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.errors import UnreadableError

AUDIT_KEY = "audit key"  # the scope of marks
_KEY_ID_LENGTH = 32
_NONCE_LENGTH = 12  # bytes, random: one key can encrypt 2**32 secrets


@dataclass(frozen=True, slots=True)
class FieldRef:
    """The row (by its owner's id) and the column of a ciphertext."""

    owner: str
    column: str


class FieldCipher:
    """Cipher (AES-256-GCM) whose first key encrypts and whose keys all decrypt; each is 32 bytes in URL-safe base64."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._ciphers = [AESGCM(base64.urlsafe_b64decode(key.reveal())) for key in keys]
        self.key_id = digest(keys[0].reveal())[:_KEY_ID_LENGTH]
        """The id of the encrypting key: a digest, which does not reveal the key."""
        self._first = keys[0]

    def derive(self, purpose: str) -> bytes:
        """Return a key that is derived from the encrypting one."""
        return derive_key(self._first, purpose)

    def encrypt(self, secret: Secret, field: FieldRef) -> str:
        """Return the ciphertext in ASCII. It does not decrypt for another field."""
        plain, nonce = secret.reveal().encode(), os.urandom(_NONCE_LENGTH)
        found = self._ciphers[0].encrypt(nonce, plain, _bound_to(field))
        return base64.urlsafe_b64encode(nonce + found).decode()

    def decrypt(self, ciphertext: str, field: FieldRef) -> Secret:
        """Return the secret. Raises UnreadableError if no key fits, or if it was encrypted for another field."""
        for cipher in self._ciphers:
            try:
                found = base64.b64decode(ciphertext, b"-_", validate=True)
                plain = cipher.decrypt(found[:_NONCE_LENGTH], found[_NONCE_LENGTH:], _bound_to(field))
            except (InvalidTag, ValueError):
                continue
            return Secret(plain.decode())
        raise UnreadableError(f"none of the keys decrypts {field.column} of {field.owner}")


def _bound_to(field: FieldRef) -> bytes:
    return json.dumps([field.owner, field.column]).encode()


def new_key() -> Secret:
    """Generate a key for ENCRYPTION_KEYS."""
    return Secret(base64.urlsafe_b64encode(AESGCM.generate_key(256)).decode())


_MODAL = "modal"


def seal(address: ReplyAddress, cipher: FieldCipher, *shown: object) -> str:
    """Return a text that only the same person in the same workspace can send back, with JSON that a modal showed."""
    url = address.response_url
    fields = [address.actor.channel_id, url.reveal() if url else None, address.thread_ts, *shown]
    return cipher.encrypt(Secret(json.dumps(fields)), _field_of_modal(address.actor))


def unseal(text: str, actor: Actor, cipher: FieldCipher) -> tuple[ReplyAddress, list[Any]] | None:
    """Return the address and the JSON that were sealed for this person; None for anything else."""
    try:
        sealed = json.loads(cipher.decrypt(text, _field_of_modal(actor)).reveal())
    except UnreadableError:
        return None
    channel_id, url, thread_ts, *shown = sealed
    there = Actor(actor.team_id, channel_id, actor.user_id, actor.home_team_id)
    return ReplyAddress(there, Secret(url) if url else None, thread_ts), shown


def _field_of_modal(actor: Actor) -> FieldRef:
    return FieldRef(f"{actor.team_id}/{actor.user_id}", _MODAL)


KEY_COLUMN = "value"
_SECRETS = (
    ("workspaces", "team_id", "bot_token", "1 = 1"),
    ("workspaces", "team_id", "anchor_api_key", "1 = 1"),
    ("marks", "name", KEY_COLUMN, f"scope = '{AUDIT_KEY}'"),
)
"""Tables, the ids of their rows, the columns that are encrypted, and which rows are."""
_TOKENS = "SELECT team_id, bot_token FROM workspaces WHERE bot_token <> ''"
_ROTATION_TIMEOUT = 300.0


async def can_decrypt(database: Database, cipher: FieldCipher) -> bool:
    """Return whether the keys decrypt the token of a workspace, if there is any. Raises StoreUnreachableError."""
    rows = await database.fetch_all(_TOKENS)
    for row in rows:
        with suppress(UnreadableError):
            cipher.decrypt(row.bot_token, FieldRef(row.team_id, "bot_token"))
            return True
    return not rows


async def rotate(database: Database, cipher: FieldCipher) -> int:
    """Re-encrypt all secrets with the first key, and return their number; on an error change nothing.

    Raises UnreadableError if no key decrypts one of them, or StoreUnreachableError.
    """
    return await database.change(partial(_rotate, cipher), within=_ROTATION_TIMEOUT)


def _rotate(cipher: FieldCipher, connection: Connection) -> int:
    number = 0
    for table, owner, column, which in _SECRETS:
        where = f"{column} <> '' AND {which}"
        found = connection.fetch_all(f"SELECT {owner}, {column} FROM {table} WHERE {where} FOR UPDATE")
        fields = [(FieldRef(owner_id, column), ciphertext) for owner_id, ciphertext in found]
        rows = [{"owner": one.owner, "new": cipher.encrypt(cipher.decrypt(old, one), one)} for one, old in fields]
        connection.queue(f"UPDATE {table} SET {column} = :new WHERE {owner} = :owner AND {which}", *rows)
        number += len(rows)
    return number
