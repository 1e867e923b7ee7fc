"""`anchor-bot doctor` beside a running bot, or without one."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli.doctor import examine
from bot.cli.parser import parser
from bot.core.checks import Checked, CheckName, Finding, Kind
from bot.demo.sandbox import environment
from bot.messages.checks import check_line
from bot.outbound.store.migrations import HEAD as DATABASE_HEAD
from harness.single_workspace import SingleHarness

__all__ = ["DATABASE_HEAD"]


@dataclass(frozen=True, slots=True)
class Examined:
    """The exit code, and the records of the checks by name and workspace."""

    code: int
    lines: list[str]
    records: Mapping[tuple[str, str], Mapping[str, Any]]

    def kind(self, name: CheckName, team_id: str = "") -> str:
        """What a check found."""
        return str(self.records[name, team_id]["code"])

    def failures(self) -> dict[str, str]:
        """The checks that did not end well, with what they found."""
        return {name: str(record["code"]) for (name, _), record in self.records.items() if record["status"] == "failed"}

    def has(self, name: CheckName, kind: Kind, team_id: str = "", /, **values: str) -> bool:
        """Whether there is the line of such a finding."""
        return check_line(Checked(name, Finding(kind, values), team_id)) in self.lines


async def examined(environ: Mapping[str, str], *arguments: str, env_file: Path = Path("no.env")) -> Examined:
    """Run the command for people and for programs, which must agree."""
    out, records = io.StringIO(), io.StringIO()
    code = await examine(parser().parse_args(["doctor", *arguments]), environ, env_file, out)
    assert await examine(parser().parse_args(["doctor", "--json", *arguments]), environ, env_file, records) == code
    found = json.loads(records.getvalue())
    assert found["exit_code"] == code
    lines = out.getvalue().splitlines()
    assert len(lines) == len(found["checks"])
    return Examined(code, lines, {(check["check"], check["workspace"]): check for check in found["checks"]})


def settings_of(at: SingleHarness, **changes: str) -> dict[str, str]:
    """The settings of the running bot, with a database in memory, its port and its URL; `changes` replace some."""
    port = at.bot.url.rpartition(":")[2]
    return environment(at.slack, at.anchor, **{"PORT": port, "BASE_URL": at.bot.url, **changes})
