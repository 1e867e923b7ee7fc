"""Remembering what was seen, for a while."""

from bot.once import Once


def test_a_key_is_first_once_and_again_when_it_is_forgotten() -> None:
    time = 0.0
    once = Once(period=10.0, clock=lambda: time)
    assert once.first("a")
    time = 5.0
    assert once.first("b")
    time = 9.9
    assert not once.first("a")
    time = 10.0
    assert once.first("a")
    assert not once.first("b")


def test_what_is_forgotten_takes_no_room() -> None:
    time = 0.0
    once = Once(period=10.0, clock=lambda: time)
    for number in range(100):
        time = float(number)
        once.first(str(number))
    assert len(once) == 10
