"""Payloads as Slack and Anchor send them, in tests/samples."""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())
