"""`anchor-bot init`: ask a person for the settings, write `.env`, and check it."""

import argparse
import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.cli import ENV_FILE, NotDoneError, Run, as_called, confirm, doctor, typed
from bot.cli.manifest import creation_link, manifest, terminal_link
from bot.config.catalog import SETTINGS, is_public_url
from bot.config.settings import Settings, SettingsError, read_environment, write_environment
from bot.outbound.store.secrets import new_key

_NO_TERMINAL = (
    "`anchor-bot init` asks at a terminal. A program writes .env itself, by .env.example, and runs `anchor-bot doctor`."
)
_OVERWRITE = f"{ENV_FILE} exists. Overwrite it? Its other settings are kept, its comments are not."
_REPAIR = f"Wrote {ENV_FILE}; repair what is marked ✗ before you start the bot. `anchor-bot doctor` checks it again."
_COMMENT = "Settings of the bot, written by `anchor-bot init`."


@dataclass(frozen=True, slots=True)
class _Question:
    """A setting that is asked for; `where` says where people find it, `placeholder` stands for it until then."""

    name: str
    where: str
    placeholder: str = "0"
    is_secret: bool = True


_KEYS = SETTINGS["ENCRYPTION_KEYS"].variables
_APP = "your Slack app > Basic Information >"
_ONE_WORKSPACE = (
    _Question("SLACK_BOT_TOKEN", "your Slack app > Install App > Bot User OAuth Token, xoxb-…", "xoxb-0"),
    _Question("ANCHOR_API_KEY", "Anchor's dashboard > API keys"),
)
_MANY_WORKSPACES = (
    _Question("SLACK_CLIENT_ID", f"{_APP} Client ID", is_secret=False),
    _Question("SLACK_CLIENT_SECRET", f"{_APP} Client Secret"),
)
_SOCKET_MODE = _Question(
    "SLACK_APP_TOKEN", f"{_APP} App-Level Tokens, with the scope connections:write, xapp-…", "xapp-0"
)
_HTTP = _Question("SLACK_SIGNING_SECRET", f"{_APP} Signing Secret")
_ASKED = {
    variable
    for name in ("BASE_URL", *(one.name for one in (*_ONE_WORKSPACE, *_MANY_WORKSPACES, _SOCKET_MODE, _HTTP)))
    for variable in SETTINGS[name].variables
}


def execute(options: argparse.Namespace, run: Run) -> int:
    """Ask, write and check, and return the exit code of the doctor. Raises SettingsError or NotDoneError."""
    if not sys.stdin.isatty():
        raise NotDoneError(_NO_TERMINAL)
    if ENV_FILE.exists() and not options.yes:
        confirm(_OVERWRITE, why_not=f"{ENV_FILE} is as it was")
    kept = {name: value for name, value in read_environment({}, ENV_FILE).items() if name not in _ASKED}
    try:
        base_url = (options.http or _ask_for_url(is_many=options.many)).rstrip("/")
        _offer_app(base_url, is_many=options.many)
        chosen = _ask_all(kept, base_url, is_many=options.many)
        write_environment(ENV_FILE, kept | chosen, _COMMENT)
    except EOFError:
        raise NotDoneError("Nothing was written.") from None
    except OSError as error:
        raise NotDoneError(f"{error.filename or ENV_FILE} can't be written ({error.strerror}).") from None
    _say(f"Wrote {ENV_FILE}, which only you can read.\n")
    code = doctor.execute(argparse.Namespace(workspace=None), run)
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


def _ask_all(kept: Mapping[str, str], base_url: str, *, is_many: bool) -> dict[str, str]:
    questions = (*(_MANY_WORKSPACES if is_many else _ONE_WORKSPACE), _HTTP if base_url else _SOCKET_MODE)
    chosen = {"BASE_URL": base_url} if base_url else {}
    if is_many and not any((dict(kept) | os.environ).get(one) for one in _KEYS):
        chosen["ENCRYPTION_KEYS"] = new_key().reveal()  # older keys decrypt the database
    others = dict(kept) | {name: value for name, value in os.environ.items() if name not in _ASKED}
    others |= {one.name: one.placeholder for one in questions} | chosen
    Settings.from_env(others)
    for question in questions:
        others[question.name] = chosen[question.name] = _ask(question, others)
    return chosen


def _ask(question: _Question, others: Mapping[str, str]) -> str:
    """Ask until the answer can be a value of the setting; whether it is accepted is for the doctor."""
    prompt = f"{question.name} ({question.where}){' (not shown)' if question.is_secret else ''}: "
    while True:
        value = typed(prompt, getpass.getpass if question.is_secret else None)
        try:
            Settings.from_env({**others, question.name: value})
        except SettingsError as error:
            _say(*error.problems)
        else:
            return value


def _say(*sentences: str) -> None:
    for sentence in sentences:
        print(as_called(sentence), flush=True)  # noqa: T201 - output of a command
