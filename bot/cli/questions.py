"""The questions of `anchor-bot init`, and who answers them: a person at a terminal, or the environment and stdin."""

import getpass
import io
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TextIO

from bot.cli.operators import NotDoneError
from bot.config.catalog import VARIABLES
from bot.config.env_file import parse_variables
from bot.config.env_reader import SettingsError
from bot.config.misspelling import find_misspelled, hint
from bot.messages.markup import printable


@dataclass(frozen=True, slots=True)
class Question:
    """A setting that is asked for; `where` says where people find it, `placeholder` stands for it until then."""

    name: str
    where: str
    placeholder: str
    is_secret: bool = True


ONE_WORKSPACE = (
    Question("SLACK_BOT_TOKEN", "your Slack app > Install App > Bot User OAuth Token, xoxb-…", "xoxb-0"),
    Question("ANCHOR_API_KEY", "Anchor's dashboard > API keys", "0"),
)
MANY_WORKSPACES = (
    Question("SLACK_CLIENT_ID", "your Slack app > Basic Information > Client ID", "0", is_secret=False),
    Question("SLACK_CLIENT_SECRET", "your Slack app > Basic Information > Client Secret", "0"),
)
SOCKET_MODE = Question(
    "SLACK_APP_TOKEN",
    "your Slack app > Basic Information > App-Level Tokens, with the scope connections:write, xapp-…",
    "xapp-0",
)
HTTP = Question("SLACK_SIGNING_SECRET", "your Slack app > Basic Information > Signing Secret", "0")
BASE_URL = Question("BASE_URL", "", "https://bot.example.com", is_secret=False)
_MOST_SHOWN = 500  # characters of a problem


class Answers(Protocol):
    """Somebody who answers questions."""

    def answer(self, question: Question) -> str:
        """Return the value of a setting. Raises NotDoneError if there is none."""

    def public_url(self) -> str:
        """Return the bot's public URL; "" for Socket Mode."""

    def confirm(self, question: str, *, option: str) -> bool:
        """Return whether to go on in spite of something, as `option` does without asking."""

    @property
    def can_try_again(self) -> bool:
        """Return whether another answer can follow a wrong one."""

    @property
    def given(self) -> Mapping[str, str]:
        """Return the variables that were given for the file, also of settings that are not asked for."""


class AtTerminal:
    """A person at a terminal. Secrets are not echoed; the environment answers first."""

    can_try_again = True
    given: Mapping[str, str] = MappingProxyType({})

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = dict(environ)

    def answer(self, question: Question) -> str:
        """Ask for a value, unless the environment has one that was not used yet. Raises NotDoneError on Ctrl-D."""
        if given := self._given.pop(question.name, ""):
            print(f"{question.name}: taken from the environment.")  # noqa: T201 - output of a command
            return given
        prompt = f"{question.name} ({question.where}): "
        try:
            return (getpass.getpass(prompt) if question.is_secret else input(prompt)).strip()
        except EOFError:
            raise NotDoneError("Nothing was written.") from None

    def public_url(self) -> str:
        """Ask how Slack's requests reach the bot."""
        return _ask("Public https URL at which Slack reaches the bot (press Enter for Socket Mode, which needs none): ")

    def confirm(self, question: str, *, option: str) -> bool:  # noqa: ARG002 - a person needs none
        """Ask a question, to which no answer means no."""
        return _ask(f"{question} [y/N] ").casefold() in {"y", "yes"}


class Given:
    """Values of the environment, and of lines NAME=value."""

    can_try_again = False

    def __init__(self, environ: Mapping[str, str], lines: TextIO | None) -> None:
        """Read all lines. Raises SettingsError if one is invalid or names no setting."""
        given = parse_variables(io.StringIO("" if lines is None else lines.read()), "stdin")
        _check_names(given)
        self.given = {name: value for name, value in given.items() if value.strip()}
        self._values = dict(environ) | given

    def answer(self, question: Question) -> str:
        """Return the given value."""
        value = self._values.get(question.name, "").strip()
        if not value:
            raise NotDoneError(
                f"{question.name} is not given ({question.where}). Set it in the environment, or give lines like "
                f"{question.name}=value to --stdin. Nothing was written."
            )
        return value

    def public_url(self) -> str:
        """Choose Socket Mode: --http was not given."""
        return ""

    def confirm(self, question: str, *, option: str) -> bool:
        """Refuse: there is nobody to ask."""
        raise NotDoneError(f"{question} Without a terminal, {option} means yes. Nothing was changed.")


def choose_answers(environ: Mapping[str, str], *, reads_stdin: bool) -> Answers:
    """Return who answers."""
    if reads_stdin or not sys.stdin.isatty():
        return Given(environ, sys.stdin if reads_stdin else None)
    return AtTerminal(environ)


def _check_names(given: Iterable[str]) -> None:
    """Raise SettingsError if a name is no setting."""
    unknown = sorted(set(given) - VARIABLES)
    hints = {name: hint(name, known) for name, known in find_misspelled(unknown)}
    sentences = [hints.get(name, f"{name} is no setting of the bot.") for name in unknown]
    if sentences:
        raise SettingsError(
            tuple(printable(f"{sentence} Nothing was written.", limit=_MOST_SHOWN) for sentence in sentences)
        )


def _ask(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""
