"""Ports, hosts and URLs that the bot can use."""

import ipaddress
import re
from urllib.parse import urlsplit

from bot.core.workspace import is_key

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII | re.IGNORECASE)


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
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    return is_safe and _is_host(host) and is_key(value) and not (parts.username or set("?#") & set(value))


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
