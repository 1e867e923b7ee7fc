"""`anchor-bot init`: ask for the settings, check the answers, and write `.env`."""

import argparse
import getpass
import re
import sys
import webbrowser
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bot.cli import as_called
from bot.cli.doctor import Doctor, examine
from bot.cli.manifest import creation_link, has_browser, manifest, terminal_link
from bot.cli.orders import open_client_session
from bot.cli.parser import NotDoneError
from bot.config.addresses import is_public_url
from bot.config.catalog import SETTINGS, VARIABLES
from bot.config.environment import SettingsError, read_environment, write_environment
from bot.config.settings import Settings
from bot.messages.checks import Checked, Good, Questionable, Unanswered, Wrong, check_line
from bot.outbound.store.secrets import new_key

_KEYS = SETTINGS["ENCRYPTION_KEYS"].variables

_NOT_READ = "`anchor-bot run` reads .env in its working directory: give it the variables of {file} in its environment."
_NOT_WRITTEN = (
    "Taken from your environment, and not in {file}: {names}. `anchor-bot run` needs them in its environment, too.\n"
)
_REPAIR = "Wrote {file}; repair what is marked ✗ before you start the bot. `anchor-bot doctor` checks it again."
_COMMENT = "Settings of the bot, written by `anchor-bot init`."


@dataclass(frozen=True, slots=True)
class Question:
    """A setting that is asked for; `where` says where people find it, `placeholder` stands for it until then.

    `form` is a regular expression of those that Slack gives, which look like `example`, if no request can check it.
    """

    name: str
    where: str
    placeholder: str
    is_secret: bool = True
    form: str = ".*"
    example: str = ""


ONE_WORKSPACE = (
    Question("SLACK_BOT_TOKEN", "your Slack app > Install App > Bot User OAuth Token, xoxb-…", "xoxb-0"),
    Question("ANCHOR_API_KEY", "Anchor's dashboard > API keys", "0"),
)
CLIENT_ID = Question(
    "SLACK_CLIENT_ID",
    "your Slack app > Basic Information > Client ID",
    "0",
    is_secret=False,
    form=r"\d+\.\d+",
    example="1234567890.1234567890123",
)
MANY_WORKSPACES = (
    CLIENT_ID,
    Question("SLACK_CLIENT_SECRET", "your Slack app > Basic Information > Client Secret", "0"),
)
SOCKET_MODE = Question(
    "SLACK_APP_TOKEN",
    "your Slack app > Basic Information > App-Level Tokens, with the scope connections:write, xapp-…",
    "xapp-0",
)
HTTP = Question(
    "SLACK_SIGNING_SECRET",
    "your Slack app > Basic Information > Signing Secret",
    "0",
    form="[0-9a-f]{32}",
    example="8f742231b10e8888abcd99b0c1d285a5",
)
BASE_URL = Question("BASE_URL", "", "https://bot.example.com", is_secret=False)


class Answers:
    """Answers to questions: from the environment or, at a terminal, by a person. Secrets are not echoed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.at_terminal = sys.stdin.isatty()
        self._given = dict(environ)

    def answer(self, question: Question) -> str:
        """Return a value of the environment that was not used yet, or that of the person. Raises NotDoneError."""
        if given := self._given.pop(question.name, "").strip():
            if self.at_terminal:
                print(f"{question.name}: taken from the environment.")  # noqa: T201 - output of a command
            return given
        if not self.at_terminal:
            raise NotDoneError(
                f"{question.name} is not given ({question.where}). Set it in the environment. Nothing was written."
            )
        prompt, read = f"{question.name} ({question.where})", getpass.getpass if question.is_secret else input
        try:
            return _typed(f"{prompt} (not shown): " if question.is_secret else f"{prompt}: ", read)
        except EOFError:
            raise NotDoneError("Nothing was written.") from None

    def public_url(self) -> str:
        """Return the bot's public URL; "" for Socket Mode."""
        question = "Public https URL at which Slack reaches the bot (press Enter for Socket Mode, which needs none): "
        return _ask(question) if self.at_terminal else ""

    def confirm(self, question: str, *, option: str) -> bool:
        """Ask a person, to whom no answer means no. Without one raise NotDoneError, which names the `option`."""
        if not self.at_terminal:
            raise NotDoneError(f"{question} Without a terminal, {option} means yes. Nothing was changed.")
        return _ask(f"{question} [y/N] ").casefold() in {"y", "yes"}


def _ask(prompt: str) -> str:
    try:
        return _typed(prompt, input)
    except EOFError:
        return ""


def _typed(prompt: str, read: Callable[[str], str]) -> str:
    try:
        return read(prompt).strip()
    except KeyboardInterrupt:
        print(file=sys.stderr)  # noqa: T201 - the prompt has no end of line
        raise


_ASKED = {
    variable
    for question in (*ONE_WORKSPACE, *MANY_WORKSPACES, SOCKET_MODE, HTTP, BASE_URL)
    for variable in SETTINGS[question.name].variables
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Variables by where they come from: the old file, and the environment."""

    old: Mapping[str, str]
    environ: Mapping[str, str]

    def checked(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with which the answers that are `chosen` so far are checked."""
        others = self.kept() | dict(self.environ)
        return {name: value for name, value in others.items() if name not in _ASKED} | dict(chosen)

    def only_in_environment(self, written: Mapping[str, str]) -> list[str]:
        """Return the names of the settings that the new file has not, or has with another value."""
        values = {name: value.strip() for name, value in self.environ.items() if name in VARIABLES}
        return sorted(name for name, value in values.items() if value and written.get(name) != value)

    def encryption_keys(self) -> dict[str, str] | None:
        """Return the keys of the old file, which decrypt the database, if no others are given; None without any."""
        kept = {name: value for name, value in self.kept().items() if name in _KEYS and value}
        return kept if kept or any(self.environ.get(name) for name in _KEYS) else None

    def kept(self) -> dict[str, str]:
        """Return the variables of the old file that stay in the new one."""
        return {name: value for name, value in self.old.items() if name not in _ASKED}


@dataclass(eq=False)
class Init:
    """The command. `run` runs a coroutine to its end; `environ` are the variables outside of the file."""

    options: argparse.Namespace
    environ: Mapping[str, str]
    answers: Answers
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    out: TextIO

    def __post_init__(self) -> None:
        self._file = Path(self.options.file)

    def execute(self) -> int:
        """Ask, check and write, and return the exit code of the doctor. Raises SettingsError or NotDoneError."""
        before = self._before()
        self._sources = Sources(before or {}, self.environ)
        base_url = self.options.http or self._public_url()
        self._offer_app(manifest(base_url or None, many=self.options.many), is_http=bool(base_url))
        written = self._sources.kept() | self._ask_all(base_url)
        self._settings(written)
        self._write(written, replaces=before is not None)
        code: int = 0
        if not self.options.offline:
            options = argparse.Namespace(json=False, workspace=None, probe=None, real=False)
            code = self.run(examine(options, self.environ, self._file, self.out, is_before_start=True))
        is_read = self._file.resolve() == Path(".env").resolve()
        if code:
            self._say(_REPAIR.format(file=self._file))
        elif is_read:
            self._say("Start the bot: `anchor-bot run`")
        if not is_read:
            self._say(_NOT_READ.format(file=self._file))
        return code

    def _offer_app(self, text: str, *, is_http: bool) -> None:
        """Print the link that creates the app. A person also gets the manifest as a file, and can open the browser."""
        url = creation_link(text)
        if not self.answers.at_terminal:
            self._say(f"Create the Slack app, if there is none yet:\n{url}\n")
            return
        file = self._file.with_name("manifest-http.yml" if is_http else "manifest.yml")
        try:
            file.write_text(text)
        except OSError as error:
            raise NotDoneError(f"{file} can't be written ({error.strerror}). Nothing was written.") from None
        link = terminal_link(url, "click here") if self.out.isatty() else url
        self._say(f"If there is no Slack app yet, create it: {link}")
        self._say(f"Or choose *From a manifest* at https://api.slack.com/apps?new_app=1, and paste {file}.")
        if has_browser() and self.answers.confirm("Open the link in your browser?", option=""):
            webbrowser.open(url)

    def _before(self) -> dict[str, str] | None:
        """Return the variables of the file that is to be replaced; None if there is none."""
        if not self._file.exists():
            return None
        question = f"{self._file} exists. Overwrite it? Its other settings are kept, its comments are not."
        if not (self.options.force or self.answers.confirm(question, option="--force")):
            raise NotDoneError(f"{self._file} is as it was.")
        return read_environment({}, self._file)

    def _public_url(self) -> str:
        while url := self.answers.public_url().rstrip("/"):
            if is_public_url(url):
                return url
            self._say("That is not an https URL without /slack/events. Use one like https://bot.example.com.")
        if self.options.many:
            raise NotDoneError("--many needs --http URL: browsers go there to install the app. Nothing was written.")
        return ""

    def _ask_all(self, base_url: str) -> dict[str, str]:
        transport = HTTP if base_url else SOCKET_MODE
        questions = (*(MANY_WORKSPACES if self.options.many else ONE_WORKSPACE), transport)
        chosen = {BASE_URL.name: base_url} if base_url else {}
        if self.options.many:
            keys = self._sources.encryption_keys()
            chosen |= {"ENCRYPTION_KEYS": new_key().reveal()} if keys is None else keys
        placeholders = {one.name: one.placeholder for one in questions}
        self._settings(placeholders | chosen)
        for question in questions:
            del placeholders[question.name]
            self._choose(question, placeholders, chosen)
        return chosen

    def _choose(self, question: Question, placeholders: Mapping[str, str], chosen: dict[str, str]) -> None:
        """Ask for a setting, and again for the client id if it is wrong: only its secret shows that."""
        while (answer := self._ask(question, {**placeholders, **chosen})) is None:
            self._choose(CLIENT_ID, {**placeholders, question.name: question.placeholder}, chosen)
        chosen[answer[0]] = answer[1]

    def _settings(self, chosen: Mapping[str, str]) -> Settings:
        return Settings.from_env(self._sources.checked(chosen))

    def _ask(self, question: Question, others: Mapping[str, str]) -> tuple[str, str] | None:
        """Ask until the value can be used, and return the variable and its value. A file can have a secret.

        Return None if Slack does not know the client id, which comes before its secret.
        """
        in_file = SETTINGS[question.name].file_variable
        path = self.environ.get(in_file, "").strip()
        can_try_again = self.answers.at_terminal and not path
        while True:
            variable, value = (in_file, path) if path else (question.name, self.answers.answer(question))
            try:
                settings = self._settings({**others, variable: value})
            except SettingsError as error:
                if not can_try_again:
                    raise
                self._say(*error.problems)
                continue
            if can_try_again and not self._has_form(question, value):
                continue
            is_accepted = self.options.offline or self._is_accepted(question, settings)
            if is_accepted:
                return variable, value
            if not can_try_again:
                raise NotDoneError("Nothing was written.")
            if is_accepted is None:
                return None

    def _has_form(self, question: Question, value: str) -> bool:
        """Return whether a value looks like one of Slack's, or a person wants to use it nevertheless."""
        doubt = f"Slack's look like {question.example}, and this one does not. Use it?"
        return bool(re.fullmatch(question.form, value)) or self.answers.confirm(doubt, option="")

    def _is_accepted(self, question: Question, settings: Settings) -> bool | None:
        """Check a value, and return whether it can be used; None if not this one is wrong, but the client id."""
        check = self.run(_check(question, settings))
        if check is None:
            return True
        self._say(check_line(check))
        if check.finding.kind in {Wrong.NOT_SLACK, Wrong.NOT_ANCHOR}:  # no other value helps
            raise NotDoneError("Nothing was written.")
        if isinstance(check.finding.kind, Unanswered):
            return self.answers.confirm("It could not be checked. Use it?", option="--offline")
        if check.finding.values.get("code") == "invalid_client_id":
            return None
        return isinstance(check.finding.kind, Good | Questionable)

    def _write(self, variables: Mapping[str, str], *, replaces: bool) -> None:
        try:
            write_environment(self._file, variables, _COMMENT, replaces=replaces)
        except OSError as error:
            raise NotDoneError(f"{self._file} can't be written ({error.strerror}). Nothing was written.") from None
        self._say(f"Wrote {self._file}, which only you can read.\n")
        if names := self._sources.only_in_environment(variables):
            self._say(_NOT_WRITTEN.format(file=self._file, names=", ".join(names)))

    def _say(self, *sentences: str) -> None:
        for sentence in sentences:
            print(as_called(sentence), file=self.out, flush=True)


async def _check(question: Question, settings: Settings) -> Checked | None:
    async with open_client_session(settings.proxy) as session:
        return await Doctor(settings, "", session).check_setting(question.name)
