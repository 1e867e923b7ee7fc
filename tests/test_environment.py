"""The tests change nothing on the machine but temporary directories, and say which programs they miss."""

import os
from pathlib import Path
from typing import cast

import pytest

import bot
from harness.databases import postgresql, query
from harness.programs import PROGRAMS, leave_out, missing, needs, refuse_to_run_without


def modes_and_accounts() -> dict[str, object]:
    """The modes of the directories that a server of the tests could open for others, and the accounts."""
    places = (Path(bot.__file__), Path(os.__file__), Path.home() / "file", Path(pytest.__file__).with_name("file"))
    modes = {str(parent): parent.stat().st_mode for place in places for parent in place.parents if parent.exists()}
    return modes | {"accounts": Path("/etc/passwd").read_text(), "groups": Path("/etc/group").read_text()}


@pytest.mark.postgresql
def test_a_postgresql_changes_nothing_outside_its_directory_and_is_gone_at_the_end() -> None:
    before = modes_and_accounts()
    with postgresql() as server:
        url = server.new_database("first")
        server.stop_at_once()
        server.start()
        assert query(url, "SELECT count(*) FROM pg_user") == [(1,)]
        assert modes_and_accounts() == before
    assert not server.directory.exists()


class Test:
    """Stands for a collected test."""

    def __init__(self, *marks: pytest.MarkDecorator, fixtures: tuple[str, ...] = ()) -> None:
        self.marks = [mark.mark for mark in marks]
        self.fixturenames = fixtures

    __test__ = False

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        return [mark for mark in self.marks if mark.name == name]

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next(iter(self.iter_markers(name)), None)

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.append(mark.mark)


def test_what_needs_a_missing_program_is_one_skipped_test_with_the_reason() -> None:
    plain, caddy = Test(), [Test(needs("caddy", "curl")) for _ in range(3)]
    pages = [Test(fixtures=("browser",)) for _ in range(2)]
    items = cast("list[pytest.Item]", [plain, *caddy, *pages])
    assert leave_out(items, {}) == []
    removed = leave_out(items, {"caddy": "apt install caddy", "curl": "?", "chromium": "apt install chromium"})
    expected: tuple[list[object], list[object]] = ([plain, caddy[0], pages[0]], [*caddy[1:], pages[1]])
    assert (items, removed) == expected
    reasons = [mark.kwargs["reason"] for item in (caddy[0], pages[0]) for mark in item.iter_markers("skip")]
    assert reasons == [
        "caddy is missing, which 3 tests need (apt install caddy)",
        "chromium is missing, which 2 tests need (apt install chromium)",
    ]


def test_a_program_is_found_under_each_of_its_names(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}
    assert missing(environ).keys() >= PROGRAMS.keys()
    for program in PROGRAMS.values():
        for name in reversed(program.names):
            (tmp_path / name).touch(mode=0o755)
            assert program.find(environ) == str(tmp_path / name)
    assert missing(environ).keys() & PROGRAMS.keys() == set()


@pytest.mark.parametrize("value", ["1", "true", "", "0"])
def test_in_ci_a_missing_program_ends_the_run(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CI", value)
    refuse_to_run_without({})
    if value in {"", "0"}:
        refuse_to_run_without({"caddy": "apt install caddy"})
    else:
        with pytest.raises(pytest.UsageError, match="caddy: apt install caddy"):
            refuse_to_run_without({"caddy": "apt install caddy"})
