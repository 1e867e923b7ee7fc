"""A secret does not show, however it is printed; a token is recognised by its digest alone."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.fields import Secret, digest, is_token


def test_a_secret_is_hidden_unless_it_is_revealed() -> None:
    secret = Secret("sk-hidden")
    assert "sk-hidden" not in f"{secret} {secret!r} {[secret]} {secret=}"
    assert secret.reveal() == "sk-hidden"
    assert secret == Secret("sk-hidden")


@given(st.text(), st.text())
def test_only_the_token_itself_is_accepted(token: str, other: str) -> None:
    assert is_token(other, digest(token)) is (token == other)
    assert is_token(token, digest(token))
    assert not is_token(token, None)
    assert not is_token(token, "")
