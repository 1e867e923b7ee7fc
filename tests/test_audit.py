"""scripts/audit fails visibly if it can't do its work."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.long
def test_without_packages_nothing_is_audited() -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    environ = os.environ | nowhere | {"PIP_CONFIG_FILE": os.devnull}
    command = [ROOT / "scripts" / "audit"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith("scripts/audit: nothing was checked")
