"""The documents: short, reachable from the README, without broken links, and complete."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from harness.product import outcomes
from harness.stored import columns

ROOT = Path(bot.__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "tests/README.md"])
PAUSES = DOCS / "automatic-pause.md"
RECORD = re.compile(r"\d{4}-.*")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and anchors that the page links to in this repository."""
    text = re.sub(r"`[^`\n]*`", "`code`", prose(page))
    for target in re.findall(r"\]\(([^)]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text):
        path, _, anchor = "".join(target).partition("#")
        if not path.startswith(("https://", "http://", "mailto:")):
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_for_an_emergency_is_short_and_the_first_link_of_the_readme() -> None:
    path, _ = next(links(ROOT / "README.md"))
    assert path == DOCS / "emergency.md"
    assert len(path.read_text().splitlines()) <= 15


def test_the_readme_is_short_and_shows_the_bot_and_its_two_commands_at_once() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 100
    first_screen = "\n".join(lines[:20])
    assert "docs/pictures/" in first_screen
    assert max(picture.stat().st_size for picture in (DOCS / "pictures").iterdir()) < 1_000_000
    assert re.findall(r"^\$ (scripts/\S+)", first_screen, re.MULTILINE) == ["scripts/demo", "scripts/setup"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_its_links_lead_somewhere(page: Path) -> None:
    broken = [
        f"{path}#{anchor}"
        for path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert broken == []


def test_every_page_and_picture_is_reached_from_the_readme() -> None:
    reached, found = set[Path](), [ROOT / "README.md"]
    while found:
        page = found.pop()
        reached.add(page)
        found += [path for path, _ in links(page) if path not in reached] if page.suffix == ".md" else []
    assert {*PAGES, *(DOCS / "pictures").iterdir()} - reached == set()


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS in page.parents], ids=name_of)
def test_its_first_sentence_says_whom_a_page_is_for(page: Path) -> None:
    first = page.read_text().split("\n\n")[1]
    assert first.startswith("**Context.** " if RECORD.fullmatch(page.name) else "This page is for ")


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS in page.parents], ids=name_of)
def test_a_page_is_short_unless_it_is_a_reference(page: Path) -> None:
    text = page.read_text()
    if page.stem == "performance":
        assert "it is a reference" in text.split("\n\n")[1]
    else:
        assert len(text.splitlines()) <= 300


def test_the_site_has_each_page() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert sorted(re.findall(r"[\w/-]+[.]md", nav)) == [
        name_of(page) for page in PAGES if not RECORD.fullmatch(page.name)
    ]


def test_each_test_that_a_page_names_exists() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = {name for page in PAGES for name in re.findall(r"`(test_\w+)`", page.read_text())}
    assert named
    assert [name for name in sorted(named) if f"def {name}(" not in tests] == []


def test_the_page_about_peoples_data_names_each_column_of_each_table() -> None:
    named = Counter[tuple[str, str]]()
    for table, listed in re.findall(r"^\| `(\w+)` \| (.+?) \|", (DOCS / "privacy.md").read_text(), re.MULTILINE):
        named.update((table, column) for column in re.findall(r"`(\w+)`", listed))
    assert named == Counter((table, column) for table, names in columns().items() for column in names.split(", "))


def test_the_architecture_has_a_line_for_each_folder() -> None:
    folders = {path.parent for path in (ROOT / "bot").rglob("*.py") if "__pycache__" not in path.parts}
    names = {folder.relative_to(ROOT / "bot") for folder in folders} - {Path()}
    parts = {str(name) for name in names if len(name.parts) == 1 or name.parts[0] in {"inbound", "usecases"}}
    parts |= {str(name) for name in names if name.parts[0] == "outbound" and len(name.parts) == 2}
    assert set(re.findall(r"^\| `(.+?)/` \|", (DOCS / "architecture.md").read_text(), re.MULTILINE)) == parts


@pytest.mark.parametrize("page", ["alerts", "automatic-pause"])
def test_what_a_page_shows_to_copy_is_a_part_of_a_file_in_deploy(page: str) -> None:
    shown = re.findall(r"^ *```yaml\n(.*?)^ *```$", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
    files = [path.read_text() for path in (ROOT / "deploy").glob("*.yml")]
    assert shown
    assert [one for one in map(textwrap.dedent, shown) if not any(one in file for file in files)] == []


def test_the_page_about_automatic_pauses_has_each_word_of_an_answer() -> None:
    (table,) = re.findall(r"^\| `pause` \| \|\n\|---\|---\|\n(.*?)\n\n", PAUSES.read_text(), re.DOTALL | re.MULTILINE)
    assert re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE) == [word.value for word in outcomes.PauseWord]
