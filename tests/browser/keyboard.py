"""The way through a page by the Tab key, on which it is always visible where one is."""

from playwright.async_api import Locator, Page

_MOST = 80
_IS_SEEN = """
() => {
  const {activeElement, body} = document;
  return activeElement === body || [activeElement, activeElement.parentElement].some(one => {
    const {outlineStyle, outlineWidth} = getComputedStyle(one);
    return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
  });
}
"""


async def tab_to(page: Page, control: Locator, key: str = "Tab") -> None:
    """Press the key until the control has the focus; whatever has it on the way must be outlined."""
    way: list[str] = []
    for _ in range(_MOST):
        await page.keyboard.press(key)
        way.append(await page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
        if not await page.evaluate(_IS_SEEN):
            raise AssertionError(f"It is not to be seen that the focus is on {way[-1]}")
        if await control.evaluate_all("all => all.includes(document.activeElement)"):
            return
    raise AssertionError("\n".join(["It is not reached by:", *way]))
