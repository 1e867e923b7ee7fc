"""Derive keys for one purpose each from a secret: HKDF, https://www.rfc-editor.org/rfc/rfc5869."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.core.secret import Secret

_LENGTH = 32  # bytes


def derive_key(secret: Secret, purpose: str) -> bytes:
    """Return a key that is always the same for this secret and purpose, and reveals neither."""
    return HKDF(SHA256(), _LENGTH, salt=None, info=purpose.encode()).derive(secret.reveal().encode())
