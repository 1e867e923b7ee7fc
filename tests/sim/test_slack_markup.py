"""What simulated Slack thinks of a text's markup, and how people read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.slack.markup import plain, problems
from bot.sim.slack.rules import Rule

BROADCAST, AMPERSAND, BRACKET = Rule.BROADCAST, Rule.RAW_AMPERSAND, Rule.RAW_ANGLE_BRACKET


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Paused *now* `x`",
        "a &amp; b &lt;c&gt;",
        "<@U0ALICE0001> <@W0ALICE0001|alice>",
        "<#C0ALERTS001|alerts> <#C0ALERTS001|>",
        "<https://anchor.example.com/a?b=c&amp;d=e>",
        "<https://anchor.example.com|the session>",
        "<mailto:a@example.com|a> <tel:123>",
        "<!date^1785000000^{date_short_pretty} {time}|2026-07-25 17:20 UTC>",
    ],
)
def test_proper_markup_is_fine(text: str) -> None:
    assert list(problems(text)) == []


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("a & b", [AMPERSAND]),
        ("&nbsp;", [AMPERSAND]),
        ("<https://anchor.example.com/?a=b&c=d>", [AMPERSAND]),
        ("a < b", [BRACKET]),
        ("> quoted", [BRACKET]),
        ("<bold>", [BRACKET, BRACKET]),
        ("<@alice>", [BRACKET, BRACKET]),
        ("<https://a b>", [BRACKET, BRACKET]),
        ("<https://a|b|c>", [BRACKET, BRACKET]),
        ("<!date^soon^{date}|x>", [BRACKET, BRACKET]),
        ("<!channel>", [BROADCAST]),
        ("`<!here|here>` <!everyone> <!subteam^S0ONCALL01|@oncall>", [BROADCAST] * 3),
    ],
)
def test_improper_markup_is_not(text: str, rules: list[Rule]) -> None:
    assert [violation.rule for violation in problems(text)] == rules


@given(st.text())
def test_whatever_is_escaped_is_fine(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    assert list(problems(escaped)) == []
    assert plain(escaped, str, str) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@U0ALICE0001|al> paused", "@ALICE paused"),
        ("in <#C0ALERTS001|alerts>", "in #ALERTS"),
        ("<!date^1785000000^{time}|17:20 UTC>", "17:20 UTC"),
        ("<https://a.example|the session>", "the session (https://a.example)"),
        ("<https://a.example|a.example> <https://b.example>", "https://a.example https://b.example"),
        ("&lt;&amp;amp;&gt;", "<&amp;>"),
    ],
)
def test_people_read_names_links_and_times(text: str, shown: str) -> None:
    assert plain(text, lambda _: "ALICE", lambda _: "ALERTS") == shown
