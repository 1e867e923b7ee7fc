"""The measured sections of docs/performance.md: which applications and measures each has."""

from dataclasses import dataclass

from bench.applications import BOTS, OLD, PEERS, VARIANTS, Application


@dataclass(frozen=True, slots=True)
class Section:
    """The section of the page between the markers with its `name`; `applications` and `measures` are names."""

    name: str
    applications: tuple[str, ...]
    measures: tuple[str, ...]
    rounds: int = 5


def _names(*groups: tuple[Application, ...]) -> tuple[str, ...]:
    return tuple(application.name for group in groups for application in group)


_ALL = _names(BOTS, PEERS)

SECTIONS = (
    Section(
        "results",
        ("http", "socket", "postgresql", *_names(OLD), "bolt-python-aiohttp", "bolt-python-httpx", "bolt-js", "limit"),
        ("memory", "rate", "click"),
        rounds=3,
    ),
    Section("idle", ("http", "socket", "postgresql", "socket-postgresql", "bolt-js"), ("idle",), rounds=1),
    Section("throughput", _ALL, ("throughput", "together", "burst", "workspaces", "person")),
    Section("variants", ("sqlite", "postgresql", *_names(VARIANTS)), ("memory", "rate", "throughput", "click", "busy")),
    Section("instructions", (*_names(BOTS), "bolt-python-aiohttp", "limit"), ("instructions",), rounds=1),
    Section("long", _ALL, ("flat",), rounds=1),
)
"""The first one is measured if none is named."""
