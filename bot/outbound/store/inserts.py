"""INSERT with an ON CONFLICT clause, which each dialect has in a module of its own."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


class _Inserts(dict[str, Callable[[Table], "sqlite.Insert | postgresql.Insert"]]):
    """Functions that are loaded when they are used: a dialect takes 3 MB."""

    def __missing__(self, dialect: str) -> "Callable[[Table], sqlite.Insert | postgresql.Insert]":
        self[dialect] = import_module(f"sqlalchemy.dialects.{dialect}").insert
        return self[dialect]


INSERT: Mapping[str, Callable[[Table], "sqlite.Insert | postgresql.Insert"]] = _Inserts()
"""The functions, by the name of a dialect."""
