"""Payloads as Slack and Anchor send them, in tests/samples."""

import json
from pathlib import Path
from typing import Any

from bot.inbound.slack.request import pick

Json = dict[str, Any]

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def picked(payload: dict[str, Any]) -> dict[str, Any]:
    kind = "command" if "command" in payload else "event" if "event" in payload else "interaction"
    return pick(kind, payload)
