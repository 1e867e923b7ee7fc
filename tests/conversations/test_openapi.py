"""docs/openapi.yaml describes the requests that the bot takes, and all of its answers."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from jsonschema import Draft202012Validator

from bot.sim.slack import Fault, api_error, rate_limited
from harness import SESSION, SingleHarness, single_workspace

DOCS = Path(__file__).parents[2] / "docs"
SPEC: Mapping[str, Any] = yaml.safe_load((DOCS / "openapi.yaml").read_text())
TOKEN = "s3cret-of-the-alerts-that-can-pause"
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute."}
ABOUT = {"title": "High spend", "severity": "critical", "url": "https://spend.example/1", "channel": "C0ALERTS001"}
FIRED = {"status": "firing", "fingerprint": "f", "action": "pause", "starts_at": "2026-11-29T10:00:00Z"}
WHOLE = ALERT | ABOUT | FIRED | {"fields": {"spent": 40, "of": "$5"}}
FIRING = {"status": "firing", "labels": {"alertname": "High", "session_id": SESSION}, "annotations": {}}
WEBHOOK = {"version": "4", "alerts": [FIRING | {"startsAt": "2026-11-29T10:00:00Z", "fingerprint": "f"}]}
LARGE = b'"' + b"x" * (4 << 20) + b'"'


def parts(pointer: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of the description, also one that is named elsewhere."""
    found: Any = SPEC
    for name in pointer["$ref"].split("/")[1:] if "$ref" in pointer else ():
        found = found[name]
    return found if "$ref" in pointer else pointer


def errors(schema: Mapping[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": SPEC["components"]}
    return [one.message for one in Draft202012Validator(whole).iter_errors(value)]


def schema_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = parts(part)["content"]["application/json"]["schema"]
    return schema


async def answer(at: SingleHarness, path: str, body: object, **headers: str) -> tuple[int, dict[str, object]]:
    """Send a request; the answer must be one that the description has."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"} | headers
    async with (
        aiohttp.ClientSession() as session,
        session.post(at.bot.url + path, data=io.BytesIO(data), headers=own) as response,
    ):
        text, status = await response.read(), response.status
    pattern = {re.sub(r"\{\w+\}", "[TE][A-Z0-9]+", route): operation for route, operation in SPEC["paths"].items()}
    (operation,) = (one["post"] for route, one in pattern.items() if re.fullmatch(route, path))
    described = parts(operation["responses"][str(status)])
    if "content" not in described:
        return status, {}
    parsed = json.loads(text)
    assert errors(schema_of(described), parsed) == []
    for name, header in described.get("headers", {}).items():
        assert errors(header["schema"], response.headers[name]) == []
    is_valid = not isinstance(body, bytes) and errors(schema_of(operation["requestBody"]), body) == []
    assert is_valid or status in {400, 401}
    return status, parsed


def takes_alerts(**settings: str) -> Any:
    pauses = {"AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
    own = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"} | pauses | settings
    return single_workspace(**own)  # type: ignore[arg-type]


async def test_the_answers_to_alerts_are_those_of_the_description() -> None:
    async with takes_alerts() as at:
        first = await answer(at, "/alerts", ALERT | {"unknown": 1})
        assert (first[0], first[1].keys() & {"ts", "warnings"}) == (200, {"ts", "warnings"})
        status, whole = await answer(at, "/alerts", WHOLE)
        assert (status, "ts" in whole, whole["pause"], whole.get("warnings")) == (200, True, "Paused", None)
        assert [(await answer(at, "/alerts", ALERT))[1].get("count") for _ in range(2)] == [None, 4]
        other = ALERT | {"session_id": "0" * 32}
        assert (await answer(at, "/alerts", other | {"status": "resolved"}))[1]["ignored"]
        bad: list[object] = [{}, [], b"{", LARGE[: 1 << 10], ALERT | {"session_id": "x"}]
        assert {(await answer(at, "/alerts", one))[0] for one in bad} == {400}
        assert (await answer(at, "/alerts", ALERT, Authorization="Bearer x"))[0] == 401
        assert (await answer(at, "/alerts", LARGE))[0] == 400
        assert (await answer(at, "/alerts", ALERT, **{"Content-Encoding": "gzip"}))[0] == 400
        assert (await answer(at, f"/alerts/{at.workspace.team_id}", ALERT))[0] == 404


@pytest.mark.parametrize(
    ("fault", "status"), [(rate_limited(9, times=1), 202), (api_error("channel_not_found"), 400)], ids=["202", "400"]
)
async def test_the_answers_while_slack_takes_nothing_are_described(fault: Fault, status: int) -> None:
    async with takes_alerts() as at:
        at.slack.faults["chat.postMessage"] = fault
        assert (await answer(at, "/alerts", WHOLE))[0] == status


async def test_the_answers_to_webhooks_are_those_of_the_description() -> None:
    async with takes_alerts() as at:
        status, taken = await answer(at, "/alerts/alertmanager", WEBHOOK)
        assert (status, taken["taken"], "warnings" in taken) == (200, 1, False)
        status, taken = await answer(at, "/alerts/alertmanager", {"version": "1", "alerts": [{"status": "firing"}]})
        assert (status, taken["taken"], "warnings" in taken) == (200, 0, True)
        assert {(await answer(at, "/alerts/alertmanager", one))[0] for one in ({"version": "9"}, b"{")} == {400}
        assert (await answer(at, "/alerts/alertmanager", WEBHOOK, Authorization="Basic eDp4"))[0] == 401
    async with takes_alerts(ALERTS_CHANNEL="", ALERTS_CHANNELS="C0ALERTS001", AUTO_PAUSE="off") as at:
        assert (await answer(at, "/alerts/alertmanager", WEBHOOK))[0] == 503


def table(page: str, first: str) -> Iterator[str]:
    """The first column of a table of docs/alerts.md that begins with this row."""
    rows = page.partition(f"\n| `{first}` |")[2].partition("\n\n")[0]
    yield from (
        name for row in f"| `{first}` |{rows}".splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    )


def test_the_description_has_the_fields_and_words_of_the_page_and_of_the_code() -> None:
    schemas = SPEC["components"]["schemas"]
    assert schemas["Alert"]["properties"].keys() == set(table((DOCS / "alerts.md").read_text(), "session_id"))
    assert WHOLE.keys() == schemas["Alert"]["properties"].keys()
    rows = re.findall(r"^\| (\d.*?) \|", (DOCS / "alerts.md").read_text(), re.MULTILINE)
    statuses = {status for row in rows for status in row.split(", ")}
    assert SPEC["paths"]["/alerts"]["post"]["responses"].keys() == statuses
