"""Read the Dockerfile: its instructions, stage by stage."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_CONTINUED = re.compile(r"\\\n\s*")


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    arguments: str

    @property
    def words(self) -> list[str]:
        return self.arguments.split()


def read_stages(path: Path) -> list[list[Instruction]]:
    """Return the instructions of each stage; the first is its FROM."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    stages: list[list[Instruction]] = []
    for line in _CONTINUED.sub("", "\n".join(lines)).splitlines():
        if line:
            name, _, arguments = line.partition(" ")
            stages += [[]] if name == "FROM" else []
            stages[-1].append(Instruction(name, arguments))
    return stages


def all_of(stage: list[Instruction], name: str) -> Iterator[Instruction]:
    return (one for one in stage if one.name == name)


def environment_of(stage: list[Instruction]) -> Mapping[str, str]:
    pairs = (word.partition("=") for one in all_of(stage, "ENV") for word in one.words)
    return {name: value for name, _, value in pairs}


def health_check(stage: list[Instruction]) -> list[str]:
    (check,) = all_of(stage, "HEALTHCHECK")
    return list(json.loads(check.arguments.partition("CMD ")[2]))
