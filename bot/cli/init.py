"""Ask for the settings one by one, check each at once, and write them to a file."""

import argparse
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TextIO

from bot.cli.doctor import Doctor, examine
from bot.cli.init_variables import Sources
from bot.cli.manifest import creation_link, manifest
from bot.cli.operators import NotDoneError
from bot.cli.questions import (
    BASE_URL,
    HTTP,
    MANY_WORKSPACES,
    ONE_WORKSPACE,
    SOCKET_MODE,
    Answers,
    Question,
)
from bot.cli.session_orders import open_client_session
from bot.config.addresses import is_public_url
from bot.config.env_file import read_environment, write_environment
from bot.config.env_reader import SettingsError
from bot.config.settings import Settings
from bot.core.checks import Checked, Good, Unanswered, Wrong
from bot.messages.checks import check_line
from bot.outbound.store.fields import new_key

_NOT_READ = "`anchor-bot run` reads .env in its working directory: give it the variables of {file} in its environment."
_NOT_WRITTEN = (
    "Taken from your environment, and not in {file}: {names}. `anchor-bot run` needs them in its environment, too.\n"
)
_REPAIR = "Wrote {file}; repair what is marked ✗ before you start the bot. `anchor-bot doctor` checks it again."
_COMMENT = "Settings of the bot, written by `anchor-bot init`."


class Init:
    """The command. `run` runs a coroutine to its end; `environ` are the variables outside of the file."""

    def __init__(
        self,
        options: argparse.Namespace,
        environ: Mapping[str, str],
        answers: Answers,
        run: Callable[[Coroutine[Any, Any, Any]], Any],
        out: TextIO,
    ) -> None:
        self._options = options
        self._file = Path(options.file)
        self._environ = environ
        self._sources = Sources({}, environ, answers.given)
        self._answers = answers
        self._run = run
        self._out = out

    def execute(self) -> int:
        """Ask, check and write, run the doctor, and return its exit code.

        Raises SettingsError or NotDoneError; then nothing was written.
        """
        before = self._before()
        self._sources = Sources(before or {}, self._environ, self._answers.given)
        base_url = self._options.http or self._public_url()
        text = manifest(base_url or None, many=self._options.many)
        self._say(f"Create the Slack app, if there is none yet:\n{creation_link(text)}\n")
        written = self._sources.written(self._ask_all(base_url))
        self._settings(written)
        self._write(written, replaces=before is not None)
        code = 0 if self._options.offline else self._examine()
        is_read = self._file.resolve() == Path(".env").resolve()
        if code:
            self._say(_REPAIR.format(file=self._file))
        elif is_read:
            self._say("Start the bot with: anchor-bot run")
        if not is_read:
            self._say(_NOT_READ.format(file=self._file))
        return code

    def _examine(self) -> int:
        options = argparse.Namespace(json=False, workspace=None)
        code: int = self._run(examine(options, self._environ, self._file, self._out, is_before_start=True))
        return code

    def _before(self) -> dict[str, str] | None:
        """Return the variables of the file that is to be replaced; None if there is none."""
        if not self._file.exists():
            return None
        question = f"{self._file} exists. Overwrite it? Its other settings are kept, its comments are not."
        if not (self._options.force or self._answers.confirm(question, option="--force")):
            raise NotDoneError(f"{self._file} is as it was.")
        return read_environment({}, self._file)

    def _public_url(self) -> str:
        while url := self._answers.public_url().rstrip("/"):
            if is_public_url(url):
                return url
            self._say("That is not an https URL without /slack/events. Use one like https://bot.example.com.")
        if self._options.many:
            raise NotDoneError("--many needs --http URL: browsers go there to install the app. Nothing was written.")
        return ""

    def _ask_all(self, base_url: str) -> dict[str, str]:
        """Return the variables, in the sequence in which they are asked for."""
        transport = HTTP if base_url else SOCKET_MODE
        questions = (*(MANY_WORKSPACES if self._options.many else ONE_WORKSPACE), transport)
        chosen = {BASE_URL.name: base_url} if base_url else {}
        if self._options.many:
            keys = self._sources.encryption_keys()
            chosen |= {"ENCRYPTION_KEYS": new_key().reveal()} if keys is None else keys
        placeholders = {one.name: one.placeholder for one in questions}
        self._settings(placeholders | chosen)
        for question in questions:
            del placeholders[question.name]
            variable, value = self._ask(question, placeholders | chosen)
            chosen[variable] = value
        return chosen

    def _settings(self, chosen: Mapping[str, str]) -> Settings:
        """Return the settings as they are so far. Raises SettingsError."""
        return Settings.from_env(self._sources.checked(chosen))

    def _ask(self, question: Question, others: Mapping[str, str]) -> tuple[str, str]:
        """Ask until the value can be used, and return the variable and its value. A file can have a secret."""
        in_file, path = self._sources.file_variable(question.name)
        can_try_again = self._answers.can_try_again and not path
        while True:
            variable, value = (in_file, path) if path else (question.name, self._answers.answer(question))
            try:
                settings = self._settings({**others, variable: value})
            except SettingsError as error:
                if not can_try_again:
                    raise
                self._say(*error.problems)
                continue
            if self._options.offline or self._is_accepted(question, settings):
                return variable, value
            if not can_try_again:
                raise NotDoneError("Nothing was written.")

    def _is_accepted(self, question: Question, settings: Settings) -> bool:
        """Check a value with Slack or Anchor; a person can accept it without."""
        check = self._run(_check(question, settings))
        if check is None:
            return True
        self._say(check_line(check))
        if check.finding.kind in {Wrong.NOT_SLACK, Wrong.NOT_ANCHOR}:  # no other value helps
            raise NotDoneError("Nothing was written.")
        if isinstance(check.finding.kind, Unanswered):
            return self._answers.confirm("It could not be checked. Use it?", option="--offline")
        return isinstance(check.finding.kind, Good)

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
            print(sentence, file=self._out, flush=True)


async def _check(question: Question, settings: Settings) -> Checked | None:
    async with open_client_session(settings.proxy) as session:
        return await Doctor(settings, "", session).check_setting(question.name)
