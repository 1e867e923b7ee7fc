"""The arguments of commands about orders, as they are read."""

import argparse
import time

import pytest

from bot.cli.parser import add_journal


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)]
)
def test_a_duration_is_as_long_as_it_says(text: str, seconds: int) -> None:
    parser = argparse.ArgumentParser()
    add_journal(parser.add_subparsers())
    before = time.time()
    since = parser.parse_args(["journal", "--since", text]).since
    assert before - seconds <= since <= time.time() - seconds
