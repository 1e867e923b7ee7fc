"""Where there is no Chromium the tests that need it say so; in CI they fail."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Error

from browser.chromium import executable
from browser.small_site import small_site

pytestmark = pytest.mark.anyio


def test_without_one_the_tests_are_skipped_and_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"NOT TESTED.*apt install chromium"):
        executable({"PATH": str(tmp_path)})


def test_without_one_in_ci_they_fail(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"NOT TESTED.*apt install chromium"):
        executable({"PATH": str(tmp_path), "CI": "true"})


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_it_goes_by_several_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch(mode=0o755)
    assert executable({"PATH": str(tmp_path), "CI": "true"}) == str(path)


async def test_it_looks_no_name_up(browser: Browser) -> None:
    async with small_site() as site, await browser.new_page() as page:
        await page.goto(site.origin.replace("127.0.0.1", "localhost"))
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            await page.goto(site.origin.replace("127.0.0.1", "elsewhere.localhost"))
