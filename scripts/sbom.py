"""Print the bill of materials of a release as CycloneDX JSON: the bot and what requirements.txt pins.

https://cyclonedx.org/docs/1.6/json/. The time is SOURCE_DATE_EPOCH, so that the same release gives the same bytes.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import distribution
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import Requirement

import bot
from scripts.licenses_page import ROOT, licenses, pinned

_ELSEWHERE = "tzdata"  # is installed on Windows only


def main() -> None:
    """Print it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own = _component("application", project["name"], bot.__version__, project["license"])
    versions = {one.name: str(one.specifier).removeprefix("==") for one in pinned()}
    parts = [_component("library", name, versions[name], license_) for name, license_ in licenses().items()]
    refs = {str(one["name"]): str(one["bom-ref"]) for one in (own, *parts)}
    needs = {name: [] if name == _ELSEWHERE else _requirements(distribution(name).requires or []) for name in versions}
    needs[project["name"]] = _requirements(project["dependencies"])
    moment = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).isoformat().replace("+00:00", "Z")
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, f"{refs[project['name']]} {moment}").urn,
        "version": 1,
        "metadata": {"timestamp": moment, "component": own},
        "components": parts,
        "dependencies": [
            {"ref": refs[name], "dependsOn": sorted(refs[one] for one in set(wanted) & set(refs))}
            for name, wanted in needs.items()
        ],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _component(kind: str, name: str, version: str, license_: str) -> Mapping[str, object]:
    purl = f"pkg:pypi/{name}@{version}"
    named = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return named | {"licenses": [{"expression": license_}]}


def _requirements(lines: Iterable[str]) -> list[str]:
    """Return the names of the packages that these lines require on any platform: the only extra is psycopg's."""
    required = [(Requirement(line), line.partition("extra ==")[2]) for line in lines]
    wanted = [one for one, extra in required if not extra or "binary" in extra]
    return [one.name.lower().replace("_", "-").replace(".", "-") for one in wanted]


if __name__ == "__main__":
    main()
