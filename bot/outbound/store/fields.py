"""Encode the fields of a row: secrets encrypted and bound to their row and column, policies as canonical JSON.

https://cryptography.io/en/latest/fernet/
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.core.fields import Secret, digest
from bot.core.policy import Policy, Rule
from bot.outbound.store.errors import UnreadableError

_KEY_ID_LENGTH = 32
_VERBS = ("pause", "resume")
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


def write_policy(policy: Policy) -> str:
    """Encode a policy."""
    return json.dumps({verb: _write_rule(getattr(policy, verb)) for verb in _VERBS})


def read_policy(text: str | None) -> Policy:
    """Decode a policy; None is the default policy.

    Raises UnreadableError also for an unknown or a missing field: it could be a restriction.
    """
    if text is None:
        return Policy()
    try:
        return Policy(**{verb: _read_rule(rule) for verb, rule in _exactly(_VERBS, json.loads(text)).items()})
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


def _exactly(names: tuple[str, ...], value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise ValueError
    return value
