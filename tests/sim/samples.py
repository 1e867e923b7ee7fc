"""Slack's own payloads and answers, as they were documented or seen."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Json:
    read: Json = json.loads((_SAMPLES / f"{name}.json").read_text())
    return read
