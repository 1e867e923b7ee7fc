"""A disk that can hang, and a name server that does not answer. Both take the rights of root."""

import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.process import MODULE

_MEGABYTES = 64


class NotPossibleError(Exception):
    """The fault cannot be made on this machine; the text says why."""


@contextmanager
def disk(directory: Path) -> Iterator[Path]:
    """Yield the directory of a new ext4 in a file. Raises NotPossibleError."""
    image, mounted = directory / "disk.img", directory / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(_MEGABYTES << 20)
    try:
        _run("mkfs.ext4", "-q", str(image))
        _run("mount", "-o", "loop", str(image), str(mounted))
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotPossibleError("needs root, to mount a disk that can be frozen") from error
    try:
        yield mounted
    finally:
        _run("umount", "--lazy", str(mounted))


@asynccontextmanager
async def hanging(mounted: Path) -> AsyncIterator[None]:
    """Let every write of the disk wait."""
    _run("fsfreeze", "--freeze", str(mounted))
    try:
        yield
    finally:
        _run("fsfreeze", "--unfreeze", str(mounted))


_NAME_SERVER = "127.0.0.53"
_WITH_NAMES = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'


@dataclass(frozen=True, slots=True)
class Names:
    """A file of names, and the command of a bot that finds its names there, and else asks the silent name server."""

    hosts: Path

    @property
    def command(self) -> tuple[str, ...]:
        """Return the command."""
        resolver = self.hosts.with_name("resolv.conf")
        return ("unshare", "--mount", "sh", "-c", _WITH_NAMES, "sh", str(self.hosts), str(resolver), *MODULE)

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Let nobody know a name."""
        self.hosts.write_text("")
        yield
        self.restore()

    def restore(self) -> None:
        """Know the names."""
        self.hosts.write_text("127.0.0.1 localhost\n")


@contextmanager
def names(directory: Path) -> Iterator[Names]:
    """Yield names of Slack and Anchor. Raises NotPossibleError."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        try:
            server.bind((_NAME_SERVER, socket.getservbyname("domain")))
            _run("unshare", "--mount", "true")
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotPossibleError("needs root, to be the name server") from error
        (directory / "resolv.conf").write_text(f"nameserver {_NAME_SERVER}\n")
        found = Names(directory / "hosts")
        found.restore()
        yield found


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
