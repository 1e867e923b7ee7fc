"""Say whether this interpreter is built with profile-guided and link-time optimization (PGO and LTO).

`scripts/bench` runs it with interpreters in turn: the exit code is 0 for one that is.
"""

import sys
import sysconfig
from pathlib import Path

_LEAST = (3, 11)
_FLAGS = ("--enable-optimizations", "--with-lto")
_DEBIAN = Path("/etc/debian_version")


def build() -> str:
    """Return how this interpreter is built."""
    if sys.base_prefix == "/usr" and _DEBIAN.exists():
        return "Debian's, built with PGO and LTO"  # its sysconfig does not say so, but its changelog
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return "built with PGO and LTO" if all(flag in arguments for flag in _FLAGS) else "built without PGO and LTO"


if __name__ == "__main__":
    sys.exit(sys.version_info < _LEAST or "without" in build())
