"""Tokens for alerts."""

import secrets

from bot.core.secret import Secret

_BYTES = 32


def new_alerts_token() -> Secret:
    """A token that nobody can guess; what is kept of it is its digest."""
    return Secret(secrets.token_urlsafe(_BYTES))
