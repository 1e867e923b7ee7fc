"""Typographic, marked and invisible characters in session ids, and the time that any text takes."""

import time
import unicodedata
from collections.abc import Callable

import pytest

from bot.core.session_ids import Found, find_session_id
from harness import SESSION
from harness.product import SessionId
from harness.values import PARSERS

MARKS = ("Mn", "Mc", "Me")


def normalized(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def has_marks(text: str) -> bool:
    return any(unicodedata.category(character) in MARKS for character in text)


def test_each_character_counts_as_what_unicode_says_that_it_stands_for() -> None:
    """Beside an id, a character can be part of it, part of a word with it, or neither."""
    differ = [character for character in map(chr, range(0x110000)) if normalized(character) != character]
    found = {
        character
        for character in differ
        if not has_marks(character + normalized(character)) and not character.isspace() and normalized(character) != "%"
        for written in (SESSION + character, character + SESSION, SESSION[:8] + character + SESSION[9:])
        if type(find_session_id(written)) is not type(find_session_id(normalized(written).replace(" ", "_")))
    }
    assert found == set()


@pytest.mark.parametrize("written", ["\u0301".join(SESSION), SESSION + "\u0301" * 39_000, "\ufe0f" + SESSION])
def test_marks_hide_no_id(written: str) -> None:
    assert find_session_id(written) == Found(SessionId(SESSION), "")


def test_an_escape_of_a_huge_number_is_a_text() -> None:
    assert find_session_id(f"{SESSION} &#{'1' * 5_000};") == Found(SessionId(SESSION), f"&#{'1' * 5_000};")


HOSTILE = {
    "marks": "\u0301",
    "a character that stands for eighteen": "\ufdfa",
    "different marks": "a\u0301\u0316\u0334",
    "words of one character": "é ",
    "words of characters that stand for two": "㎏㎏㎏㎏㎏㎏ ",
    "escapes": "&amp;",
    "percent": "%41 ",
    "hexadecimal digits": "a",
    "groups of digits": "aaaaaaaa-",
    "links": "<a:b|c>",
    "links that do not end": "<a:",
    "ids": f"{SESSION} ",
}


def seconds(parse: Callable[[str], object], text: str) -> float:
    """The processor time that parsing takes."""
    began = time.process_time()
    parse(text)
    return time.process_time() - began


@pytest.mark.parametrize("parser", PARSERS)
def test_the_longest_text_takes_a_short_time_whatever_it_consists_of(parser: str) -> None:
    """It takes about 10 ms, and would take minutes if the time were not linear."""
    parse, longest = PARSERS[parser]
    took = {kind: seconds(parse, (unit * longest)[:longest]) for kind, unit in HOSTILE.items()}
    assert {kind: one for kind, one in took.items() if one > 0.5} == {}
