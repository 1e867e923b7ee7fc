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


def broadcast(name: str) -> str:
    return mention(name, "mention broadcast")


MARKS = {
    "*bold* _italic_ ~strike~": "<strong>bold</strong> <em>italic</em> <s>strike</s>",
    "*_both_* ~*_all_*~": "<strong><em>both</em></strong> <s><strong><em>all</em></strong></s>",
    '(*a*), "*two words*": _c_!': '(<strong>a</strong>), "<strong>two words</strong>": <em>c</em>!',
    "a\n\nb": "a<br><br>b",
    "*a _b* c_": "<strong>a _b</strong> c_",
}
NO_MARKS = {
    text: text.replace("\n", "<br>")
    for text in (
        *("*unbalanced", "un_balanced_", "* a*", "*a *", "**", "***", "~~a~~", "**a**", "2*3*4", "snake_case_name"),
        *("a*b*c", "*a*b", "_a\nb_", "`a", "``", "`a\nb`", "```", "*", ":no_such_emoji: :constructor: 12:30:45 ::"),
    )
}
CODE = {
    "`*a* :tada: &lt;b&gt; &amp;amp;`": "<code>*a* :tada: &lt;b&gt; &amp;amp;</code>",
    "```\na\n  *b* :tada:\n\n&lt;c&gt;\n```": "<pre><code>a\n  *b* :tada:\n\n&lt;c&gt;</code></pre>",
    "before\n```one `two` three```\nafter": "before<pre><code>one `two` three</code></pre>after",
}
QUOTES = {
    "&gt; a\n&gt; *b*\nc": "<blockquote>a<br><strong>b</strong></blockquote>c",
    "a\n>b": "a<blockquote>b</blockquote>",
    "&gt;&gt;&gt; a\nb\n\nc": "<blockquote>a<br>b<br><br>c</blockquote>",
}
LINKS = {
    "<https://a.example/x>": LINK,
    "<https://a.example/|the run_book_>": f'<a href="https://a.example/"{SAFE}>the run_book_</a>',
    "<https://a.example/|>": f'<a href="https://a.example/"{SAFE}>https://a.example/</a>',
    "<mailto:ops@a.example>": f'<a href="mailto:ops@a.example"{SAFE}>ops@a.example</a>',
    "(*https://a.example/x*), ok?": f"(<strong>{LINK}</strong>), ok?",
    "&lt;https://a.example/x&gt;": f"&lt;{LINK}&gt;",
    "https://a.example/?q=1&amp;r=2 and so on": f"{QUERY} and so on",
}
MENTIONS = {
    "<@U0ALICE0001>, <@U0BOB000001|robert>": f"{mention('@alice')}, {mention('@bob')}",
    "<@U0NOBODY001|nobody> <@U0NOBODY002>": f"{mention('@nobody')} {mention('@U0NOBODY002')}",
    "<#C0ALERTS001> <#C0ALERTS001|old-name>": f"{mention('#alerts')} {mention('#alerts')}",
    "*<@U0ALICE0001>*: _<!here>_": f"<strong>{mention('@alice')}</strong>: <em>{broadcast('@here')}</em>",
    "<!subteam^S0OPS|@ops>": broadcast("@ops"),
    "<@constructor> <@__proto__>": f"{mention('@constructor')} {mention('@__proto__')}",
}
WHOLE = "Tuesday, February 18, 2014 at 3:39 PM GMT+1"  # where the browser is: in Berlin
TIME = f'<time title="{WHOLE}" datetime="2014-02-18T14:39:42.000Z">'
DATES = {
    "<!date^1392734382^{date_num} {date_long}, {time_secs}|x>": (
        f"{TIME}2014-02-18 Tuesday, February 18th, 2014, 3:39:42 PM</time>"
    ),
    "<!date^1392734382^{date} {constructor}|so &amp; on>": f"{TIME}so &amp; on</time>",
    "<!date^99999999999999999^{date}|far away>": "<time>far away</time>",
    "<!date^1392734382^{date_num}^javascript:x|x>": f"<span>{TIME}2014-02-18</time></span>",
}
CHARACTERS = {
    ":rotating_light: :+1: :tada::fire:": "🚨 👍 🎉🔥",
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
ALL = MARKS | NO_MARKS | CODE | QUOTES | LINKS | MENTIONS | DATES | CHARACTERS | NO_MARKUP


async def test_mrkdwn_is_drawn_as_html_that_slack_would_draw(channel: ChannelPage) -> None:
    for text in ALL:
        channel.post(text)
    await expect(channel.messages).to_have_count(len(ALL))
    html = await channel.messages.locator(".content > div").evaluate_all("all => all.map(one => one.innerHTML)")
    assert dict(zip(ALL, html, strict=True)) == ALL
    assert await channel.page.title() == f"{channel.name} · Anchor demo"
    verbatim = {**mrkdwn("https://a.example <https://b.example> *c*"), "verbatim": True}  # links nothing by itself
    channel.post("as blocks", blocks=[{**section(""), "text": verbatim}])
    await expect(channel.messages.locator(".section")).to_have_text("https://a.example https://b.example c")
    await expect(channel.messages.last.get_by_role("link")).to_have_text(["https://b.example"])
    for text in ("*a* " * 5_000, "*a " * 6_600, "`" * 20_000, "<" * 20_000, "_*~" * 6_600):
        channel.post(text)
    channel.post("Still here")  # the longest texts are drawn without delay
    await expect(channel.message("Still here")).to_be_visible()
