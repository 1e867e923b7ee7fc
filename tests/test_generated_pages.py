"""Pages that are made from code show it as it is."""

from pathlib import Path

import pytest

from harness.snapshot import difference
from scripts import settings_page

PAGES = {settings_page.PAGE: settings_page.page, settings_page.EXAMPLE: settings_page.example}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_as_the_code_makes_it(path: Path) -> None:
    saved, now = path.read_text(), PAGES[path]()
    if saved != now:
        pytest.fail(difference(saved, now, path.name), pytrace=False)
