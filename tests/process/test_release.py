"""A release is whole: what its wheel installs works where nothing of the checkout is in reach."""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from packaging.requirements import Requirement

from bot.demo.page.assets import read_assets
from bot.sim.local_server import LocalServer
from harness.process import bot_process, fetch, run_command
from harness.programs import needs
from harness.releases import CHECKOUT, PROJECT_URL, Copy, make_environment, pip_install, python
from scripts.licenses_page import pinned

pytestmark = [pytest.mark.anyio, needs("git")]


@dataclass(frozen=True, slots=True)
class Installation:
    """The bot as somebody has it who installed the wheel with the pinned requirements."""

    command: tuple[str, ...]
    packages: Path
    empty: Path


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Installation:
    venv, empty = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("empty")
    packages = await make_environment(venv)
    await run_command(*pip_install(venv), wheels["0.1.0"])
    return Installation((str(venv / "bin/anchor-bot"),), packages, empty)


def files(directory: Path) -> set[str]:
    paths = {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()}
    return {str(path) for path in paths if "__pycache__" not in path.parts}


async def test_the_wheel_has_every_file_knows_its_version_and_runs_the_demo(installation: Installation) -> None:
    assert files(installation.packages / "bot") == files(CHECKOUT / "bot")
    shared = installation.packages.parents[2] / "share/anchor-chatops"
    originals = {
        path.name: path for path in map(CHECKOUT.joinpath, ("manifest.yml", ".env.example", "docs/licenses.md"))
    }
    assert files(shared) == set(originals)
    assert all((shared / name).read_text() == path.read_text() for name, path in originals.items())
    assert await run_command(*installation.command, "--version", cwd=installation.empty, env={}) == "anchor-bot 0.1.0\n"
    at, arguments = installation, ("demo", "--no-browser")
    async with bot_process({}, command=at.command, arguments=arguments, directory=at.empty, covered=False) as demo:
        url = await demo.prints("The demo is at ")
        assets = read_assets()
        del assets["install"]
        for path, asset in assets.items():
            assert await fetch(f"{url}{path}") == asset.body.decode()
        steps = await fetch(f"{url}install")  # with the release's own links
        assert steps.startswith("## Install it in Slack\n")
        assert PROJECT_URL in steps
        assert await demo.stop() == 0


async def test_the_sdist_makes_the_same_files_again(tmp_path: Path) -> None:
    """Elsewhere, at another time, and by somebody whose files nobody else can read."""
    await python("hatchling", "build", "--directory", tmp_path / "first")
    (sdist,) = (tmp_path / "first").glob("*.tar.gz")
    await run_command("tar", "-xf", sdist, "-C", tmp_path)
    unpacked = tmp_path / sdist.name.removesuffix(".tar.gz")
    for path in unpacked.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (0, 0))
    await python("hatchling", "build", "--directory", tmp_path / "second", cwd=unpacked)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert len(first) == 2
    assert [name for name in first if first[name] != second.get(name)] == []


async def test_a_release_has_its_notes_and_checksums_and_is_made_from_a_commit_only(tmp_path: Path) -> None:
    copy, made = Copy(tmp_path), tmp_path / "dist"
    await copy.make()
    await copy.commit("1.2.3", "## [Unreleased]")
    assert "has no section" in await copy.release(code=1)
    copy.write_changelog("## [1.2.3] - 2026-11-26")
    assert "not committed" in await copy.release(code=1)
    await copy.commit("1.2.3", "## [1.2.3] - 2026-11-26")
    assert "PROJECT_URL=" in await copy.release(code=1, PROJECT_URL="")
    assert not made.exists()
    await copy.release()
    first = {path.name: path.read_bytes() for path in made.iterdir()}
    await copy.release()
    assert {path.name: path.read_bytes() for path in made.iterdir()} == first
    assert (made / "NOTES.md").read_text() == "- New.\n"
    assert (made / "anchor-bot.service").read_text() == (CHECKOUT / "deploy/anchor-bot.service").read_text()
    known = {Requirement(line) for line in (made / "constraints.txt").read_text().splitlines()}
    assert known == {Requirement(f"{one.name}{one.specifier}") for one in pinned()}
    sums = {name: known for known, name in (line.split() for line in (made / "SHA256SUMS").read_text().splitlines())}
    with zipfile.ZipFile(made / "anchor_chatops-1.2.3-py3-none-any.whl") as wheel:
        about = wheel.read("anchor_chatops-1.2.3.dist-info/METADATA").decode()
    assert f"git clone {PROJECT_URL} anchor-bot" in about
    assert "PROJECT_URL" not in about
    parts = json.loads(first["sbom.json"])
    assert {(one["name"], one["version"]) for one in parts["components"]} == {
        (one.name, str(one.specifier).removeprefix("==")) for one in pinned()
    }
    assert parts["metadata"]["component"]["purl"] == "pkg:pypi/anchor-chatops@1.2.3"
    used = {name for one in parts["dependencies"] for name in one["dependsOn"]}
    assert {one["bom-ref"] for one in parts["components"]} == used
    assert len(sums) == 5
    assert sums.keys() == {path.name for path in made.iterdir()} - {"NOTES.md", "SHA256SUMS"}
    assert all(hashlib.sha256((made / name).read_bytes()).hexdigest() == known for name, known in sums.items())


@needs("skopeo")
async def test_images_are_pinned_to_what_the_registry_has(tmp_path: Path) -> None:
    manifest = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
    digest = hashlib.sha256(manifest).hexdigest()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.json_response({})
        if request.path.startswith("/v2/missing/"):
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        return web.Response(body=manifest, content_type="application/vnd.oci.image.index.v1+json")

    copy = Copy(tmp_path)
    await copy.make()
    async with LocalServer([web.get("/v2/{path:.*}", answer)]) as registry:
        here, settings = f"127.0.0.1:{registry.port}", tmp_path / ".config/containers/registries.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text(f'[[registry]]\nlocation = "{here}"\ninsecure = true\n')

        async def pin(image: str, code: int) -> str:
            (tmp_path / "Dockerfile").write_text(
                f"FROM {here}/python:3.13-slim@sha256:{'0' * 64} AS build\nFROM {image}\n"
            )
            (tmp_path / "compose.yaml").write_text(f"services:\n  one:\n    image: {here}/postgres:17.12\n")
            await copy.release("--pin-images", code=code, HOME=str(tmp_path))
            return (tmp_path / "Dockerfile").read_text() + (tmp_path / "compose.yaml").read_text()

        pinned_images = await pin(f"{here}/python:3.13-slim", 0)
        kept = await pin(f"{here}/missing/image:1.0", 1)
    assert pinned_images.count(f":3.13-slim@sha256:{digest}") == 2
    assert f"    image: {here}/postgres:17.12@sha256:{digest}\n" in pinned_images
    assert digest not in kept
