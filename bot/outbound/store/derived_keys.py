"""Derive keys for one purpose each from a secret: HKDF, https://www.rfc-editor.org/rfc/rfc5869."""

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.core.fields import Secret

_LENGTH = 32  # bytes


def derive_key(secret: Secret, purpose: str) -> bytes:
    """Return a key that is always the same for this secret and purpose, and reveals neither."""
    return HKDF(SHA256(), _LENGTH, salt=None, info=purpose.encode()).derive(secret.reveal().encode())


def derive_encryption_key(secret: Secret) -> Secret:
    """Return a key like one of ENCRYPTION_KEYS."""
    return Secret(base64.urlsafe_b64encode(derive_key(secret, "anchor-bot: encryption of the database")).decode())


def keys_of_one(given: tuple[Secret, ...], bot_token: Secret) -> tuple[Secret, ...]:
    """Return the encryption keys of a bot of one workspace: those of its settings, or one derived from its token."""
    return given or (derive_encryption_key(bot_token),)
