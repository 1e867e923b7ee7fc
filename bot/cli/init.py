"""`anchor-bot init`: write a new `.env`."""

import argparse
import textwrap

from bot.cli.manifest import creation_link, manifest
from bot.cli.terminal import ENV_FILE, NotDoneError, Run, as_called, print_line
from bot.config.settings import OF_MANY, OF_ONE, SETTINGS
from bot.outbound.store.encryption import new_key

_WIDTH = 100
_EXISTS = f"{ENV_FILE} exists. Edit it, or move it away, and keep its ENCRYPTION_KEYS: only they decrypt the database."


def execute(options: argparse.Namespace, _: Run) -> int:
    """Write a new `.env` for its owner alone, which has what a bot needs. Raises NotDoneError."""
    base_url, is_many = options.http, options.many
    link = creation_link(manifest(base_url, many=is_many))
    needed = [name for name in (OF_MANY if is_many else OF_ONE) if SETTINGS[name].is_required]
    needed.append("SLACK_SIGNING_SECRET" if base_url else "SLACK_APP_TOKEN")
    known = {"BASE_URL": base_url, "ENCRYPTION_KEYS": new_key().reveal()} if is_many else {}
    about = [textwrap.indent(textwrap.fill(SETTINGS[name].text, _WIDTH), "# ") for name in needed]
    lines = [f"{text}\n{name}={known.get(name, '')}\n" for name, text in zip(needed, about, strict=True)]
    try:
        ENV_FILE.touch(0o600, exist_ok=False)
        ENV_FILE.write_text("\n".join(lines))
    except FileExistsError:
        raise NotDoneError(_EXISTS) from None
    except OSError as error:
        raise NotDoneError(f"{ENV_FILE} can't be written ({error.strerror}).") from None
    empty = ", ".join(name for name in needed if name not in known)
    print_line(f"If there is no Slack app yet, create it: {link}")
    print_line(as_called(f"Wrote {ENV_FILE}. Fill in {empty}. Then check them: `anchor-bot doctor`"))
    return 0
