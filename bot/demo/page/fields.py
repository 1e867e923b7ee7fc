"""The fields of an order from the page, each checked for its type."""

from collections.abc import Mapping

Order = Mapping[str, object]
Entry = str | list[str]
"""What somebody typed or chose: a text, an id, the value of an option, or several of them."""


class BadOrderError(Exception):
    """The page asked for something that there is not; the text says what."""


def text(order: Order, name: str) -> str:
    """Read a text; empty if it is left out."""
    value = order.get(name, "")
    if not isinstance(value, str):
        raise BadOrderError(f"{name} must be a text.")
    return value


def choice(order: Order, name: str) -> Entry | None:
    """Return the choice; None if there was nothing to choose."""
    value = order.get(name)
    return None if value is None else _entry(value, name)


def entries(order: Order, name: str) -> dict[str, Entry]:
    """Return the typed and chosen values by block_id."""
    value = order.get(name, {})
    if not isinstance(value, dict):
        raise BadOrderError(f"{name} must be an object.")
    return {str(block_id): _entry(entry, name) for block_id, entry in value.items()}


def _entry(value: object, name: str) -> Entry:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise BadOrderError(f"{name} must be a text, or several.")
