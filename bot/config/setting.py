"""The description of a setting, and of settings that belong together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting. A `default` that depends on something is in the `description`.

    A secret can also be given as a file, by the variable `file_variable`.
    """

    name: str
    description: str
    default: str = ""
    is_required: bool = False
    is_secret: bool = False

    @property
    def file_variable(self) -> str:
        """Return the name of the variable that names a file with the value."""
        return f"{self.name}_FILE"

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of the variables that can give the value."""
        return (self.name, self.file_variable) if self.is_secret else (self.name,)


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that belong together, and a note on all of them."""

    title: str
    settings: tuple[Setting, ...]
    note: str = ""
