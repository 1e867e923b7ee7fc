"""Messages are drawn from blocks and legacy attachments, and their buttons can be pressed.

https://docs.slack.dev/reference/block-kit/blocks
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

import pytest
from playwright.async_api import expect

from browser.channel_page import UNKNOWN_BUTTON, ChannelPage
from harness import blocks as kit
from harness.blocks import actions, attachment, button, legacy_button, mrkdwn, plain, preformatted, section, words

pytestmark = pytest.mark.anyio

COLOURS = {"danger": "rgb(192, 31, 58)", "primary": "rgb(42, 85, 201)"}
BLOCKS: list[kit.Block] = [
    kit.header("Budget *42* :rocket: &lt;"),
    {"type": "divider"},
    kit.context(mrkdwn("by <@U0BOB000001>"), plain("at *noon*"), kit.image("A small chart")),
    {"type": "section", "text": plain("*a* <@U0ALICE0001> &amp; `b` :fire:\n> c")},
    {"type": "section", "text": {**plain(":fire:"), "emoji": False}},
    kit.image("A chart of spend", title=plain("Spend")),
    kit.rich_text(preformatted(words("curl *x* <b>&amp;\n  "), {"type": "link", "url": "https://a.example"})),
    kit.rich_text({"type": "rich_text_section", "elements": [words("y")]}),
    kit.input_block("plain_text_input"),
    {"type": "markdown", "text": "# As\n**written**"},
    actions(kit.static_menu("Choose one"), *[button(style, text=style, style=style) for style in COLOURS]),
    actions(button("c", text="Go", accessibility_label="Go on with session 5")),
    kit.fields("*Agent*\nOffice", "*Spent*\n`$40`", "*Budget*\n$30", "*Seen*\nnow"),
    section("Some text", accessory=button("open", text="Open it")),
]
BAR_COLOURS = {"36A64F": "rgb(54, 166, 79)", "red;display:none": "rgb(223, 227, 234)"}
PLACES = "all => all.map(one => one.getBoundingClientRect()).map(({x, y}) => [Math.round(x), Math.round(y)])"


async def test_each_kind_of_block_is_drawn_or_says_that_it_is_not(channel: ChannelPage) -> None:
    channel.post("x", blocks=BLOCKS)
    shown = channel.list
    await expect(shown.get_by_role("heading")).to_have_text("Budget *42* 🚀 <")
    await expect(shown.locator(".section").nth(0)).to_have_text("*a* <@U0ALICE0001> & `b` 🔥> c")
    await expect(shown.locator(".section").nth(1)).to_have_text(":fire:")
    for alt_text in ("A small chart", "A chart of spend"):  # which is shown instead of the image
        await expect(shown.get_by_role("img", name=alt_text)).to_be_visible()
    await expect(shown.locator("pre")).to_have_text("curl *x* <b>&amp;\n  https://a.example", use_inner_text=True)
    not_drawn = [f"This page draws no blocks of type {kind}." for kind in ("rich_text_section", "input")]
    for text in ("by @bob", "at *noon*", "Spend", *not_drawn, "# As **written**"):
        await expect(shown.get_by_text(text, exact=True).first).to_be_visible()
    await expect(shown.get_by_role("button", name="Choose one")).to_be_disabled()
    await expect(channel.button("Go on with session 5")).to_have_text("Go")
    for name, colour in COLOURS.items():
        await expect(channel.button(name)).to_have_css("background-color", colour)
    columns = shown.locator("strong")
    await expect(columns).to_have_text(["Agent", "Spent", "Budget", "Seen"])
    places = [tuple(place) for place in await columns.evaluate_all(PLACES)]
    [(left, first), (right, _), (_, second), _] = places
    assert places == [(left, first), (right, first), (left, second), (right, second)]
    assert (left < right, first < second) == (True, True)
    beside = shown.get_by_text("Some text").or_(channel.button("Open it"))
    [(left, top), (right, same)] = await beside.evaluate_all(PLACES)
    assert right > left + 300
    assert same - top < 10


async def test_all_parts_of_an_attachment_are_shown_and_nothing_in_it_runs(channel: ChannelPage, url: str) -> None:
    where = [{"title": "Severity", "value": "*critical*", "short": True}, {"title": "Where", "value": "here"}]
    texts = {"pretext": "Before *it*", "author_name": "Alertmanager", "text": "Session `5` spends _fast_ &amp; more"}
    title = {"title": "[FIRING] HighSpend", "title_link": "https://a.example/"}
    footer = {"footer": "Prometheus", "ts": 1392734382, "color": "danger"}
    channel.post("The text", attachments=[attachment(fields=where, **texts, **title, **footer)])
    await expect(channel.list.get_by_text("Before it")).to_be_visible()
    await expect(channel.list.get_by_role("link", name="[FIRING]")).to_have_attribute("href", "https://a.example/")
    frame = channel.messages.locator(".attachment")
    for text in ("Alertmanager", "Session 5 spends fast & more", "Severitycritical", "Wherehere"):
        await expect(frame).to_contain_text(text)
    await expect(frame).to_contain_text("Prometheus · Tuesday, February 18, 2014 at 3:39 PM GMT+1")
    await expect(frame).to_have_css("border-left-color", "rgb(224, 30, 90)")
    hostile = {"title": "Click me", "title_link": "javascript:document.title='Hacked'"}
    coloured = [{"text": colour, "color": colour} for colour in BAR_COLOURS]
    link = {"type": "button", "text": "Runbook :eyes:", "url": url}
    menu = {"type": "select", "name": "menu", "text": "Pick one", "options": [{"text": "a", "value": "b"}]}
    buttons = attachment(legacy_button("A"), legacy_button("B :fire:", style="danger"), link, menu)
    fallback = {"fallback": "All that &lt;there&gt; is", "ts": "soon"}
    channel.post(attachments=[fallback, hostile, *coloured, buttons])
    frames = channel.messages.last.locator(".attachment")
    await expect(frames.first).to_have_text("All that <there> is")
    await channel.list.get_by_text("Click me").click()
    for colour, drawn in BAR_COLOURS.items():
        await expect(frames.filter(has_text=colour).first).to_have_css("border-left-color", drawn)
    async with channel.page.context.expect_page() as opened:
        await channel.list.get_by_role("link", name="Runbook 👀").click()
    await expect(await opened.value).to_have_title("#alerts · Anchor demo")
    await channel.page.bring_to_front()
    await expect(channel.list.get_by_role("button", name="Pick one")).to_be_disabled()
    await expect(channel.button("B 🔥")).to_have_css("background-color", COLOURS["danger"])
    await channel.button("B 🔥").click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_contain_text("Only visible to you")
    await expect(channel.page).to_have_title(f"{channel.name} · Anchor demo")


async def test_a_click_presses_one_button_once_and_opens_no_link_that_runs_something(
    channel: ChannelPage, url: str
) -> None:
    first, second = (channel.anchor.add_session() for _ in range(2))
    look = button(value=first, text="Look", url=url)
    run = button(value=second, text="Run", url="javascript:document.title='Hacked'")
    channel.post("x", blocks=[actions(look), actions(run, button("ask", text="Ask"))])
    async with channel.hanging():
        await channel.button("Ask").dblclick()
        await expect(channel.button("Ask")).to_have_attribute("aria-busy", "true")
        await channel.button("Ask").press("Enter")
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(1)
    await expect(channel.button("Ask")).not_to_have_attribute("aria-busy", "true")
    async with channel.page.context.expect_page() as opened:
        await channel.button("Look").click()
    await expect(await opened.value).to_have_title("#alerts · Anchor demo")
    assert await (await opened.value).evaluate("window.opener") is None
    await channel.page.bring_to_front()
    await channel.button("Run").click()
    for session_id in (first, second):
        await expect(channel.resume_button(session_id).first).to_be_visible()
        assert channel.orders(session_id) == ["pause"]
    assert len(channel.page.context.pages) == 2
    await expect(channel.page).to_have_title(f"{channel.name} · Anchor demo")
