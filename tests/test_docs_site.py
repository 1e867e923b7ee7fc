"""scripts/docs builds the pages as a site, and fails if a link leads nowhere."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.long
def test_the_pages_are_a_site_with_search_and_a_link_that_leads_nowhere_fails(tmp_path: Path) -> None:
    files = subprocess.run(("/usr/bin/env", "git", "ls-files"), cwd=ROOT, capture_output=True, text=True, check=True)
    for name in files.stdout.splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    build = (str(tmp_path / "scripts/docs"),)
    subprocess.run(build, check=True)  # noqa: S603 - ours
    index = json.loads((tmp_path / "build/site/search/search_index.json").read_text())
    assert any("docs/emergency.html" in one["location"] for one in index["docs"])
    page = tmp_path / "docs/emergency.md"
    page.write_text(f"{page.read_text()}\n[Nowhere](run.md#nowhere)\n")
    failed = subprocess.run(build, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert failed.returncode == 1
    assert "#nowhere" in failed.stderr + failed.stdout
