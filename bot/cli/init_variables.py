"""Decide with which variables `anchor-bot init` checks, and which it writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.cli.questions import BASE_URL, HTTP, MANY_WORKSPACES, ONE_WORKSPACE, SOCKET_MODE
from bot.config.catalog import SETTINGS, VARIABLES

_ASKED = {
    variable
    for question in (*ONE_WORKSPACE, *MANY_WORKSPACES, SOCKET_MODE, HTTP, BASE_URL)
    for variable in SETTINGS[question.name].variables
}
_KEYS = SETTINGS["ENCRYPTION_KEYS"].variables


@dataclass(frozen=True, slots=True)
class Sources:
    """Variables by where they come from: the old file, the environment, and those `given` for the new file."""

    old: Mapping[str, str]
    environ: Mapping[str, str]
    given: Mapping[str, str]

    def checked(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with which the answers that are `chosen` so far are checked."""
        others = self._kept() | dict(self.environ) | dict(self.given)
        return {name: value for name, value in others.items() if name not in _ASKED} | dict(chosen)

    def written(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of the new file: the answers first."""
        others = self._kept() | dict(self.given)
        return dict(chosen) | {name: value for name, value in others.items() if name not in chosen}

    def only_in_environment(self, written: Mapping[str, str]) -> list[str]:
        """Return the names of the settings that the new file has not, or has with another value."""
        values = {name: value.strip() for name, value in self.environ.items() if name in VARIABLES}
        return sorted(name for name, value in values.items() if value and written.get(name) != value)

    def file_variable(self, name: str) -> tuple[str, str]:
        """Return the variable that can name a file with this setting, and its value or ""."""
        variable = SETTINGS[name].file_variable
        return variable, (self.given.get(variable) or self.environ.get(variable, "")).strip()

    def encryption_keys(self) -> dict[str, str] | None:
        """Return the keys of the old file, which decrypt the database, if no others are given; None without any."""
        kept = {name: value for name, value in self._kept().items() if name in _KEYS and value}
        others = dict(self.environ) | dict(self.given)
        return kept if kept or any(others.get(name) for name in _KEYS) else None

    def _kept(self) -> dict[str, str]:
        """Return the variables of the old file that are not asked for, without settings that are given."""
        replaced = _ASKED | set(_variables_of(self.given))
        return {name: value for name, value in self.old.items() if name not in replaced}


def _variables_of(names: Iterable[str]) -> Iterable[str]:
    """Yield all variables of the settings to which the variables `names` belong."""
    for setting in SETTINGS.values():
        if not set(setting.variables).isdisjoint(names):
            yield from setting.variables
