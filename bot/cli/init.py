"""`anchor-bot init`: ask a person for the settings, write `.env`, and check it."""

import argparse
import getpass
import sys
from pathlib import Path

from bot.cli import ENV_FILE, NotDoneError, Run, as_called, doctor, typed
from bot.cli.manifest import creation_link, manifest, terminal_link
from bot.config.catalog import SETTINGS, InvalidValueError, is_public_url
from bot.outbound.store.secrets import new_key

_NO_TERMINAL = (
    "`anchor-bot init` asks at a terminal. A program writes .env itself, by .env.example, and runs `anchor-bot doctor`."
)
_EXISTS = f"{ENV_FILE} exists. Edit it, or move it away first: with ENCRYPTION_KEYS, only those decrypt the database."
_REPAIR = f"Wrote {ENV_FILE}; repair there what is marked ✗ before you start the bot. `anchor-bot doctor` checks it."
_COMMENT = "# Settings of the bot, written by `anchor-bot init`."
_APP = "your Slack app > Basic Information >"
_WHERE = {
    "SLACK_BOT_TOKEN": "your Slack app > Install App > Bot User OAuth Token, xoxb-…",
    "ANCHOR_API_KEY": "Anchor's dashboard > API keys",
    "SLACK_CLIENT_ID": f"{_APP} Client ID",
    "SLACK_CLIENT_SECRET": f"{_APP} Client Secret",
    "SLACK_APP_TOKEN": f"{_APP} App-Level Tokens, with the scope connections:write, xapp-…",
    "SLACK_SIGNING_SECRET": f"{_APP} Signing Secret",
}
"""Where people find the value of each setting that is asked for."""


def execute(options: argparse.Namespace, run: Run) -> int:
    """Ask, write and check, and return the exit code of the doctor. Raises NotDoneError."""
    if not sys.stdin.isatty():
        raise NotDoneError(_NO_TERMINAL)
    if ENV_FILE.exists():
        raise NotDoneError(_EXISTS)
    try:
        base_url = (options.http or _ask_for_url(is_many=options.many)).rstrip("/")
        _offer_app(base_url, is_many=options.many)
        values = {"BASE_URL": base_url, "ENCRYPTION_KEYS": new_key().reveal()} if options.many else {}
        of_one, of_many = ("SLACK_BOT_TOKEN", "ANCHOR_API_KEY"), ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
        transport = "SLACK_SIGNING_SECRET" if base_url else "SLACK_APP_TOKEN"
        values |= {name: _ask(name) for name in (*(of_many if options.many else of_one), transport)}
        ENV_FILE.touch(0o600, exist_ok=False)
        ENV_FILE.write_text("\n".join([_COMMENT, *map("=".join, values.items()), ""]))
    except EOFError:
        raise NotDoneError("Nothing was written.") from None
    except OSError as error:
        raise NotDoneError(f"{error.filename or ENV_FILE} can't be written ({error.strerror}).") from None
    _say(f"Wrote {ENV_FILE}, which only you can read.\n")
    code = doctor.execute(options, run)
    _say(_REPAIR if code else "Start the bot: `anchor-bot run`")
    return code


def _offer_app(base_url: str, *, is_many: bool) -> None:
    text, file = manifest(base_url or None, many=is_many), Path("manifest.yml")
    file.write_text(text)
    _say(f"If there is no Slack app yet, create it: {terminal_link(creation_link(text), 'click here')}")
    _say(f"Or choose From a manifest at https://api.slack.com/apps?new_app=1, and paste {file}.")


def _ask_for_url(*, is_many: bool) -> str:
    while url := typed("Public https URL at which Slack reaches the bot (Enter: Socket Mode, which needs none): "):
        if is_public_url(url):
            return url
        _say("That is not an https URL without /slack/events. Use one like https://bot.example.com.")
    if is_many:
        raise NotDoneError("--many needs --http URL: browsers go there to install the app. Nothing was written.")
    return ""


def _ask(name: str) -> str:
    """Ask until the answer can be a value of the setting; whether it is accepted is for the doctor."""
    setting, value = SETTINGS[name], ""
    prompt = f"{name} ({_WHERE[name]}){' (not shown)' if setting.is_secret else ''}: "
    while not value:
        value = typed(prompt, getpass.getpass if setting.is_secret else None)
        try:
            setting.read(value)
        except InvalidValueError as error:
            _say(f"{name} {error}")
            value = ""
    return value


def _say(sentence: str) -> None:
    print(as_called(sentence), flush=True)  # noqa: T201 - output of a command
