"""What simulated Slack objects to in a text's markup, and how people read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.slack.markup import plain, problems
from bot.sim.slack.rules import Rule

AMPERSAND, BRACKET, BROADCAST = Rule.RAW_AMPERSAND, Rule.RAW_ANGLE_BRACKET, Rule.BROADCAST


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("a &amp; b &lt;c&gt; *now* `x`", []),
        ("<@U0ALICE0001> <@W0ALICE0001|alice> <#C0ALERTS001|alerts> <#C0ALERTS001|>", []),
        ("<https://a.example/?b=c&amp;d=e> <https://a.example|there> <mailto:a@example.com|a> <tel:123>", []),
        ("<!date^1785000000^{date_short_pretty} {time}|2026-07-25 17:20 UTC>", []),
        ("a & b", [AMPERSAND]),
        ("&nbsp;", [AMPERSAND]),
        ("<https://a.example/?a=b&c=d>", [AMPERSAND]),
        ("a < b", [BRACKET]),
        ("> quoted", [BRACKET]),
        ("<@alice>", [BRACKET] * 2),
        ("<https://a b>", [BRACKET] * 2),
        ("<!date^soon^{date}|x>", [BRACKET] * 2),
        ("<!channel>", [BROADCAST]),
        ("`<!here|here>` <!everyone> <!subteam^S0ONCALL01|@oncall>", [BROADCAST] * 3),
    ],
)
def test_wrong_markup_is_a_violation(text: str, broken: list[Rule]) -> None:
    assert [violation.rule for violation in problems(text)] == broken


@given(st.text())
def test_escaped_text_is_fine_and_reads_as_it_was_typed(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert list(problems(escaped)) == []
    assert plain(escaped, str, str) == text
