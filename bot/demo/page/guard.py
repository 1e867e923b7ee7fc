"""Protect the page: only a browser on this machine at this address can use it, and no other site through it.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Origin
"""

from collections.abc import Mapping

_NAMES = ("127.0.0.1", "localhost")


def headers_of_answers(port: int) -> dict[str, str]:
    """Headers that let the browser load only from here, frame the page nowhere, and cache nothing.

    The scheme of the websocket is spelt out, since not every browser takes it for `'self'`.
    """
    sockets = " ".join(f"ws://{name}:{port}" for name in _NAMES)
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {sockets}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def refusal(headers: Mapping[str, str], port: int, *, needs_origin: bool) -> str | None:
    """Why a request is refused, in a sentence; None if it is not.

    Host catches a foreign name that was made to point here, Origin a foreign page. A browser's websocket always sends
    an Origin (`needs_origin`); a page that is opened by its address has none.
    """
    hosts = [f"{name}:{port}" for name in _NAMES]
    if headers.get("Host") not in hosts:
        return f"This page is served as http://{hosts[0]} only: open that."
    origin = headers.get("Origin")
    is_ours = origin in [f"http://{host}" for host in hosts]
    return None if is_ours or (origin is None and not needs_origin) else "Another site may not use this page."
