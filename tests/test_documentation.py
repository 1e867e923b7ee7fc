"""The documents: links, facts, recipes, pages made from code, and the site."""

import asyncio
import json
import re
import shutil
import subprocess
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import bot
from conversations.test_alerts import TOKEN, takes_alerts
from harness import SESSION
from harness.conversation import until
from harness.snapshot import difference
from harness.stored import columns
from scripts import settings_page

ROOT = Path(bot.__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "tests/README.md"])
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


SITE_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/README.md"])


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
    for page in SITE_PAGES:
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


SENDERS, PAUSE_RECIPES = ((DOCS / f"{name}.md").read_text() for name in ("alerts", "automatic-pause"))
DATADOG = {
    "$TAGS[session_id]": SESSION,
    "$EVENT_TITLE": "[Triggered] Agent over budget",
    "$TEXT_ONLY_MSG": "It spent 41.20 of 40.00.",
    "$LINK": "https://app.datadoghq.com/event/jump_to?event_id=123456",
    "$ALERT_CYCLE_KEY": "1234567890123456789",
}
"""Variables of Datadog, with values as in its documentation."""


def block(page: str, title: str, language: str, number: int = 0) -> str:
    """A block of code in a section of a page."""
    section = re.split(r"\n##+ ", page.partition(f"# {title}\n")[2])[0]
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return blocks[number]


def of_function(title: str, name: str) -> Mapping[str, Any]:
    """The alert that the function of a recipe makes of the sender's body."""
    names: dict[str, Any] = {}
    exec(block(SENDERS, title, "python"), names)  # noqa: S102 - our own page
    return names[name](json.loads(block(SENDERS, title, "json")))  # type: ignore[no-any-return]


def of_call(page: str, title: str, number: int) -> Mapping[str, Any]:
    """The alert that a recipe sends with the function of the page."""
    sent: list[Mapping[str, Any]] = []
    exec(block(page, title, "python", number), {"send": sent.append})  # noqa: S102 - our own page
    return sent[0]


def of_datadog() -> Mapping[str, Any]:
    payload = block(SENDERS, "Datadog", "json")
    for variable, value in DATADOG.items():
        payload = payload.replace(variable, value)
    return json.loads(payload)  # type: ignore[no-any-return]


def of_curl() -> Mapping[str, Any]:
    (body,) = re.findall(r"-d '(.*?)'", block(SENDERS, "Alert messages", "console"))
    return json.loads(body)  # type: ignore[no-any-return]


RECIPES = {
    "curl": of_curl(),
    "python": of_call(SENDERS, "Your own Python", 1),
    "datadog": of_datadog(),
    "sentry": of_function("Sentry", "sentry"),
    "pagerduty": of_function("PagerDuty", "pagerduty"),
    "cloudwatch": of_function("CloudWatch", "cloudwatch"),
    "brake": of_call(PAUSE_RECIPES, "Let an agent pull the brake", 0),
}


async def test_each_recipe_becomes_a_card_or_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are sent by the function of the page, which needs no package."""
    names: dict[str, Any] = {}
    exec(block(SENDERS, "Your own Python", "python"), names)  # noqa: S102 - our own page
    async with takes_alerts(AUTO_PAUSE="on", AUTO_PAUSE_TOKENS="default") as at:
        monkeypatch.setenv("ALERTS_URL", f"{at.bot.url}/alerts")
        monkeypatch.setenv("ALERTS_TOKEN", TOKEN)
        answers = {name: await asyncio.to_thread(names["send"], alert) for name, alert in RECIPES.items()}
        await until(lambda: [order.verb for order in at.orders] == ["pause"])
    assert {alert["session_id"] for alert in RECIPES.values()} == {SESSION}
    assert [name for name, answer in answers.items() if not answer["ok"] or "warnings" in answer] == []
    assert answers["brake"]["pause"] == "Paused"
    assert [answer.get("count", number) for number, answer in enumerate(answers.values(), 1)] == [1, 2, 3, 4, 5, 6, 7]


GENERATED = {settings_page.PAGE: settings_page.page, settings_page.EXAMPLE: settings_page.example}


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_a_page_is_as_the_code_makes_it(path: Path) -> None:
    saved, now = path.read_text(), GENERATED[path]()
    if saved != now:
        pytest.fail(difference(saved, now, path.name), pytrace=False)
