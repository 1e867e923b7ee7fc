"""What keeps people from using a page, as axe-core sees it."""

from importlib.resources import files
from typing import Any

from playwright.async_api import Page

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


async def axe(page: Page) -> list[str]:
    """The violations on the page as it is now, each with its rule, what it asks for, and the elements that break it."""
    await page.evaluate(_AXE)  # not a script element, which the page's Content-Security-Policy would refuse
    results = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['help']}: {_places(violation['nodes'])}" for violation in results["violations"]
    ]


def _places(nodes: list[dict[str, Any]]) -> str:
    return ", ".join(" ".join(map(str, node["target"])) for node in nodes)
