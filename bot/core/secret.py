"""A secret that cannot be printed by accident."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key or token. Only `reveal()` gives the text; `repr`, `str` and formatting hide it."""

    _value: str

    def reveal(self) -> str:
        """The secret itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"
