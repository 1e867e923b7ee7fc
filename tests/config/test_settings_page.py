"""`.env.example` and docs/settings.md show the catalog of settings as it is."""

from scripts import settings_page


def test_the_example_file_has_every_setting() -> None:
    assert settings_page.EXAMPLE.read_text() == settings_page.example(), "run scripts/test --update"


def test_the_page_of_settings_has_every_setting() -> None:
    assert settings_page.PAGE.read_text() == settings_page.page(), "run scripts/test --update"
