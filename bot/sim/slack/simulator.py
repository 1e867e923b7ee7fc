"""The simulated Slack."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import formatdate
from typing import Self

from aiohttp import web

from bot.sim.local_server import LocalServer
from bot.sim.slack.client import Client
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Delivery, Dispatch
from bot.sim.slack.history import Message, Place
from bot.sim.slack.http_transport import Answered, HttpTransport
from bot.sim.slack.oauth import Codes, Consent
from bot.sim.slack.platform import Platform, Timing, put, signed_headers
from bot.sim.slack.responses import ResponseUrls, Webhooks
from bot.sim.slack.socket_mode import Sockets
from bot.sim.slack.web_api import WebApi
from bot.sim.slack.workspace import APP_TOKEN, CLIENT_ID, CLIENT_SECRET, Acme, Channel, Registration, User, id_of

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105 - the example of Slack's own guide
ACK_DEADLINE = 3.0  # seconds


class SimSlack(Acme, Client):
    """Slack on 127.0.0.1, with the workspace `home`; commands and clicks go to `request_url` once it is set.

    With `socket_mode` they go over the app's websockets instead: see `sockets`.
    If it is behind a TLS server, `origin` is that of its URLs.
    `api_calls` has every call of the Web API, in order of arrival.
    Slack's clock is `now`: signatures, timestamps and the header Date of every answer are of it.
    `home`, `alice`, `alerts` and the others are described in workspace.py; more workspaces come with `add_workspace`.
    """

    def __init__(
        self,
        *,
        signing_secret: str = SIGNING_SECRET,
        now: Callable[[], float] = time.time,
        ack_deadline: float = ACK_DEADLINE,
        socket_mode: bool = False,
        origin: str | None = None,
    ) -> None:
        Acme.__init__(self)
        registration = Registration(CLIENT_ID, CLIENT_SECRET)
        platform = Platform(now, Timing(ack_deadline), APP_TOKEN, registration)
        self.signing_secret = signing_secret
        self._given_origin = origin
        self.sockets = Sockets(platform, self.home.installation.app_id, lambda: self._origin)
        self.sockets.enabled = socket_mode
        self._http = HttpTransport(platform.timing)
        self._dispatch = Dispatch(self._http, self.sockets, self.sign)
        self._response_urls = ResponseUrls(platform, lambda: self._origin)
        self._webhooks = Webhooks(platform, lambda: self._origin)
        Client.__init__(self, platform, self._response_urls, self._dispatch)
        self.add_workspace(self.home)
        codes = Codes(platform.clock.now)
        self._consent = Consent(platform, codes)
        self._api = WebApi(platform, self.sockets, codes)
        self.api_calls = self._api.calls
        self._server = LocalServer(self._routes(), headers=self._headers)

    def _routes(self) -> Iterable[web.RouteDef]:
        return (
            web.route("*", "/api/{method}", self._api.serve),
            web.post("/{kind:commands|actions|app}/{path:.*}", self._response_urls.serve),
            web.post("/services/{path:.*}", self._webhooks.serve),
            web.get("/link/", self.sockets.serve),
            web.get("/oauth/v2/authorize", self._consent.show),
            web.post("/oauth/v2/authorize", self._consent.decide),
        )

    def _headers(self) -> Mapping[str, str]:
        return {"Date": formatdate(self.clock.now() + self.clock.dates_ahead, usegmt=True)}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._server.release_port()

    async def start(self) -> None:
        """Serve the Web API, the response URLs and the websockets, and be ready to send."""
        await self._server.start()
        await self._http.start()

    async def stop(self) -> None:
        """Drop everything at once; the port stays reserved."""
        await self._http.stop()
        await self.sockets.stop()
        await self._server.stop()

    @property
    def url(self) -> str:
        """Base URL of the Web API, with the trailing slash that slack_sdk wants."""
        return f"{self._origin}/api/"

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._server.port

    @property
    def _origin(self) -> str:
        return self._given_origin or self._server.origin

    @property
    def bot_token(self) -> str:
        """The token of the app in `home`."""
        return self.home.installation.bot_token

    @property
    def request_url(self) -> str | None:
        """Return the URL for forms; None if the app has none."""
        return self._dispatch.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self._dispatch.request_url = url

    @property
    def socket_mode(self) -> bool:
        """Whether the app has Socket Mode turned on."""
        return self.sockets.enabled

    @socket_mode.setter
    def socket_mode(self, on: bool) -> None:
        self.sockets.enabled = on

    def add_webhook(self, channel: Channel) -> str:
        """Make an incoming webhook of the app for a channel, and return its URL."""
        return self._webhooks.add(channel)

    def post(  # noqa: PLR0913 - the arguments of chat.postMessage
        self,
        channel: Channel | str,
        text: str,
        *,
        blocks: Sequence[Mapping[str, object]] = (),
        attachments: Sequence[Mapping[str, object]] = (),
        thread_ts: str | None = None,
        user: User | str | None = None,
        ephemeral_to: User | str | None = None,
    ) -> Message:
        """Post as the app's incoming webhook does, wherever that is; or as `user`, a person or another app's bot."""
        raw: Part = {"text": text, "blocks": list(blocks), "attachments": list(attachments)}
        place = Place(id_of(channel), None if ephemeral_to is None else id_of(ephemeral_to), thread_ts)
        return put(self.platform, raw, place, None if user is None else id_of(user))

    async def resend(self, delivery: Delivery) -> Delivery:
        """Send the very same signed bytes, or the very same envelope, once more; nobody is shown the answer."""
        return delivery.again(await self._dispatch.send(delivery.sent))

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post these bytes to the app, with these headers only."""
        return await self._http.post(self.request_url, body, headers)

    def sign(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """Return the headers of a form with this body, signed now or at `timestamp` (Unix seconds)."""
        return signed_headers(self.signing_secret, int(self.clock.now()) if timestamp is None else timestamp, body)
