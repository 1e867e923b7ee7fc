"""Read the Dockerfile: the instructions of each stage, of which the first is its FROM, and their arguments."""

import json
import re
from pathlib import Path

Stage = list[tuple[str, str]]


def read_stages(path: Path) -> list[Stage]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    stages: list[Stage] = []
    for line in filter(None, re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()):
        name, _, arguments = line.partition(" ")
        stages += [[]] if name == "FROM" else []
        stages[-1].append((name, arguments))
    return stages


def all_of(stage: Stage, name: str) -> list[str]:
    return [arguments for one, arguments in stage if one == name]


def environment_of(stage: Stage) -> dict[str, str]:
    return dict(word.split("=", 1) for arguments in all_of(stage, "ENV") for word in arguments.split())


def health_check(stage: Stage) -> list[str]:
    (check,) = all_of(stage, "HEALTHCHECK")
    return list(json.loads(check.partition("CMD ")[2]))
