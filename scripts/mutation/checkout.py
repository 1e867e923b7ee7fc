"""Copies of the checkout, with environments of their own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]
_EDITED = count(1)


class Checkout:
    """A copy of the files of the working tree; its interpreter imports the bot from the copy, in every process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in files():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
        own, copied = str(ROOT / ".venv"), str(root / ".venv")
        shutil.copytree(own, copied, symlinks=True, copy_function=_link)
        for path in [*(root / ".venv/bin").iterdir(), *(root / ".venv").rglob("*.pth")]:
            if not path.is_symlink() and str(ROOT).encode() in (content := path.read_bytes()):
                mode = path.stat().st_mode
                path.unlink()  # it is the same file as the original
                path.write_bytes(content.replace(own.encode(), copied.encode()).replace(bytes(ROOT), bytes(root)))
                path.chmod(mode)
        for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "copy")):
            names = ("user.name=copy", "user.email=copy@localhost", "core.hooksPath=/dev/null", "core.safecrlf=false")
            settings = [word for name in names for word in ("-c", name)]
            subprocess.run(["git", *settings, *command], cwd=root, check=True)  # noqa: S603, S607 - our own words

    @property
    def python(self) -> str:
        """The interpreter of the copy."""
        return str(self.root / ".venv/bin/python")

    @property
    def environment(self) -> dict[str, str]:
        """Variables for processes in the copy."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return kept | {"PATH": f"{self.root / '.venv/bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": f"{self.root}/.venv"}

    @contextmanager
    def edited(self, file: str, line: int, text: str) -> Iterator[None]:
        """Replace one line for a while."""
        path = self.root / file
        original, times = path.read_text(), path.stat()
        lines = original.splitlines(keepends=True)
        lines[line - 1] = f"{text}\n"
        path.write_text("".join(lines))
        # Python compiles a file again if its size or the whole second of its time differs.
        os.utime(path, (times.st_atime, int(times.st_mtime) + 10 * next(_EDITED)))
        try:
            yield
        finally:
            path.write_text(original)
            os.utime(path, (times.st_atime, times.st_mtime))


def files() -> list[str]:
    """Return the files of the working tree that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
