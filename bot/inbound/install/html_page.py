"""A page for a browser: it runs no script, loads nothing, sends no referrer and is not cached.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP
"""

import base64
import hashlib
from html import escape

from aiohttp import web

from bot.messages.install_pages import Page

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1.5rem;color:#1f2a44;"
    "background:#fff}h1{font-size:1.6rem;line-height:1.25}a{color:#0b5cad}p{overflow-wrap:anywhere}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every answer to a browser, also of redirects."""


def html_response(page: Page, *, install_url: str) -> web.Response:
    """Return the page, with a link to `install_url` if it offers to begin again."""
    link = f'<p><a href="{escape(install_url)}">Begin again</a></p>' if page.again else ""
    lines = "".join(f"<p>{escape(line)}</p>" for line in page.lines)
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(page.title)}</h1>{lines}{link}</main></body></html>"
    )
    return web.Response(status=page.status, text=text, content_type="text/html", headers=HEADERS)
