"""Commands of the command line in the process of the test: the doctor, and orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.cli import as_called
from bot.cli.doctor import examine
from bot.cli.main import parser
from bot.cli.orders import drill
from bot.cli.orders import give_order as order
from bot.config.settings import Settings
from bot.demo.sandbox import environment
from bot.messages.checks import Checked, CheckName, Finding, Kind, Unanswered, Wrong, check_line, exit_code
from harness.single_workspace import SingleHarness
from harness.snapshot import SNAPSHOT


@dataclass(frozen=True, slots=True)
class Examined:
    checks: list[Checked]

    @property
    def code(self) -> int:
        return exit_code(self.checks)

    @property
    def lines(self) -> list[str]:
        return [as_called(check_line(one)) for one in self.checks]

    def kind(self, name: CheckName, team_id: str = "") -> Kind:
        (kind,) = [one.finding.kind for one in self.checks if (one.name, one.team_id) == (name, team_id)]
        return kind

    def failures(self) -> dict[str, Kind]:
        failed = Wrong | Unanswered
        return {one.name: one.finding.kind for one in self.checks if isinstance(one.finding.kind, failed)}

    def has(self, name: CheckName, kind: Kind, team_id: str = "", /, **values: str) -> bool:
        return as_called(check_line(Checked(name, Finding(kind, values), team_id))) in self.lines


async def examined(environ: Mapping[str, str], *, env_file: Path = Path("no.env")) -> Examined:
    found = Examined([check async for check in examine(environ, env_file)])
    SNAPSHOT.saw(*found.lines)
    return found


def settings_of(at: SingleHarness, **changes: str) -> dict[str, str]:
    port = at.bot.url.rpartition(":")[2]
    return environment(at.slack, at.anchor, **{"PORT": port, "BASE_URL": at.bot.url, **changes})


async def give_order(settings: Settings, *arguments: str) -> int:
    return await order(parser().parse_args(arguments), settings)


async def drilled(settings: Settings, *arguments: str) -> int:
    return await drill(parser().parse_args(["drill", *arguments]), settings)
