"""Slack's mrkdwn is drawn as Slack draws it. https://docs.slack.dev/messaging/formatting-message-text"""

from collections.abc import Iterable

import pytest
from playwright.async_api import expect

from browser.room import Room

pytestmark = pytest.mark.anyio

SAFE = ' target="_blank" rel="noopener noreferrer"'


async def drawn(room: Room, texts: Iterable[str]) -> dict[str, str]:
    """The HTML that each text is drawn as."""
    posted = {room.post(text).text for text in texts}
    await expect(room.messages).to_have_count(len(posted))
    html = await room.messages.locator(".content > div").evaluate_all("all => all.map(one => one.innerHTML)")
    return dict(zip(texts, html, strict=True))


async def test_marks_format_what_they_enclose(room: Room) -> None:
    expected = {
        "*bold* _italic_ ~strike~": "<strong>bold</strong> <em>italic</em> <s>strike</s>",
        "*_both_* ~*_all_*~": "<strong><em>both</em></strong> <s><strong><em>all</em></strong></s>",
        "_*a* b_": "<em><strong>a</strong> b</em>",
        "(*a*), *b*.": "(<strong>a</strong>), <strong>b</strong>.",
        '"*two words*": _c_!': '"<strong>two words</strong>": <em>c</em>!',
        "*bold *text*": "<strong>bold *text</strong>",
        "*:tada: at last*": "<strong>🎉 at last</strong>",
        "*one*\n_two_": "<strong>one</strong><br><em>two</em>",
        "a\n\nb": "a<br><br>b",
    }
    assert await drawn(room, expected) == expected


async def test_marks_that_enclose_nothing_stay(room: Room) -> None:
    expected = {
        text: text.replace("\n", "<br>")
        for text in (
            *("*unbalanced", "un_balanced_", "* a*", "*a *", "**", "***", "~~a~~", "**a**", "2*3*4"),
            *("snake_case_name", "a*b*c", "*a*b", "_a\nb_", "`a", "``", "`a\nb`", "```", "*"),
        )
    }
    assert await drawn(room, expected) == expected


async def test_marks_that_cross_are_read_from_the_left(room: Room) -> None:
    expected = {
        "*a _b* c_": "<strong>a _b</strong> c_",
        "*a\n*b*": "*a<br><strong>b</strong>",
        "*a `b* c` d*": "<strong>a <code>b* c</code> d</strong>",
    }
    assert await drawn(room, expected) == expected


async def test_code_is_shown_as_it_is(room: Room) -> None:
    expected = {
        "`*a* :tada: &lt;b&gt; &amp;amp;`": "<code>*a* :tada: &lt;b&gt; &amp;amp;</code>",
        "`https://a.example/`": "<code>https://a.example/</code>",
        "*`a`*, _`b`_": "<strong><code>a</code></strong>, <em><code>b</code></em>",
        "```\na\n  *b* :tada:\n\n&lt;c&gt;\n```": "<pre><code>a\n  *b* :tada:\n\n&lt;c&gt;</code></pre>",
        "before\n```code```\nafter": "before<pre><code>code</code></pre>after",
        "```one `two` three```": "<pre><code>one `two` three</code></pre>",
    }
    assert await drawn(room, expected) == expected


async def test_quotes(room: Room) -> None:
    expected = {
        "&gt; a\n&gt; *b*\nc": "<blockquote>a<br><strong>b</strong></blockquote>c",
        "a\n>b": "a<blockquote>b</blockquote>",
        "&gt; a\n\n&gt; b": "<blockquote>a</blockquote><blockquote>b</blockquote>",
        "&gt;&gt;&gt; a\nb\n\nc": "<blockquote>a<br>b<br><br>c</blockquote>",
        "1 &gt; 0": "1 &gt; 0",
    }
    assert await drawn(room, expected) == expected


async def test_links_have_their_label_or_their_address(room: Room) -> None:
    expected = {
        "<https://a.example/x_y_z>": f'<a href="https://a.example/x_y_z"{SAFE}>https://a.example/x_y_z</a>',
        "<https://a.example/|the run book>": f'<a href="https://a.example/"{SAFE}>the run book</a>',
        "<https://a.example/|>": f'<a href="https://a.example/"{SAFE}>https://a.example/</a>',
        "*<http://a.example/?a=1&amp;b=2|a &amp; b :fire:>*": (
            f'<strong><a href="http://a.example/?a=1&amp;b=2"{SAFE}>a &amp; b 🔥</a></strong>'
        ),
        "<mailto:ops@a.example|mail us>": f'<a href="mailto:ops@a.example"{SAFE}>mail us</a>',
        "<mailto:ops@a.example>": f'<a href="mailto:ops@a.example"{SAFE}>ops@a.example</a>',
        "<tel:+4930123>": f'<a href="tel:+4930123"{SAFE}>+4930123</a>',
    }
    assert await drawn(room, expected) == expected


async def test_a_bare_address_is_a_link_without_the_sentence_around_it(room: Room) -> None:
    link = f'<a href="https://a.example/x"{SAFE}>https://a.example/x</a>'
    query = f'<a href="https://a.example/?q=1&amp;r=2"{SAFE}>https://a.example/?q=1&amp;r=2</a>'
    expected = {
        "See https://a.example/x.": f"See {link}.",
        "(https://a.example/x), ok?": f"({link}), ok?",
        "*https://a.example/x*": f"<strong>{link}</strong>",
        "&lt;https://a.example/x&gt;": f"&lt;{link}&gt;",
        "https://a.example/?q=1&amp;r=2 and so on": f"{query} and so on",
        "https://a.example/x&amp;": f"{link}&amp;",
        "Who knows https:// or a.example?": "Who knows https:// or a.example?",
    }
    assert await drawn(room, expected) == expected


async def test_a_text_that_is_verbatim_links_nothing_by_itself(room: Room) -> None:
    text = {"type": "mrkdwn", "text": "https://a.example <https://b.example> *c*", "verbatim": True}
    room.post("as blocks", blocks=[{"type": "section", "text": text}])
    await expect(room.messages).to_have_count(1)
    await expect(room.messages.locator(".section")).to_have_text("https://a.example https://b.example c")
    assert await room.messages.get_by_role("link").all_inner_texts() == ["https://b.example"]


async def test_mentions_are_names(room: Room) -> None:
    def mention(name: str, kind: str = "mention") -> str:
        return f'<span class="{kind}">{name}</span>'

    expected = {
        "<@U0ALICE0001>, <@U0BOB000001|robert>": f"{mention('@alice')}, {mention('@bob')}",
        "<@U0NOBODY001|nobody> <@U0NOBODY002>": f"{mention('@nobody')} {mention('@U0NOBODY002')}",
        "<#C0ALERTS001> <#C0ALERTS001|old-name>": f"{mention('#alerts')} {mention('#alerts')}",
        "<#C0NOWHERE01|there> <#C0NOWHERE02>": f"{mention('#there')} {mention('#C0NOWHERE02')}",
        "*<@U0ALICE0001>*: _<!here>_": (
            f"<strong>{mention('@alice')}</strong>: <em>{mention('@here', 'mention broadcast')}</em>"
        ),
        "<!channel> <!everyone|everyone>": (
            f"{mention('@channel', 'mention broadcast')} {mention('@everyone', 'mention broadcast')}"
        ),
        "<!subteam^S0OPS|@ops>": mention("@ops", "mention broadcast"),
        "<@constructor> <#constructor> <@__proto__>": (
            f"{mention('@constructor')} {mention('#constructor')} {mention('@__proto__')}"
        ),
    }
    assert await drawn(room, expected) == expected


async def test_emoji_go_by_name_and_others_stay_as_they_are_written(room: Room) -> None:
    expected = {
        ":rotating_light: :+1: :white_check_mark:": "🚨 👍 ✅",
        ":tada::fire:": "🎉🔥",
        ":no_such_emoji: :constructor: 12:30:45 ::": ":no_such_emoji: :constructor: 12:30:45 ::",
        "✋ Ünïcödé 漢字 👩‍👩‍👧": "✋ Ünïcödé 漢字 👩‍👩‍👧",
    }
    assert await drawn(room, expected) == expected


async def test_three_entities_are_decoded_once_and_no_others(room: Room) -> None:
    expected = {
        "&lt;b&gt; &amp; &amp;lt;": "&lt;b&gt; &amp; &amp;lt;",
        "&quot;&nbsp;&#60;&copy;": "&amp;quot;&amp;nbsp;&amp;#60;&amp;copy;",
    }
    assert await drawn(room, expected) == expected
    await expect(room.messages.first.locator(".content")).to_have_text("<b> & &lt;")


async def test_what_is_no_markup_of_slacks_stays_text(room: Room) -> None:
    expected = {
        "<script>document.title = 'Hacked'</script>": "&lt;script&gt;document.title = 'Hacked'&lt;/script&gt;",
        "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)&gt;",
        "<javascript:alert(1)|click me>": "&lt;javascript:alert(1)|click me&gt;",
        "<JaVaScript:alert(1)>": "&lt;JaVaScript:alert(1)&gt;",
        "<data:text/html,<b>x</b>|x>": "&lt;data:text/html,&lt;b&gt;x&lt;/b&gt;|x&gt;",
        '<https://a.example/"onclick=alert(1)|x>': f'<a href="https://a.example/&quot;onclick=alert(1)"{SAFE}>x</a>',
        "<!security> <!constructor|x>": "&lt;security&gt; &lt;x&gt;",
        "a < b, c > d, <>, <|>": "a &lt; b, c &gt; d, &lt;&gt;, &lt;|&gt;",
        "\ue0000\ue001 `a` \ue0001\ue001": "0 <code>a</code> 1",
    }
    assert await drawn(room, expected) == expected
    assert await room.page.title() == f"#{room.channel.name} · Anchor demo"


async def test_each_line_runs_in_the_direction_of_its_text(room: Room) -> None:
    room.post("as blocks", blocks=[{"type": "context", "elements": [{"type": "mrkdwn", "text": "שלום!"}]}])
    room.post("שלום, עולם!\nFrom the left: שלום!\n\u202eTurned round by force\nStraight on.")
    await expect(room.messages).to_have_count(2)
    assert await room.messages.locator(".content > div").evaluate_all(DIRECTIONS) == [
        ["left"],
        ["left", "right", "left", "right"],
    ]


DIRECTIONS = """
paragraphs => paragraphs.map(paragraph => {
  const at = (line, place) => {
    const range = document.createRange();
    range.setStart(line, place);
    range.setEnd(line, place + 1);
    return range.getBoundingClientRect().x;
  };
  const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
  const lines = [];
  while (walker.nextNode()) lines.push(walker.currentNode);
  return lines.map(line => at(line, 0) < at(line, line.length - 1) ? "right" : "left");
})
"""
"""In each line: whether its last character stands to the right or to the left of its first."""


async def test_the_longest_texts_are_drawn_in_a_moment(room: Room) -> None:
    for text in ("*a* " * 10_000, "*a " * 10_000, "`" * 39_999, "<" * 40_000, "&gt; a\n" * 6_000, "_*~" * 13_000):
        room.post(text[:40_000])
    room.post("Still here")
    await expect(room.message("Still here")).to_be_visible()
