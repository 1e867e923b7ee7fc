"""A token is recognised by its digest alone."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.digest import digest, is_token


def test_a_digest_is_sha_256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.text(), st.text())
def test_only_the_token_itself_is_taken(token: str, other: str) -> None:
    assert is_token(other, digest(token)) is (token == other)


@given(st.text())
def test_where_there_is_no_token_none_is_taken(given_token: str) -> None:
    assert not is_token(given_token, None)
    assert not is_token(given_token, "")


def test_what_is_no_utf_8_has_a_digest_all_the_same() -> None:
    assert digest("\udcff") != digest("\ufffd")
