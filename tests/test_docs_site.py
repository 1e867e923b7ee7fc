"""scripts/docs builds the pages as a site, and fails if a link leads nowhere."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.docs_pages import copied

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/README.md"])


class Lists(HTMLParser):
    """The number of steps in each numbered list of a page, and the addresses that the page loads something from."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.loaded = list[int](), list[str]()
        self._open = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"ol", "ul"}:
            self._open.append(tag)
            self.steps += [0] if tag == "ol" else []
        elif tag == "li" and self._open[-1] == "ol":
            self.steps[-1] += 1
        elif tag in {"script", "link", "img", "source", "iframe"}:
            rel = dict(attrs).get("rel") or ""
            self.loaded += [
                value or "" for name, value in attrs if name in {"src", "href", "srcset"} and rel != "canonical"
            ]

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ol", "ul"}:
            self._open.pop()


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def numbered(page: Path) -> list[int]:
    """The number of steps in each numbered list of a page, as it is written."""
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", without_code(page.read_text()), re.MULTILINE)]
    return [one for one, following in pairwise([*numbers, 1]) if following == 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_belongs_to_a_step_is_indented_as_the_site_needs_it(page: Path) -> None:
    text = without_code(copied(page, {*PAGES}))
    assert re.findall(r"^ {1,3}[^\s<].*", text, re.MULTILINE) == []


@pytest.mark.long
def test_the_pages_are_a_site_with_search_and_a_link_that_leads_nowhere_fails(tmp_path: Path) -> None:
    files = subprocess.run(("/usr/bin/env", "git", "ls-files"), cwd=ROOT, capture_output=True, text=True, check=True)
    for name in files.stdout.splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    build, site = (str(tmp_path / "scripts/docs"),), tmp_path / "build/site"
    subprocess.run(build, check=True)  # noqa: S603 - ours
    found = {one["location"] for one in json.loads((site / "search/search_index.json").read_text())["docs"]}
    assert any("docs/emergency.html" in one for one in found)
    assert [one for one in found if "decisions" in one] == []
    for page in PAGES:
        name = str(page.relative_to(ROOT)).replace("README.md", "index.md").removesuffix(".md")
        shown = Lists()
        shown.feed(re.sub(r".*<article|</article>.*", "", (site / f"{name}.html").read_text(), flags=re.DOTALL))
        assert shown.steps == numbered(page), name
        assert [one for one in shown.loaded if "//" in one] == [], name
    page = tmp_path / "docs/emergency.md"
    page.write_text(f"{page.read_text()}\n[Nowhere](run.md#nowhere)\n")
    failed = subprocess.run(build, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert failed.returncode == 1
    assert "#nowhere" in failed.stderr + failed.stdout
