"""The measured sections of docs/performance.md: which applications and measures each has."""

from dataclasses import dataclass

from bench.applications import BOTS, PEERS, VARIANTS, Application
from bench.catalog import MEASURES


@dataclass(frozen=True, slots=True)
class Section:
    """The section of the page between the markers with its `name`; `applications` and `measures` are names."""

    name: str
    applications: tuple[str, ...]
    measures: tuple[str, ...]
    rounds: int = 5


def _names(*groups: tuple[Application, ...]) -> tuple[str, ...]:
    return tuple(application.name for group in groups for application in group)


_LONG = {"flat", "instructions"}
"""They take minutes for each application."""

SECTIONS = (
    Section("results", _names(BOTS, PEERS), tuple(one.name for one in MEASURES if one.name not in _LONG)),
    Section("long", _names(BOTS, PEERS), ("flat",), rounds=1),
    Section("instructions", (*_names(BOTS), "bolt-python-async", "limit"), ("instructions",), rounds=1),
    Section("variants", ("sqlite", "postgresql", *_names(VARIANTS)), ("memory", "message", "throughput", "click")),
)
"""The first one is measured if none is named."""
