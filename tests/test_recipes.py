"""The recipes of docs/senders.md and docs/automatic-pause.md: a bot gets each body as it stands on the page."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import bot
from conversations.test_alerts import TOKEN, takes_alerts
from harness import SESSION
from harness.conversation import until

pytestmark = pytest.mark.anyio

DOCS = Path(bot.__file__).parents[1] / "docs"
SENDERS, PAUSES = ((DOCS / f"{name}.md").read_text() for name in ("senders", "automatic-pause"))
DATADOG = {
    "$TAGS[session_id]": SESSION,
    "$EVENT_TITLE": "[Triggered] Agent over budget",
    "$TEXT_ONLY_MSG": "It spent 41.20 of 40.00.",
    "$LINK": "https://app.datadoghq.com/event/jump_to?event_id=123456",
    "$ALERT_CYCLE_KEY": "1234567890123456789",
}
"""Variables of Datadog, with values as in its documentation."""


def block(page: str, title: str, language: str, number: int = 0) -> str:
    """A block of code in a section of a page."""
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return blocks[number]


def of_function(title: str, name: str) -> Mapping[str, Any]:
    """The alert that the function of a recipe makes of the sender's body."""
    names: dict[str, Any] = {}
    exec(block(SENDERS, title, "python"), names)  # noqa: S102 - our own page
    return names[name](json.loads(block(SENDERS, title, "json")))  # type: ignore[no-any-return]


def of_call(page: str, title: str, number: int) -> Mapping[str, Any]:
    """The alert that a recipe sends with the function of the page."""
    sent: list[Mapping[str, Any]] = []
    exec(block(page, title, "python", number), {"send": sent.append})  # noqa: S102 - our own page
    return sent[0]


def of_datadog() -> Mapping[str, Any]:
    payload = block(SENDERS, "Datadog", "json")
    for variable, value in DATADOG.items():
        payload = payload.replace(variable, value)
    return json.loads(payload)  # type: ignore[no-any-return]


def of_curl() -> Mapping[str, Any]:
    (body,) = re.findall(r"-d '(.*?)'", block(SENDERS, "curl", "console"))
    return json.loads(body)  # type: ignore[no-any-return]


RECIPES = {
    "curl": of_curl(),
    "python": of_call(SENDERS, "Your own Python", 1),
    "datadog": of_datadog(),
    "sentry": of_function("Sentry", "sentry"),
    "pagerduty": of_function("PagerDuty", "pagerduty"),
    "cloudwatch": of_function("CloudWatch", "cloudwatch"),
    "brake": of_call(PAUSES, "Let an agent pull the brake", 0),
}


async def test_each_recipe_becomes_a_card_or_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are sent by the function of the page, which needs no package."""
    names: dict[str, Any] = {}
    exec(block(SENDERS, "Your own Python", "python"), names)  # noqa: S102 - our own page
    async with takes_alerts(AUTO_PAUSE="on", AUTO_PAUSE_TOKENS="default") as at:
        monkeypatch.setenv("ALERTS_URL", f"{at.bot.url}/alerts")
        monkeypatch.setenv("ALERTS_TOKEN", TOKEN)
        answers = {name: await asyncio.to_thread(names["send"], alert) for name, alert in RECIPES.items()}
        await until(lambda: [order.verb for order in at.orders] == ["pause"])
    assert {alert["session_id"] for alert in RECIPES.values()} == {SESSION}
    assert [name for name, answer in answers.items() if not answer["ok"] or "warnings" in answer] == []
    assert answers["brake"]["pause"] == "paused"
    assert [answer["count"] for answer in list(answers.values())[1:]] == [2, 3, 4, 5, 6, 7]
