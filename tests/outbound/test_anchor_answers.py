"""What Anchor's answer to a harmless question says about the key that asked it."""

import pytest

from bot.core.administration import KeyNotTaken, KeyNotTried
from bot.outbound.anchor_answers import read_key_status


@pytest.mark.parametrize("status_code", [401, 403])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": {"message": "no"}}'])
def test_a_refused_key_is_refused_whatever_else_is_said(status_code: int, body: bytes) -> None:
    assert read_key_status(status_code, body) == KeyNotTaken(status_code)


@pytest.mark.parametrize("body", [b"{}", b'{"data": {"count": 0, "items": []}}', b'{"data": null}'])
def test_an_answer_of_anchors_is_a_good_key(body: bytes) -> None:
    assert read_key_status(200, body) is None


@pytest.mark.parametrize(
    ("status_code", "body"),
    [
        (200, b"<html>"),
        (200, b'{"error": {"message": "no"}}'),
        (200, b"[]"),
        (204, b""),
        (404, b'{"error": {"message": "no"}}'),
        (429, b""),
        (500, b'{"error": {"message": "no"}}'),
        (503, b""),
    ],
)
def test_any_other_answer_says_nothing_about_the_key(status_code: int, body: bytes) -> None:
    assert read_key_status(status_code, body) == KeyNotTried(status_code)
