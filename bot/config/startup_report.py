"""Report the settings at startup: a summary, and those that are valid and probably not meant."""

import logging
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.config.misspelling import find_misspelled, hint
from bot.config.settings import OneWorkspace, Settings
from bot.core.policy import EVERYBODY
from bot.core.secret import Secret

SECRET_LENGTH = 32
LEAST_TOKEN_LENGTH = 20


def summarize(settings: Settings) -> dict[str, str]:
    """Return what an operator needs to recognize the bot by."""
    one = settings.workspaces if isinstance(settings.workspaces, OneWorkspace) else None
    return {
        **transport_and_tenancy(settings),
        "permissions": "set by admins" if one is None else "everybody" if one.policy == EVERYBODY else "restricted",
        "anchor": settings.anchor_api_url,
        "proxy": settings.proxy.url if settings.proxy else "none",
        "database": _kind_of(settings.workspaces.store.database_url),
    }


def transport_and_tenancy(settings: Settings) -> dict[str, str]:
    """Return how the bot is connected to Slack, and whom it serves."""
    return {
        "transport": "Socket Mode" if settings.slack_app_token else "HTTP",
        "tenancy": "one workspace" if isinstance(settings.workspaces, OneWorkspace) else "many workspaces",
    }


def _kind_of(database_url: Secret) -> str:
    """Return the file of SQLite, or the kind of another database, whose URL can contain a password."""
    scheme, _, path = database_url.reveal().partition("://")
    if scheme != "sqlite":
        return "PostgreSQL"
    return str(Path(path.removeprefix("/")).absolute()) if path else "in memory"


def find_warnings(environ: Mapping[str, str], settings: Settings, env_file: Path) -> Iterator[tuple[int, str]]:
    """Yield a sentence for each setting that is probably not meant, with its level."""
    for name, known in find_misspelled(environ):
        yield logging.WARNING, hint(name, known)
    if any(len(secret.reveal()) != SECRET_LENGTH for secret in settings.slack_signing_secrets):
        yield logging.WARNING, f"SLACK_SIGNING_SECRET is not {SECRET_LENGTH} characters long. Copy it again."
    if settings.anchor_timeout > settings.anchor_deadline:
        yield logging.WARNING, "ANCHOR_TIMEOUT is longer than ANCHOR_DEADLINE, so the deadline cuts each attempt off."
    token = settings.workspaces.alerts_token if isinstance(settings.workspaces, OneWorkspace) else None
    if token is not None and len(token.reveal()) < LEAST_TOKEN_LENGTH:
        yield logging.ERROR, "ALERTS_TOKEN is short enough to be guessed. Make a new one with: openssl rand -hex 32"
    if env_file.is_file() and env_file.stat().st_mode & stat.S_IROTH:
        yield logging.WARNING, f"Every user of this machine can read {env_file}. Run: chmod 600 {env_file}"
