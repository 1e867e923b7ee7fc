"""The proxy for outgoing https calls, and the hosts that are called directly."""

import re
from dataclasses import dataclass

from bot.core.secret import Secret

_WITH_PORT = re.compile(r"(\[.+\]|[^:]+):(\d+)", re.ASCII)  # an IPv6 address with a port has brackets


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `url` has no credentials; `authorization` is the value of the header, if the proxy needs it.

    `exceptions` are the items of NO_PROXY, in lower case.
    """

    url: str
    authorization: Secret | None = None
    exceptions: tuple[str, ...] = ()

    def serves(self, host: str, port: int) -> bool:
        """Return whether calls to this host and port go through the proxy.

        An exception is `*`, a host, or a domain with all hosts in it; each can have a port.
        """
        name = host.lower().rstrip(".")
        return not any(_matches(exception, name, port) for exception in self.exceptions)


def _matches(exception: str, name: str, port: int) -> bool:
    if exception == "*":
        return True
    with_port = _WITH_PORT.fullmatch(exception)
    domain, only_port = with_port.groups() if with_port else (exception, str(port))
    domain = domain.strip("[]").removeprefix("*").removeprefix(".")
    return bool(domain) and f".{name}".endswith(f".{domain}") and only_port == str(port)
