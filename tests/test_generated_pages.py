"""Pages that are made from code show it as it is."""

from pathlib import Path

import pytest

from harness.snapshot import difference
from scripts import licenses_page, settings_page

FREE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
OF_A_SEPARATE_LIBRARY = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}
PAGES = {
    settings_page.PAGE: settings_page.page,
    settings_page.EXAMPLE: settings_page.example,
    licenses_page.PAGE: licenses_page.page,
}

LICENSES = licenses_page.licenses()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_as_the_code_makes_it(path: Path) -> None:
    saved, now = path.read_text(), PAGES[path]()
    if saved != now:
        pytest.fail(difference(saved, now, path.name), pytrace=False)


def test_a_new_kind_of_license_is_noticed() -> None:
    kinds = {name: set(found.replace(" OR ", " AND ").split(" AND ")) for name, found in LICENSES.items()}
    assert {name: LICENSES[name] for name, found in kinds.items() if found - FREE} == OF_A_SEPARATE_LIBRARY
