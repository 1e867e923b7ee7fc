"""The licenses of the run-time dependencies: listed, and none that binds the bot's own code."""

from scripts import licenses_page

FREE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
OF_A_SEPARATE_LIBRARY = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}


def test_the_page_has_every_dependency() -> None:
    assert licenses_page.PAGE.read_text() == licenses_page.page(), "run scripts/test --update"


def test_a_new_kind_of_license_is_noticed() -> None:
    others = {
        name: found
        for name, found in licenses_page.licenses().items()
        if set(found.replace(" OR ", " AND ").split(" AND ")) - FREE
    }
    assert others == OF_A_SEPARATE_LIBRARY
