"""What goes wrong in a page without anybody seeing it: complaints, errors, failed requests, requests to elsewhere."""

from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request

_COMPLAINTS = {"error", "warning", "assert"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_loopback(url: str) -> bool:
    """Whether a request for this URL stays on the machine."""
    return urlsplit(url).hostname in _LOOPBACK


class Watch:
    """Writes down in `problems` what goes wrong from now on, in every page of a browser context."""

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        context.on("console", self._read)
        context.on("weberror", lambda thrown: self.problems.append(f"thrown: {thrown.error.stack or thrown.error}"))
        context.on("request", lambda request: self._locate(request.url))
        context.on("requestfailed", self._judge)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._locate(socket.url)))

    def _read(self, message: ConsoleMessage) -> None:
        if message.type in _COMPLAINTS:
            at = message.location
            self.problems.append(f"console {message.type}: {message.text} ({at['url']}:{at['lineNumber']})")

    def _locate(self, url: str) -> None:
        if not is_loopback(url):
            self.problems.append(f"leaves the machine: {url}")

    def _judge(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page gave up by itself, as every stream does at a reload
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")
