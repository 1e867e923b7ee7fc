"""What is kept of a token that somebody else holds: enough to recognise it, too little to send it."""

import hashlib
import hmac


def digest(token: str) -> str:
    """The SHA-256 of a long random text, in hex. A password would need a slow hash; what nobody can guess does not."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def is_token(given: str, known: str | None) -> bool:
    """Whether `given` is the token of the digest `known`; no, where there is none. It takes as long either way."""
    return hmac.compare_digest(digest(given), known or "")
