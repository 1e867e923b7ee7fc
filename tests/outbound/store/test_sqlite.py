"""The file of somebody else, at the path of ours, is not written."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.outbound.store.sqlite import SqliteDriver
from harness.product import errors


@pytest.mark.parametrize("theirs", [b"theirs", b""])
def test_a_file_that_takes_the_place_of_ours_during_connecting_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: bytes
) -> None:
    file, connect = tmp_path / "bot.db", sqlite3.connect
    driver = SqliteDriver(file)
    first = driver.open()
    first.execute("CREATE TABLE own (id)")

    def replace_and_connect(*args: Any, **options: Any) -> Any:
        file.rename(tmp_path / "moved.db")
        file.write_bytes(theirs)
        return connect(*args, **options)

    monkeypatch.setattr(sqlite3, "connect", replace_and_connect)
    with pytest.raises(errors.StoreUnreachableError):
        driver.open()
    assert file.read_bytes() == theirs
    first.close()
