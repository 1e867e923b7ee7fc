"""Foreign text in Slack's mrkdwn: nothing in it can ping, link, hide or break out."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages.markup import code, plain

TOKEN = re.compile(r"<[^>]*>")


@given(st.text())
def test_no_markup_of_slacks_survives(text: str) -> None:
    for written in (plain(text), code(text)):
        assert not TOKEN.search(written)
        assert html.escape(html.unescape(written), quote=False) == written
        assert written.isprintable() or "\N{ZERO WIDTH JOINER}" in written
        assert "\n" not in written


@given(st.text())
def test_nothing_breaks_out_of_a_code_span(text: str) -> None:
    written = code(text)
    assert written.count("`") == 2
    assert len(written) > 2


@given(st.text(min_size=50), st.integers(1, 40))
def test_it_is_shortened_before_it_is_escaped(text: str, limit: int) -> None:
    assert len(html.unescape(plain(text, limit=limit))) <= limit


def test_families_stay_together() -> None:
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    assert plain(family) == family


def test_lines_become_one() -> None:
    assert plain(" a\r\n\tb\u2028c ") == "a b c"
