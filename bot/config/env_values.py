"""The values of variables: those of secrets can be in files, as container platforms and systemd provide them."""

from collections.abc import Mapping
from pathlib import Path

from bot.config.catalog import SETTINGS
from bot.config.misspelling import find_misspelled, hint

_MAX_BYTES = 64 * 1024


class EnvValues:
    """The stripped values in `environ`, and the first of the problems of each variable, by its name."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: dict[str, str] = {}
        self._environ = environ
        self._from_files: dict[str, str] = {}

    def get(self, name: str) -> str:
        """Return the value of a variable, or "" if it is blank, not set, or a problem is reported instead."""
        if name in SETTINGS and SETTINGS[name].is_secret and name not in self._from_files:
            self._from_files[name] = self._read_file(name, SETTINGS[name].file_variable)
        return self._from_files.get(name) or self.plain(name)

    def is_set(self, name: str) -> bool:
        """Return whether a setting has a value, or names a file."""
        return any(map(self.plain, SETTINGS[name].variables))

    def plain(self, variable: str) -> str:
        """Return the value of a variable, whatever is in a file."""
        return self._environ.get(variable, "").strip()

    def report(self, name: str, problem: str) -> None:
        """Record the problem of a setting, as the end of a sentence that begins with its name."""
        source = f" (from {SETTINGS[name].file_variable})" if self._from_files.get(name) else ""
        self.problems.setdefault(name, f"{name}{source} {problem}")

    def report_unset(self, name: str, remedy: str, *alternatives: str) -> None:
        """Record that a setting is not set, with hints about variables that misspell it or one of `alternatives`."""
        meant = {variable for one in (name, *alternatives) for variable in SETTINGS[one].variables}
        hints = [hint(found, known) for found, known in find_misspelled(self._environ) if known in meant]
        self.report(name, " ".join(["is not set.", remedy, *hints]))

    def _read_file(self, name: str, variable: str) -> str:
        """Return the content of the file that a variable names, or "" if it names none, or none that can be read."""
        path = self.plain(variable)
        if path and self.plain(name):
            self.problems[name] = f"{name} and {variable} are both set. Remove one of them."
        elif path:
            try:
                return _read(path)
            except _BadFileError as error:
                self.problems[name] = f"{variable} {error}."
        return ""


class _BadFileError(Exception):
    """The file has no usable content. The text does not repeat the path: it may be the secret, by mistake."""


def _read(path: str) -> str:
    """Return the content without the line break at its end. Raises _BadFileError."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path, or a file that is not UTF-8
        why = getattr(error, "strerror", None) or "it is not text"
        raise _BadFileError(f"names a file that can't be read ({why}). Name a readable file") from None
    if not text or len(content) > _MAX_BYTES:
        problem = "an empty file" if not text else f"a file of over {_MAX_BYTES} bytes"
        raise _BadFileError(f"names {problem}. Name a file that has nothing but the value")
    return text
