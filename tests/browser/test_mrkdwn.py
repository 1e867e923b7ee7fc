"""Slack's mrkdwn is drawn as Slack draws it. https://docs.slack.dev/messaging/formatting-message-text"""

import pytest
from playwright.async_api import expect

from browser.channel_page import ChannelPage
from harness.blocks import mrkdwn, section

pytestmark = pytest.mark.anyio

SAFE = ' target="_blank" rel="noopener noreferrer"'
LINK = f'<a href="https://a.example/x"{SAFE}>https://a.example/x</a>'
QUERY = f'<a href="https://a.example/?q=1&amp;r=2"{SAFE}>https://a.example/?q=1&amp;r=2</a>'


def mention(name: str, kind: str = "mention") -> str:
    return f'<span class="{kind}">{name}</span>'


MARKS = {
    "*bold* _italic_ ~strike~": "<strong>bold</strong> <em>italic</em> <s>strike</s>",
    "*_both_* ~*_all_*~": "<strong><em>both</em></strong> <s><strong><em>all</em></strong></s>",
    "_*a* b_": "<em><strong>a</strong> b</em>",
    "(*a*), *b*.": "(<strong>a</strong>), <strong>b</strong>.",
    '"*two words*": _c_!': '"<strong>two words</strong>": <em>c</em>!',
    "*bold *text*": "<strong>bold *text</strong>",
    "*:tada: at last*": "<strong>🎉 at last</strong>",
    "a\n\nb": "a<br><br>b",
}
NO_MARKS = {
    text: text.replace("\n", "<br>")
    for text in (
        *("*unbalanced", "un_balanced_", "* a*", "*a *", "**", "***", "~~a~~", "**a**", "2*3*4"),
        *("snake_case_name", "a*b*c", "*a*b", "_a\nb_", "`a", "``", "`a\nb`", "```", "*"),
    )
}
CROSSING_MARKS = {
    "*a _b* c_": "<strong>a _b</strong> c_",
    "*a\n*b*": "*a<br><strong>b</strong>",
    "*a `b* c` d*": "<strong>a <code>b* c</code> d</strong>",
}
CODE = {
    "`*a* :tada: &lt;b&gt; &amp;amp;`": "<code>*a* :tada: &lt;b&gt; &amp;amp;</code>",
    "*`a`*, _`b`_": "<strong><code>a</code></strong>, <em><code>b</code></em>",
    "```\na\n  *b* :tada:\n\n&lt;c&gt;\n```": "<pre><code>a\n  *b* :tada:\n\n&lt;c&gt;</code></pre>",
    "before\n```code```\nafter": "before<pre><code>code</code></pre>after",
    "```one `two` three```": "<pre><code>one `two` three</code></pre>",
}
QUOTES = {
    "&gt; a\n&gt; *b*\nc": "<blockquote>a<br><strong>b</strong></blockquote>c",
    "a\n>b": "a<blockquote>b</blockquote>",
    "&gt; a\n\n&gt; b": "<blockquote>a</blockquote><blockquote>b</blockquote>",
    "&gt;&gt;&gt; a\nb\n\nc": "<blockquote>a<br>b<br><br>c</blockquote>",
    "1 &gt; 0": "1 &gt; 0",
}
LINKS = {
    "<https://a.example/x_y_z>": f'<a href="https://a.example/x_y_z"{SAFE}>https://a.example/x_y_z</a>',
    "<https://a.example/|the run book>": f'<a href="https://a.example/"{SAFE}>the run book</a>',
    "<https://a.example/|>": f'<a href="https://a.example/"{SAFE}>https://a.example/</a>',
    "*<http://a.example/?a=1&amp;b=2|a &amp; b :fire:>*": (
        f'<strong><a href="http://a.example/?a=1&amp;b=2"{SAFE}>a &amp; b 🔥</a></strong>'
    ),
    "<mailto:ops@a.example>": f'<a href="mailto:ops@a.example"{SAFE}>ops@a.example</a>',
    "<tel:+4930123>": f'<a href="tel:+4930123"{SAFE}>+4930123</a>',
}
BARE_ADDRESSES = {
    "See https://a.example/x.": f"See {LINK}.",
    "(https://a.example/x), ok?": f"({LINK}), ok?",
    "*https://a.example/x*": f"<strong>{LINK}</strong>",
    "&lt;https://a.example/x&gt;": f"&lt;{LINK}&gt;",
    "https://a.example/?q=1&amp;r=2 and so on": f"{QUERY} and so on",
    "https://a.example/x&amp;": f"{LINK}&amp;",
    "Who knows https:// or a.example?": "Who knows https:// or a.example?",
}
MENTIONS = {
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
EMOJI = {
    ":rotating_light: :+1: :white_check_mark:": "🚨 👍 ✅",
    ":tada::fire:": "🎉🔥",
    ":no_such_emoji: :constructor: 12:30:45 ::": ":no_such_emoji: :constructor: 12:30:45 ::",
    "✋ Ünïcödé 漢字 👩‍👩‍👧": "✋ Ünïcödé 漢字 👩‍👩‍👧",
}
ENTITIES = {
    "&lt;b&gt; &amp; &amp;lt;": "&lt;b&gt; &amp; &amp;lt;",
    "&quot;&nbsp;&#60;&copy;": "&amp;quot;&amp;nbsp;&amp;#60;&amp;copy;",
}
NO_MARKUP = {
    "<script>document.title = 'Hacked'</script>": "&lt;script&gt;document.title = 'Hacked'&lt;/script&gt;",
    "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)&gt;",
    "<javascript:alert(1)|click me>": "&lt;javascript:alert(1)|click me&gt;",
    "<data:text/html,<b>x</b>|x>": "&lt;data:text/html,&lt;b&gt;x&lt;/b&gt;|x&gt;",
    '<https://a.example/"onclick=alert(1)|x>': f'<a href="https://a.example/&quot;onclick=alert(1)"{SAFE}>x</a>',
    "<!security> <!constructor|x>": "&lt;security&gt; &lt;x&gt;",
    "a < b, c > d, <>, <|>": "a &lt; b, c &gt; d, &lt;&gt;, &lt;|&gt;",
    "\ue0000\ue001 `a` \ue0001\ue001": "0 <code>a</code> 1",
}
ALL = (
    MARKS | NO_MARKS | CROSSING_MARKS | CODE | QUOTES | LINKS | BARE_ADDRESSES | MENTIONS | EMOJI | ENTITIES | NO_MARKUP
)


async def test_mrkdwn_is_drawn_as_html_that_slack_would_draw(channel: ChannelPage) -> None:
    for text in ALL:
        channel.post(text)
    await expect(channel.messages).to_have_count(len(ALL))
    html = await channel.messages.locator(".content > div").evaluate_all("all => all.map(one => one.innerHTML)")
    assert dict(zip(ALL, html, strict=True)) == ALL
    assert await channel.page.title() == f"{channel.name} · Anchor demo"


async def test_verbatim_text_links_nothing_by_itself(channel: ChannelPage) -> None:
    verbatim = {**mrkdwn("https://a.example <https://b.example> *c*"), "verbatim": True}
    channel.post("as blocks", blocks=[{**section(""), "text": verbatim}])
    await expect(channel.messages.locator(".section")).to_have_text("https://a.example https://b.example c")
    assert await channel.messages.get_by_role("link").all_inner_texts() == ["https://b.example"]


async def test_the_longest_texts_are_drawn_without_delay(channel: ChannelPage) -> None:
    for text in ("*a* " * 10_000, "*a " * 10_000, "`" * 39_999, "<" * 40_000, "_*~" * 13_000):
        channel.post(text[:20_000])
    channel.post("Still here")
    await expect(channel.message("Still here")).to_be_visible()
