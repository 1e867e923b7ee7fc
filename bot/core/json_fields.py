"""Read fields of JSON that other systems send: a value of another type than expected counts as absent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """Parse a JSON object; return None if the text is anything else."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def text_field(holder: object, name: str) -> str:
    """Return a string field of an object; "" if it is absent."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else ""


def object_field(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object field; {} if it is absent."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def object_list_field(holder: Mapping[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    """Return the objects in a list field; () if it is absent."""
    value = holder.get(name)
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def objects_in(value: object) -> Iterator[dict[str, Any]]:
    """Yield every object in JSON, at any depth."""
    values = [value]
    while values:
        one = values.pop()
        if isinstance(one, dict):
            yield one
            values.extend(one.values())
        elif isinstance(one, list):
            values.extend(one)
