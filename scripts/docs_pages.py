"""Copy the pages to build/pages for scripts/docs. Links to files that are no pages lead to the repository."""

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "build" / "pages"
PROJECT_URL = os.environ.get("PROJECT_URL", "https://example.com/anchor-bot")
_LINK = re.compile(r"(\]\()([^)#\s]+)")


def pages() -> list[Path]:
    """Return the pages and their pictures."""
    found = [*ROOT.glob("*.md"), ROOT / "tests/README.md", *(ROOT / "docs").rglob("*")]
    return [path for path in found if path.is_file()]


def copied(page: Path, kept: set[Path]) -> str:
    """Return the text of a page as the site needs it."""

    def rewrite(link: re.Match[str]) -> str:
        before, target = link.groups()
        path = (page.parent / target).resolve()
        if re.match(r"[a-z]+:", target) or path in kept or not path.exists():
            return f"{before}{target}"
        return f"{before}{PROJECT_URL}/blob/HEAD/{path.relative_to(ROOT)}"

    return _LINK.sub(rewrite, page.read_text()).replace("PROJECT_URL", PROJECT_URL)


def main() -> None:
    """Copy them."""
    shutil.rmtree(TARGET, ignore_errors=True)
    kept = set(pages())
    for path in sorted(kept):
        target = TARGET / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(copied(path, kept))
        else:
            shutil.copy(path, target)


if __name__ == "__main__":
    main()
