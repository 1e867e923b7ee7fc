"""The tests change nothing on the machine but temporary directories, and in CI do not run without a program."""

import os
from pathlib import Path

import pytest

import bot
from harness.databases import postgresql, query
from harness.programs import refuse_to_run_without


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
        data = (server.directory / "data").resolve()
    assert not server.directory.exists()
    assert not data.exists()


def test_in_ci_a_missing_program_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "0")
    refuse_to_run_without({"caddy": "apt install caddy"})
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.UsageError, match="caddy: apt install caddy"):
        refuse_to_run_without({"caddy": "apt install caddy"})
