"""A secret does not show, whatever it is printed with."""

from bot.core.secret import Secret


def test_it_is_hidden_but_from_the_one_who_asks() -> None:
    secret = Secret("sk-hidden")
    assert "sk-hidden" not in f"{secret} {secret!r} {[secret]} {secret=}"
    assert secret.reveal() == "sk-hidden"
    assert secret == Secret("sk-hidden")
