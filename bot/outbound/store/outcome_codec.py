"""Write an outcome into the columns of its order, and read it back."""

import dataclasses
import json
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from bot.core import outcomes
from bot.outbound.store.errors import UnreadableError

_TYPES: dict[str, Callable[..., outcomes.Outcome]] = {one.__name__: one for one in get_args(outcomes.Outcome)}
_hints_of = cache(get_type_hints)


def write_outcome(outcome: outcomes.Outcome) -> tuple[str, str]:
    """Return the name of the outcome's type, and its fields as JSON."""
    fields = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    return type(outcome).__name__, json.dumps(fields, default=sorted)


def read_outcome(name: str, fields: str) -> outcomes.Outcome:
    """Decode an outcome. Raises UnreadableError for one of another version of the bot."""
    try:
        read, outcome_type = json.loads(fields), _TYPES[name]
        hints = _hints_of(outcome_type)
        return outcome_type(**{key: _as_field(hints[key], value) for key, value in read.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError(f"this version cannot read the outcome {name}") from None


def _as_field(hint: object, value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    """Return the value of a field: JSON has no enums and no sets."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return frozenset(value) if get_origin(hint) is frozenset else value
