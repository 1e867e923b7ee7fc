"""Commands of the command line in the process of the test: the doctor, and orders."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli import as_called
from bot.cli.doctor import examine
from bot.cli.drill import drill
from bot.cli.orders import give_order as order
from bot.cli.parser import parser
from bot.config.settings import Settings
from bot.demo.sandbox import environment
from bot.messages.checks import Checked, CheckName, Finding, Kind, check_line
from harness.single_workspace import SingleHarness
from harness.snapshot import SNAPSHOT

_KINDS = {kind.code: kind for kinds in Kind.__subclasses__() for kind in kinds}


@dataclass(frozen=True, slots=True)
class Examined:
    code: int
    lines: list[str]
    records: Mapping[tuple[str, str], Mapping[str, Any]]

    def kind(self, name: CheckName, team_id: str = "") -> Kind:
        return _KINDS[self.records[name, team_id]["code"]]

    def failures(self) -> dict[str, Kind]:
        failed = {name: one["code"] for (name, _), one in self.records.items() if one["status"] == "failed"}
        return {name: _KINDS[code] for name, code in failed.items()}

    def has(self, name: CheckName, kind: Kind, team_id: str = "", /, **values: str) -> bool:
        return as_called(check_line(Checked(name, Finding(kind, values), team_id))) in self.lines


async def examined(environ: Mapping[str, str], *arguments: str, env_file: Path = Path("no.env")) -> Examined:
    """Run the command for people and for programs, which must agree."""
    out, records = io.StringIO(), io.StringIO()
    code = await examine(parser().parse_args(["doctor", *arguments]), environ, env_file, out)
    assert await examine(parser().parse_args(["doctor", "--json", *arguments]), environ, env_file, records) == code
    found = json.loads(records.getvalue())
    assert found["exit_code"] == code
    lines = out.getvalue().splitlines()
    SNAPSHOT.saw(*lines)
    assert len(lines) == len(found["checks"])
    return Examined(code, lines, {(check["check"], check["workspace"]): check for check in found["checks"]})


def settings_of(at: SingleHarness, **changes: str) -> dict[str, str]:
    port = at.bot.url.rpartition(":")[2]
    return environment(at.slack, at.anchor, **{"PORT": port, "BASE_URL": at.bot.url, **changes})


async def give_order(settings: Settings, *arguments: str) -> int:
    return await order(parser().parse_args(arguments), settings)


async def drilled(settings: Settings, *arguments: str) -> int:
    return await drill(parser().parse_args(["drill", *arguments]), settings)
