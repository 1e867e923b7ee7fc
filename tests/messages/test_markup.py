"""Foreign text in Slack's mrkdwn: nothing in it can mention, link, hide or break out."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.markup import code, fit, link, one_line, plain, quoted, width

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


@given(st.text(st.sampled_from("<>&;🚨") | st.characters(), min_size=50), st.integers(1, 40))
def test_it_fits_as_it_is_written(text: str, limit: int) -> None:
    assert width(plain(text, limit=limit)) <= limit


PIECES = st.sampled_from(["a", " ", "\n", "🚨", "&amp;", "&lt;", "&gt;", "<@U0BOB000001>", "<https://a.example|Open>"])


@given(st.lists(PIECES, max_size=200), st.integers(1, 900))
def test_a_text_is_cut_between_characters_entities_and_links(pieces: list[str], limit: int) -> None:
    text = "".join(pieces)
    cut = fit(text, limit)
    assert width(cut) <= limit
    assert cut == text or cut.endswith("…")
    kept = cut if cut == text else cut.removesuffix("…")
    starts = {"".join(pieces[:count]).rstrip() for count in range(len(pieces) + 1)}
    assert kept in starts | {text}


def test_lines_become_one_and_families_stay_together() -> None:
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    assert plain(f" a\r\n\tb\u2028c {family} ") == f"a b c {family}"


@given(st.text(), st.integers(1, 200))
def test_lines_fit_as_they_are_written_and_stay_harmless(text: str, limit: int) -> None:
    written = quoted(text, limit=limit)
    assert width(written) <= limit
    assert not TOKEN.search(written)
    assert not set("`*~") & set(written)
    assert html.escape(html.unescape(written), quote=False) == written


def test_lines_keep_their_breaks_but_no_gaps() -> None:
    assert quoted("\r\n a  b \r\n\n\n\nc\n", limit=99) == "&gt; a b\n&gt; \n&gt; c"


def test_lines_are_cut_between_characters_and_say_so() -> None:
    assert quoted("a&&b", limit=17) == "&gt; a&amp;&amp;b"
    assert quoted("a&&b", limit=16) == "&gt; a&amp;…"
    assert quoted("a🚨🚨🚨", limit=11) == "&gt; a🚨🚨…"


def test_a_link_cannot_be_broken_out_of() -> None:
    assert link("https://a.example/?q=<b>|c&d=1", "Open") == "<https://a.example/?q=&lt;b&gt;%7Cc&amp;d=1|Open>"


@given(st.text(min_size=50), st.integers(1, 40))
def test_plain_text_is_one_line_of_the_given_length(text: str, limit: int) -> None:
    written = one_line(text, limit=limit)
    assert width(written) <= limit
    assert "\n" not in written
    assert one_line("abc" * limit, limit=limit).endswith("…")
