"""The alert rules and the dashboard in deploy/: with the real promtool, and with the names that the bot exports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import bot
from bot.sim.local_server import free_port
from harness.process import fetch, read, run_command, single_workspace_process
from harness.programs import needs

pytestmark = pytest.mark.anyio

DEPLOY = Path(bot.__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus-rules.yml"
TESTS = DEPLOY / "prometheus-rules-test.yml"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
NAME = re.compile(r"\b(?:anchor_bot|process)_\w+")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


@needs("promtool")
async def test_each_rule_fires_when_it_should_and_only_then() -> None:
    assert f"{len(rules())} rules found" in await run_command("promtool", "check", "rules", RULES)
    await run_command("promtool", "test", "rules", TESTS)
    cases = [
        (check["alertname"], bool(check["exp_alerts"]))
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for check in test["alert_rule_test"]
    ]
    assert set(cases) == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


async def test_the_rules_and_the_dashboard_name_each_metric_that_there_is_and_no_other() -> None:
    """In Socket Mode there are the most."""
    port = free_port()
    async with single_workspace_process({"METRICS_PORT": str(port)}, socket_mode=True) as at:
        await at.command()
        exported = read(await fetch(f"http://127.0.0.1:{port}/metrics")).names
    texts, panels = [rule["expr"] for rule in rules()], json.loads(DASHBOARD.read_text())["panels"]
    texts += [target["expr"] for panel in panels for target in panel["targets"]]
    assert [panel["title"] for panel in panels if not panel["description"]] == []
    named = {name for text in texts for name in NAME.findall(text)}
    assert named - exported == set()
    ours = {name for name in exported if name.startswith("anchor_bot")}
    assert {family(name) for name in ours} == {family(name) for name in named if name.startswith("anchor_bot")}


def family(name: str) -> str:
    return re.sub("_(?:bucket|count|sum)$", "", name)
