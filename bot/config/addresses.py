"""Ports, hosts and URLs that the bot can use."""

import ipaddress
import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from bot.core.fields import Proxy, Secret
from bot.core.workspace import is_key

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII | re.IGNORECASE)
_HTTP_PORT = 80  # as httpx and curl understand a proxy without a port


def is_port(text: str) -> bool:
    """Return whether `text` is a port number, or 0 for any free port."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535  # noqa: PLR2004


def is_safe_url(value: str) -> bool:
    """Return whether `value` is https, or http on this machine, so that keys are never sent unencrypted."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return is_safe and _is_host(host) and is_key(value) and not (parts.username or set("?#") & set(value))


def is_public_url(value: str) -> bool:
    """Return whether `value` is an https URL, as Slack needs it, to which the bot's paths can be added."""
    is_of_requests = value.rstrip("/").endswith("/slack/events")
    return is_safe_url(value) and value.startswith("https://") and not is_of_requests


def parse_proxy(value: str) -> Proxy | None:
    """Return the proxy at a URL, or at a host and port; None if it is invalid."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port or _HTTP_PORT
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme != "http" or not _is_host(host) or parts.path not in {"", "/"} or set("?#") & set(value):
        return None
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = Secret(f"Basic {b64encode(pair.encode()).decode()}")
    return Proxy(http_url(host, port), authorization)


def http_url(host: str, port: int) -> str:
    """Return the URL of a server; `host` is a name or an address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
