"""Lists of parameters, of few lengths: each connection keeps the statement of each length prepared."""

from collections.abc import Iterable
from typing import TypeVar

_T = TypeVar("_T")


def padded(values: Iterable[_T]) -> list[_T]:
    """Return the values for an `IN`: the last one is repeated up to a length that is a power of two."""
    listed = list(values)
    missing = (1 << (len(listed) - 1).bit_length()) - len(listed) if listed else 0
    return listed + listed[-1:] * missing
