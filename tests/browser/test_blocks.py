"""A message is drawn from its blocks. https://docs.slack.dev/reference/block-kit/blocks"""

import pytest
from playwright.async_api import Locator, expect

from browser.channel_page import UNKNOWN_BUTTON, ChannelPage
from harness.blocks import (
    Block,
    actions,
    button,
    context,
    fields,
    header,
    image,
    input_block,
    mrkdwn,
    plain,
    preformatted,
    rich_text,
    section,
    static_menu,
    words,
)

pytestmark = pytest.mark.anyio


async def place(locator: Locator) -> tuple[float, float]:
    """The left and the top of something, in whole pixels."""
    box = await locator.bounding_box()
    assert box
    return round(box["x"]), round(box["y"])


async def test_fields_stand_in_two_columns_and_an_accessory_beside_or_on_a_phone_below(channel: ChannelPage) -> None:
    columns = fields("*Agent*\nOffice", "*Spent*\n`$40`", "*Budget*\n$30", "*Seen*\nnow")
    accessory = button("open", text="Open it")
    channel.post("Alert", blocks=[section("*High* spend"), columns, section("Some text", accessory=accessory)])
    content = channel.message("High spend").locator(".content")
    await expect(content.locator("strong")).to_have_text(["High", "Agent", "Spent", "Budget", "Seen"])
    places = [await place(content.get_by_text(text)) for text in ("Agent", "Spent", "Budget", "Seen")]
    [(left, first), (right, _), (_, second), _] = places
    assert places == [(left, first), (right, first), (left, second), (right, second)]
    assert left < right
    assert first < second
    text, opener = channel.list.get_by_text("Some text"), channel.button("Open it")
    (left, top), (right, same) = await place(text), await place(opener)
    assert right > left + 300
    assert same - top < 10
    await channel.page.set_viewport_size({"width": 390, "height": 844})
    await expect(channel.pane.get_by_role("button", name="Agents")).to_be_visible()  # the new layout is there
    assert (await place(opener))[0] == (await place(text))[0]
    below = "(one, other) => one.getBoundingClientRect().y > other.getBoundingClientRect().y"
    assert await opener.evaluate(below, await text.element_handle())  # at one moment: the list may be scrolling


async def test_each_kind_of_block_is_drawn_or_says_that_it_is_not(channel: ChannelPage) -> None:
    blocks: list[Block] = [
        header("Budget *42* :rocket: &lt;"),
        {"type": "divider"},
        context(mrkdwn("by <@U0BOB000001>"), plain("at *noon*"), image("A small chart")),
        {"type": "section", "text": plain("*a* <@U0ALICE0001> &amp; `b` :fire:\n> c")},
        {"type": "section", "text": {**plain(":fire:"), "emoji": False}},
        image("A chart of spend", title=plain("Spend")),
        rich_text(preformatted(words("curl *x* <b>&amp;\n  "), {"type": "link", "url": "https://a.example"})),
        rich_text({"type": "rich_text_section", "elements": [words("y")]}),
        input_block("plain_text_input"),
        {"type": "markdown", "text": "# As\n**written**"},
        actions(
            static_menu("Choose one"), *[button(style, text=style, style=style) for style in ("danger", "primary")]
        ),
        actions(button("c", text="Go", accessibility_label="Go on with session 5")),
    ]
    channel.post("x", blocks=blocks)
    shown = channel.list
    await expect(shown.get_by_role("heading")).to_have_text("Budget *42* 🚀 <")
    await expect(shown.get_by_role("separator")).to_have_count(1)
    await expect(shown.get_by_text("by @bob")).to_have_css("font-size", "13px")
    await expect(shown.get_by_text("at *noon*")).to_be_visible()
    await expect(shown.locator(".section")).to_have_text(["*a* <@U0ALICE0001> & `b` 🔥> c", ":fire:"])
    await expect(shown.locator(".section br")).to_have_count(1)
    for alt_text in ("A small chart", "A chart of spend"):  # which is shown instead of the image
        await expect(shown.get_by_role("img", name=alt_text)).to_be_visible()
    await expect(shown.get_by_text("Spend", exact=True)).to_be_visible()
    await expect(shown.locator("pre")).to_have_text("curl *x* <b>&amp;\n  https://a.example", use_inner_text=True)
    await expect(shown.locator("pre *:not(code)")).to_have_count(0)
    for kind in ("rich_text_section", "input"):
        await expect(shown.get_by_text(f"This page draws no blocks of type {kind}.")).to_be_visible()
    await expect(shown.get_by_text("# As **written**")).to_be_visible()
    await expect(shown.get_by_role("button", name="Choose one")).to_be_disabled()
    await expect(channel.button("Go on with session 5")).to_have_text("Go")
    for name, colour in {"danger": "rgb(192, 31, 58)", "primary": "rgb(42, 85, 201)"}.items():
        await expect(channel.button(name)).to_have_css("background-color", colour)


async def test_a_click_presses_one_button_and_only_once_at_a_time(channel: ChannelPage) -> None:
    session_id = channel.anchor.add_session()
    channel.post("Two", blocks=[actions(button("ask", text="Ask")), actions(button(value=session_id))])
    async with channel.hanging():
        await channel.button("Ask").dblclick()
        await expect(channel.button("Ask")).to_have_attribute("aria-busy", "true")
        await channel.button("Ask").press("Enter")
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(1)
    await expect(channel.button("Ask")).not_to_have_attribute("aria-busy", "true")
    await channel.button("Ask").click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_have_count(2)
    first, second = channel.answered()
    assert second == first + 1
    assert channel.orders(session_id) == []
    await channel.button("Pause").click()
    await expect(channel.resume_button(session_id).first).to_be_visible()
    assert channel.orders(session_id) == ["pause"]


async def test_a_button_with_a_link_tells_the_app_and_opens_it_unless_it_would_run_something(
    channel: ChannelPage, url: str
) -> None:
    sessions = [channel.anchor.add_session() for _ in range(2)]
    look = button(value=sessions[0], text="Look", url=url)
    run = button(value=sessions[1], text="Run", url="javascript:document.title='Hacked'")
    channel.post("x", blocks=[actions(look), actions(run)])
    async with channel.page.context.expect_page() as opened:
        await channel.button("Look").click()
    page = await opened.value
    await expect(page).to_have_title("#alerts · Anchor demo")
    assert await page.evaluate("window.opener") is None
    await page.close()
    await channel.page.bring_to_front()
    await channel.button("Run").click()
    for session_id in sessions:
        await expect(channel.resume_button(session_id).first).to_be_visible()
        assert channel.orders(session_id) == ["pause"]
    assert len(channel.page.context.pages) == 1
    await expect(channel.page).to_have_title(f"{channel.name} · Anchor demo")
