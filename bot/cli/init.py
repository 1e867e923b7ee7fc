"""`anchor-bot init`: ask a person for the settings, check the answers, and write `.env`."""

import argparse
import getpass
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bot.cli import agrees, as_called, require_yes, typed
from bot.cli.context import open_client_session
from bot.cli.doctor import Doctor, examine
from bot.cli.manifest import creation_link, manifest, terminal_link
from bot.cli.parser import NotDoneError
from bot.config.addresses import is_public_url
from bot.config.catalog import SETTINGS
from bot.config.environment import SettingsError, read_environment, write_environment
from bot.config.settings import Settings
from bot.messages.checks import Checked, Good, Questionable, Wrong, check_line
from bot.outbound.store.secrets import new_key

_NO_TERMINAL = (
    "`anchor-bot init` asks at a terminal. A program writes .env itself, by .env.example, and runs `anchor-bot doctor`."
)
_FILE = Path(".env")
_OVERWRITE = f"{_FILE} exists. Overwrite it? Its other settings are kept, its comments are not."
_REPAIR = f"Wrote {_FILE}; repair what is marked ✗ before you start the bot. `anchor-bot doctor` checks it again."
_COMMENT = "Settings of the bot, written by `anchor-bot init`."


@dataclass(frozen=True, slots=True)
class Question:
    """A setting that is asked for; `where` says where people find it, `placeholder` stands for it until then."""

    name: str
    where: str
    placeholder: str = "0"
    is_secret: bool = True


_KEYS = SETTINGS["ENCRYPTION_KEYS"].variables
_APP = "your Slack app > Basic Information >"
ONE_WORKSPACE = (
    Question("SLACK_BOT_TOKEN", "your Slack app > Install App > Bot User OAuth Token, xoxb-…", "xoxb-0"),
    Question("ANCHOR_API_KEY", "Anchor's dashboard > API keys"),
)
MANY_WORKSPACES = (
    Question("SLACK_CLIENT_ID", f"{_APP} Client ID", is_secret=False),
    Question("SLACK_CLIENT_SECRET", f"{_APP} Client Secret"),
)
SOCKET_MODE = Question(
    "SLACK_APP_TOKEN", f"{_APP} App-Level Tokens, with the scope connections:write, xapp-…", "xapp-0"
)
HTTP = Question("SLACK_SIGNING_SECRET", f"{_APP} Signing Secret")
_ASKED = {
    variable
    for name in ("BASE_URL", *(one.name for one in (*ONE_WORKSPACE, *MANY_WORKSPACES, SOCKET_MODE, HTTP)))
    for variable in SETTINGS[name].variables
}


@dataclass(frozen=True, slots=True)
class Init:
    """The command. `run` runs a coroutine to its end; `environ` are the variables outside of `.env`."""

    options: argparse.Namespace
    environ: Mapping[str, str]
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    out: TextIO

    def execute(self) -> int:
        """Ask, check and write, and return the exit code of the doctor. Raises SettingsError or NotDoneError."""
        if not sys.stdin.isatty():
            raise NotDoneError(_NO_TERMINAL)
        if (exists := _FILE.exists()) and not self.options.yes:
            require_yes(_OVERWRITE, why_not=f"{_FILE} is as it was")
        kept = {name: value for name, value in read_environment({}, _FILE).items() if name not in _ASKED}
        try:
            base_url = (self.options.http or self._public_url()).rstrip("/")
            self._offer_app(base_url)
            chosen = self._ask_all(kept, base_url)
            write_environment(_FILE, kept | chosen, _COMMENT, replaces=exists)
        except EOFError:
            raise NotDoneError("Nothing was written.") from None
        except OSError as error:
            raise NotDoneError(f"{error.filename or _FILE} can't be written ({error.strerror}).") from None
        self._say(f"Wrote {_FILE}, which only you can read.\n")
        options = argparse.Namespace(command="init", json=False, workspace=None)
        code: int = self.run(examine(options, self.environ, _FILE, self.out))
        self._say(_REPAIR if code else "Start the bot: `anchor-bot run`")
        return code

    def _offer_app(self, base_url: str) -> None:
        text, file = manifest(base_url or None, many=self.options.many), Path("manifest.yml")
        file.write_text(text)
        self._say(f"If there is no Slack app yet, create it: {terminal_link(creation_link(text), 'click here')}")
        self._say(f"Or choose From a manifest at https://api.slack.com/apps?new_app=1, and paste {file}.")

    def _public_url(self) -> str:
        while url := typed("Public https URL at which Slack reaches the bot (Enter: Socket Mode, which needs none): "):
            if is_public_url(url):
                return url
            self._say("That is not an https URL without /slack/events. Use one like https://bot.example.com.")
        if self.options.many:
            raise NotDoneError("--many needs --http URL: browsers go there to install the app. Nothing was written.")
        return ""

    def _ask_all(self, kept: Mapping[str, str], base_url: str) -> dict[str, str]:
        questions = (*(MANY_WORKSPACES if self.options.many else ONE_WORKSPACE), HTTP if base_url else SOCKET_MODE)
        chosen = {"BASE_URL": base_url} if base_url else {}
        if self.options.many and not any((dict(kept) | dict(self.environ)).get(one) for one in _KEYS):
            chosen["ENCRYPTION_KEYS"] = new_key().reveal()  # older keys decrypt the database
        others = dict(kept) | {name: value for name, value in self.environ.items() if name not in _ASKED}
        others |= {one.name: one.placeholder for one in questions} | chosen
        Settings.from_env(others)
        for question in questions:
            others[question.name] = chosen[question.name] = self._ask(question, others)
        return chosen

    def _ask(self, question: Question, others: Mapping[str, str]) -> str:
        prompt = f"{question.name} ({question.where}){' (not shown)' if question.is_secret else ''}: "
        while True:
            value = typed(prompt, getpass.getpass if question.is_secret else None)
            try:
                settings = Settings.from_env({**others, question.name: value})
            except SettingsError as error:
                self._say(*error.problems)
                continue
            check = self.run(_check(question, settings))
            if check is None or isinstance(check.finding.kind, Good):
                return value
            self._say(check_line(check))
            kind = check.finding.kind
            if isinstance(kind, Questionable) or (not isinstance(kind, Wrong) and agrees("Use it?")):
                return value

    def _say(self, *sentences: str) -> None:
        for sentence in sentences:
            print(as_called(sentence), file=self.out, flush=True)


async def _check(question: Question, settings: Settings) -> Checked | None:
    async with open_client_session(settings.proxy) as session:
        return await Doctor(settings, session).check_setting(question.name)
