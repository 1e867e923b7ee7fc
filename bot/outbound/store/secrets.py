"""Encrypt the secrets of rows, rotate and derive keys, and seal an address for the time that a modal is open.

https://cryptography.io/en/latest/fernet/
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.core.fields import Secret, derive_key, digest
from bot.core.policy import Policy, Rule
from bot.core.requests import Actor, ReplyAddress
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreNotUsableError, UnreadableError
from bot.outbound.store.marks import AUDIT_KEY, KEY

_KEY_ID_LENGTH = 32
_VERBS = ("pause", "resume")
_MANY, _END = "pause_many", "end"
_SETS = ("users", "channels")


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
        self._first = keys[0]

    def derive(self, purpose: str) -> bytes:
        """Return a key that is derived from the encrypting one."""
        return derive_key(self._first, purpose)

    def encrypt(self, secret: Secret, field: FieldRef, *, is_short: bool = False) -> str:
        """Return the ciphertext in ASCII, compressed if `is_short`. It names the field, so that it cannot be moved."""
        plain = json.dumps([field.owner, field.column, secret.reveal()]).encode()
        return self._fernet.encrypt(zlib.compress(plain, level=9) if is_short else plain).decode()

    def decrypt(self, ciphertext: str, field: FieldRef) -> Secret:
        """Return the secret. Raises UnreadableError if no key fits, or if it was encrypted for another field."""
        try:
            plain = self._fernet.decrypt(ciphertext.encode())
            owner, column, value = json.loads(plain if plain.startswith(b"[") else zlib.decompress(plain))
        except InvalidToken:
            raise UnreadableError(f"none of the keys decrypts {field.column} of {field.owner}") from None
        if (owner, column) != (field.owner, field.column):
            raise UnreadableError(f"{field.column} of {field.owner} was encrypted for another field")
        return Secret(value)


def new_key() -> Secret:
    """Generate a key for ENCRYPTION_KEYS."""
    return Secret(Fernet.generate_key().decode())


def write_policy(policy: Policy) -> str:
    """Encode a policy."""
    rules: dict[str, object] = {verb.value: _write_rule(rule) for verb, rule in policy.rules.items()}
    return json.dumps(rules | ({_MANY: sorted(policy.pause_many)} if policy.pause_many else {}))


def read_policy(text: str | None) -> Policy:
    """Decode a policy. Raises UnreadableError also for an unknown or a missing field: it could be a restriction."""
    if text is None:
        return Policy()
    try:
        stored = _exactly(_VERBS, json.loads(text), optional=(_MANY, _END))
        many = _read_ids(stored.pop(_MANY, []))
        return Policy(**{verb: _read_rule(rule) for verb, rule in stored.items()}, pause_many=many)
    except (ValueError, RecursionError):
        raise UnreadableError("this version cannot read the policy") from None


def _write_rule(rule: Rule) -> dict[str, list[str]]:
    return {name: sorted(getattr(rule, name)) for name in _SETS}


def _read_rule(value: object) -> Rule:
    return Rule(**{name: _read_ids(ids) for name, ids in _exactly(_SETS, value).items()})


def _read_ids(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return frozenset(value)


def _exactly(names: tuple[str, ...], value: object, *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(names) <= value.keys() <= {*names, *optional}:
        raise ValueError
    return value


_MODAL = "modal"


def seal(address: ReplyAddress, cipher: FieldCipher, *shown: object) -> str:
    """Return a text that only the same person in the same workspace can send back, with JSON that a modal showed."""
    url = address.response_url
    fields = [address.actor.channel_id, url.reveal() if url else None, address.thread_ts, address.message_url, *shown]
    return cipher.encrypt(Secret(json.dumps(fields)), _field_of_modal(address.actor), is_short=bool(shown))


def unseal(text: str, actor: Actor, cipher: FieldCipher) -> ReplyAddress | None:
    """Return the address that was sealed for this person; None for anything else."""
    found = unseal_all(text, actor, cipher)
    return found and found[0]


def unseal_all(text: str, actor: Actor, cipher: FieldCipher) -> tuple[ReplyAddress, list[Any]] | None:
    """Return the address and the JSON that were sealed for this person; None for anything else."""
    try:
        sealed = json.loads(cipher.decrypt(text, _field_of_modal(actor)).reveal())
    except UnreadableError:
        return None
    channel_id, url, thread_ts, message_url, *shown = sealed
    there = Actor(actor.team_id, channel_id, actor.user_id, actor.home_team_id)
    return ReplyAddress(there, Secret(url) if url else None, thread_ts, message_url=message_url), shown


def _field_of_modal(actor: Actor) -> FieldRef:
    return FieldRef(f"{actor.team_id}/{actor.user_id}", _MODAL)


_SECRETS = (
    ("workspaces", "team_id", "bot_token"),
    ("workspaces", "team_id", "anchor_api_key"),
    ("orders", "id", "reply"),
)
"""Tables, the ids of their rows, and the columns that are encrypted."""
KEY_COLUMN = "value"
_AUDIT_KEYS = ("marks", "name", KEY_COLUMN, f"AND scope = '{AUDIT_KEY}'")
_COLUMN = "ciphertext"
_CHECKS = f"SELECT name, value AS ciphertext FROM marks WHERE scope = '{KEY}'"
_ADD_CHECK = f"INSERT INTO marks (scope, name, value) VALUES ('{KEY}', :name, :ciphertext) ON CONFLICT DO NOTHING"
_PLAINTEXT = Secret("These keys fit.")
_ROTATION_TIMEOUT = 300.0
_WRONG_KEYS = (
    "ENCRYPTION_KEYS does not fit the database: no key decrypts its secrets. Add the key that the database was created "
    "with; without it the secrets are lost, and you need a new database."
)


async def check_keys(database: Database, cipher: FieldCipher) -> None:
    """Save a check of the first key, and decrypt those of earlier ones. Raises StoreNotUsableError if no key does."""
    check = FieldRef(cipher.key_id, _COLUMN)
    ciphertext = cipher.encrypt(_PLAINTEXT, check)

    def compare(connection: Connection) -> None:
        connection.execute(_ADD_CHECK, name=check.owner, ciphertext=ciphertext)
        try:
            for row in connection.fetch_all(_CHECKS):
                cipher.decrypt(row.ciphertext, FieldRef(row.name, _COLUMN))
        except UnreadableError:
            raise StoreNotUsableError(_WRONG_KEYS) from None  # which rolls back the check of the wrong key

    await database.change(compare)


async def can_decrypt(database: Database, cipher: FieldCipher) -> bool:
    """Return whether the keys decrypt the checks, and the addresses of results. Raises StoreUnreachableError."""
    replies = "SELECT id, reply FROM orders WHERE reply IS NOT NULL"
    try:
        for query, column in ((_CHECKS, _COLUMN), (replies, "reply")):
            for owner, ciphertext in await database.fetch_all(query):
                cipher.decrypt(ciphertext, FieldRef(owner, column))
    except UnreadableError:
        return False
    return True


async def rotate(database: Database, cipher: FieldCipher) -> int:
    """Re-encrypt all secrets with the first key, and return their number; on an error change nothing.

    Raises UnreadableError if no key decrypts one of them, or StoreUnreachableError.
    """
    return await database.change(partial(_rotate, cipher), within=_ROTATION_TIMEOUT)


def _rotate(cipher: FieldCipher, connection: Connection) -> int:
    connection.execute(f"DELETE FROM marks WHERE scope = '{KEY}' AND name <> :name", name=cipher.key_id)
    _rotate_column(connection, cipher, *_AUDIT_KEYS)
    return sum(_rotate_column(connection, cipher, *secret) for secret in _SECRETS)


def _rotate_column(connection: Connection, cipher: FieldCipher, table: str, owner: str, *what: str) -> int:
    column, where = what if len(what) > 1 else (*what, "")
    locked = f"SELECT {owner}, {column} FROM {table} WHERE {column} <> '' {where} FOR UPDATE"
    rows = [
        {"owner": owner_id, "new": cipher.encrypt(cipher.decrypt(ciphertext, field), field)}
        for owner_id, ciphertext in connection.fetch_all(locked)
        for field in [FieldRef(owner_id, column)]
    ]
    connection.execute_many(f"UPDATE {table} SET {column} = :new WHERE {owner} = :owner {where}", rows)
    return len(rows)
