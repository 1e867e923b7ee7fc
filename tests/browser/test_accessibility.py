"""People can use the page whatever they see, on a phone and on a wide screen, and nothing that is posted runs in it."""

import pytest
from playwright.async_api import expect

from browser.accessibility import axe_in_both_themes, protruding
from browser.channel_page import ChannelPage
from harness.blocks import actions, attachment, button, legacy_button, section

pytestmark = pytest.mark.anyio

WIDTHS = (1440, 390)
WORD = "Donaudampfschifffahrtsgesellschaft" * 10
RUNS = "document.title='Hacked'"
HOSTILE = (
    *(f"<script>{RUNS}</script>", f"<img src=x onerror={RUNS}>", f"<javascript:{RUNS}|A link>"),
    *(f'<https://a.example/"onclick={RUNS}|x>', f"<!date^1392734382^{{date}}^javascript:{RUNS}|x>", f"```{WORD}```"),
)


async def fits_and_has_no_violations(channel: ChannelPage) -> None:
    for width in WIDTHS:
        await channel.page.set_viewport_size({"width": width, "height": 900})
        assert (width, await protruding(channel.page), await axe_in_both_themes(channel.page)) == (width, [], [])


async def test_a_channel_fits_has_no_violations_and_runs_nothing_that_is_posted(channel: ChannelPage) -> None:
    session_id, page = await channel.alert(), channel.page
    await channel.pause(session_id)
    await expect(channel.resume_button(session_id).first).to_be_visible()
    first = channel.post(WORD, by=channel.slack.outsider)
    channel.post("A reply", thread=first, by=channel.slack.bob)
    for text in HOSTILE:
        channel.post(text)
    run = button(value=channel.anchor.add_session(), text="Run", url=f"javascript:{RUNS}")
    link = {"title": "A title", "title_link": f"javascript:{RUNS}", "text": WORD}
    channel.post("x", blocks=[section(WORD, accessory=button("d", text="W" * 75)), actions(run)])
    channel.post(attachments=[attachment(legacy_button("L" * 75), **link)])
    channel.post("Only for *you*", only_to=channel.slack.alice)
    for text in ("A link", "A title", "Run"):
        await channel.list.get_by_text(text).first.click()
    await channel.line.fill("/")
    await expect(page.get_by_role("listbox")).to_be_visible()
    await fits_and_has_no_violations(channel)
    await channel.line.fill("")
    await channel.resume_button(session_id).first.click()
    await expect(channel.dialog).to_be_visible()
    await fits_and_has_no_violations(channel)
    await page.keyboard.press("Escape")
    await channel.pane.get_by_role("button", name="Agents").click()  # on a phone they are in the channel's place
    await expect(channel.switch("Stopped")).to_be_visible()
    assert (await protruding(page), await axe_in_both_themes(page)) == ([], [])
    await expect(page).to_have_title(f"{channel.name} · Anchor demo")


async def test_the_home_and_a_modal_fit_and_have_no_violations(channel: ChannelPage) -> None:
    await channel.open_app()
    await fits_and_has_no_violations(channel)
    await channel.home.locator('[data-action="anchor_change_policy"]').click()
    await expect(channel.dialog.get_by_role("button", name="Save")).to_be_visible()
    await fits_and_has_no_violations(channel)
    await channel.page.keyboard.press("Escape")
    await expect(channel.dialog).to_be_hidden()
