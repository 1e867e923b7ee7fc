"""What keeps people from using a page: violations that axe-core finds, and controls that the keyboard can't reach."""

from contextlib import suppress
from importlib.resources import files
from typing import Literal

from playwright.async_api import Locator, Page, expect

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_MOST_TABS = 80
_LOST_AFTER = 10_000  # milliseconds
_FOCUS_IS_VISIBLE = """
() => {
  const {activeElement, body} = document;
  return activeElement === body || [activeElement, activeElement.parentElement].some(one => {
    const {outlineStyle, outlineWidth} = getComputedStyle(one);
    return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
  });
}
"""


_PROTRUDING = """
() => [...document.body.querySelectorAll("*")]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest(".sr-only, .skip, .segments input"))
  .filter(one => {
    const {left, right} = one.getBoundingClientRect();
    return right > left && (left < 0 || right > innerWidth || one.scrollWidth > Math.ceil(right - left) && !hides(one));
    function hides(one) { return getComputedStyle(one).textOverflow === "ellipsis" || one.tagName === "INPUT"; }
  })
  .map(one => `${one.tagName} ${one.id || one.className} ${one.scrollWidth} ${one.getBoundingClientRect().right}`)
"""


async def protruding(page: Page) -> list[str]:
    """Everything that reaches beyond the window, or is cut off by its container without saying so."""
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[str] = await page.evaluate(_PROTRUDING)
    return found


async def tab_to(page: Page, control: Locator, key: str = "Tab") -> None:
    """Press the key until the control has the focus; the focus must be visible at each step."""
    passed: list[str] = []
    for _ in range(_MOST_TABS):
        await page.keyboard.press(key)
        passed.append(await page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
        if not await page.evaluate(_FOCUS_IS_VISIBLE):
            raise AssertionError(f"The focus is not visible on {passed[-1]}")
        if await control.evaluate_all("all => all.includes(document.activeElement)"):
            return
    raise AssertionError("\n".join(["It is not reached by:", *passed]))


async def press(page: Page, control: Locator, effect: Locator, key: str = "Tab") -> None:
    """Reach a control by the key and press it until it has an effect: a press is lost if its message is redrawn."""
    for _ in range(3):
        await tab_to(page, control, key)
        await page.keyboard.press("Enter")
        with suppress(AssertionError):
            await expect(effect).to_be_visible(timeout=_LOST_AFTER)
            return
    raise AssertionError("nothing happens")


async def axe_in_both_themes(page: Page) -> list[str]:
    """The violations in light and in dark colours, each with its help text and the elements that break its rule."""
    violations: list[str] = []
    await page.evaluate(_AXE)  # not a script element, which the page's Content-Security-Policy would refuse
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        results = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        violations += [
            f"{theme}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in results["violations"]
        ]
    await page.emulate_media(color_scheme="light")
    return violations
