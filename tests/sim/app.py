"""An app for the simulated Slack: it answers Slack's requests, and calls the Web API and response URLs."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import aiohttp
from aiohttp import web

from bot.sim.slack import Delivery, Installation, Rule, SimSlack, Source, View, Workspace
from bot.sim.slack.views import Owner
from harness.blocks import Block, actions, attachment, button, home, input_of, menu, modal, options, section, text_input
from harness.samples import Json

NOW = 1_785_000_000
NEVER = 3600.0
"""A delay in seconds: no test lasts that long."""
FORM, JSON = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
REDIRECT = "https://bot.example.com/slack/oauth_redirect"
ALERT = [section("*High spend*", block_id="alert"), actions(button(style="danger"), block_id="anchor_actions")]
LEGACY: Block = {"type": "button", "name": "pause", "text": "Pause session", "value": "x"}
_CHANNELS = {"include": ["public", "private"], "exclude_external_shared_channels": True, "exclude_bot_users": True}
_TAB = home(
    actions(button()),
    actions(menu("static_select", options=options(1)), menu("conversations_select", action_id="any")),
    section("a", accessory=menu("multi_users_select", action_id="two", max_selected_items=2)),
    actions(menu("conversations_select", action_id="safe", filter=_CHANNELS)),
)
_MODAL = modal(
    input_of(text_input(max_length=4)),
    input_of(menu("conversations_select"), "menu", dispatch_action=True, optional=True),
    section("a", block_id="words", accessory=button()),
    actions(button()),
)


@dataclass
class App:
    """Answers everything with `body`, after `delay` seconds. `headers` are those of the last answer to a call.

    `requests` has the bytes and headers that arrived, `payloads` what they say, `there` what `set_up` has made.
    """

    slack: SimSlack
    client: aiohttp.ClientSession
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    delay: float = 0.0
    requests: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    payloads: list[Json] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    there: SimpleNamespace = field(default_factory=SimpleNamespace)

    @property
    def rules(self) -> list[Rule]:
        return [violation.rule for violation in self.slack.violations]

    def answers(self, status: int = 200, delay: float = 0.0) -> "App":
        """Answer from now on with this status, after so many seconds."""
        self.status, self.delay = status, delay
        return self

    def says(self, **message: object) -> None:
        """Acknowledge with this JSON."""
        self.body = json.dumps(message).encode()

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        self.requests.append((body, dict(request.headers)))
        self.payloads.append(json.loads(form.get("payload", json.dumps(form))))
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.content_type})

    async def send(
        self, method: str, *, body: bytes = b"", content_type: str = "", token: str | None = "", query: str = ""
    ) -> Json:
        """Send these bytes; an empty `token` is that of the home workspace, None is none."""
        headers = {"Content-Type": content_type} if content_type else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.slack.bot_token}"
        url = f"{self.slack.url}{method}{query}"
        async with self.client.post(url, data=body or None, headers=headers) as response:
            self.headers = dict(response.headers) | {"status": str(response.status)}
            answer: Json = await response.json()
            return answer

    async def form(self, method: str, token: str | None = "", **arguments: str) -> Json:
        return await self.send(method, body=urlencode(arguments).encode(), content_type=FORM, token=token)

    async def call(self, method: str, **changes: object) -> Json:
        """Call a method as a careful app does, but for the changes."""
        usual: dict[str, object] = {}
        if method in {"chat.postMessage", "chat.scheduleMessage", "chat.update"}:
            usual = {"channel": "C0ALERTS001", "text": "Paused.", "unfurl_links": False, "unfurl_media": False}
        if method in {"views.open", "views.push", "views.update"} and not {"trigger_id", "view_id"} & changes.keys():
            usual = {"trigger_id": await self.trigger(), "view": modal()}
        arguments = usual | ({"post_at": NOW + 3600} if method == "chat.scheduleMessage" else {}) | changes
        return await self.send(method, body=json.dumps(arguments).encode(), content_type=JSON)

    async def answer(self, to: Delivery | str, message: object, content_type: str = JSON) -> tuple[int, str]:
        """Post to a response URL, such as that of a command or a click: JSON, or bytes as they are."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        url, headers = to if isinstance(to, str) else to.response_url, {"Content-Type": content_type}
        async with self.client.post(url, data=body, headers=headers) as response:
            return response.status, await response.text()

    async def post_to_urls(self, message: object, content_type: str) -> Json:
        """Post to a response URL and to a webhook, which others use so that nothing is on record; return the error."""
        urls = (await self.command(), self.slack.add_webhook(self.slack.alice_and_bob))
        first, second = [await self.answer(url, message, content_type) for url in urls]
        assert first == second == (400, first[1])
        return {"error": first[1]}

    async def enter(self, name: str, line: str, thread_ts: str | None = None, *, is_away: bool = False) -> Json:
        """Type a line, and return the beginning of what the client says to the typist alone."""
        self.says(text="Paused.", response_type="in_channel")
        self.slack.request_url = "http://127.0.0.1:1/slack/events" if is_away else self.slack.request_url
        person = getattr(self.slack, name)
        await self.slack.enter(person, self.slack.alerts, line, thread_ts=thread_ts)
        said = self.slack.seen_by(person, self.slack.alerts)[-1]
        assert (said.source, said.user, said.ephemeral_to) == (Source.CLIENT, "USLACKBOT", person.id)
        assert (said.thread_ts, bool(self.requests)) == (thread_ts, not is_away and "failed" in said.text)
        return {"error": said.text.partition(". ")[0]}

    async def submit(self, ack: object) -> Json:
        """Submit the visible modal, whose ack Slack can't follow; return the detail of the violation."""
        self.body, self.status = ack if isinstance(ack, bytes) else json.dumps(ack).encode(), 200 if ack else 500
        await self.slack.submit(self.slack.alice, values={"name": "x"})
        assert (self.top.errors, self.top.client_error) == ({}, "We had some trouble connecting. Try again?")
        assert self.top.text.endswith(self.top.client_error)
        return {"error": self.slack.violations[-1].detail}

    async def command(self) -> Delivery:
        """Of Alice's, in a DM with Bob, where the bot is no member."""
        return await self.slack.command(self.slack.alice, self.slack.alice_and_bob, "x")

    async def trigger(self) -> str:
        return (await self.command()).trigger_id

    async def open(self, view: Block) -> View:
        return self.named(await self.call("views.open", trigger_id=await self.trigger(), view=view))

    async def publish(self, view: Block) -> View:
        return self.named(await self.call("views.publish", user_id=self.slack.alice.id, view=view))

    async def update(self, view: View, shown: Block) -> View:
        return self.named(await self.call("views.update", view_id=view.id, view=shown))

    def named(self, answer: Json) -> View:
        """The view of an answer of the Web API, as it is now."""
        assert answer["ok"] is True, answer
        return self.current(answer["view"]["id"])

    def current(self, view_id: str) -> View:
        view = self.slack.platform.views.find(view_id)
        assert view is not None
        return view

    @property
    def top(self) -> View:
        """The modal that Alice sees."""
        view = self.slack.modal_of(self.slack.alice)
        assert view is not None
        return view

    def add_workspace(self, name: str, **installation: str) -> Workspace:
        """Another workspace, with the app unless it has a `refusal`."""
        workspace = Workspace(f"T0{name.upper()}01", name, Installation(f"xoxb-{name}", **installation))  # type: ignore[arg-type]
        workspace.add_user(f"U0{name.upper()}01", "pat")
        self.slack.add_workspace(workspace)
        return workspace

    async def set_up(self) -> None:
        """Let there be messages and views of all kinds; the guest is deactivated."""
        slack, alices = self.slack, Owner(self.slack.home.team_id, self.slack.alice.id)
        slack.home.change_user(slack.guest, deleted=True)
        slack.home.add_channel("C0OTHERS001", "others", slack.bob)
        no_callback = attachment(LEGACY, callback_id=None)
        legacy = [attachment(LEGACY | {"url": "https://runbooks.example/spend"}), no_callback]
        await self.call("chat.postMessage", text="High spend", blocks=ALERT, attachments=[{"text": "see below"}])
        self.there = SimpleNamespace(
            own=slack.channel_messages(slack.alerts)[-1],
            message=slack.post(slack.alerts, "a", blocks=ALERT),
            several=slack.post(slack.alerts, "a", blocks=[actions(button()), actions(button())]),
            alices=slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.alice),
            archived=slack.post(slack.archived, "a", blocks=ALERT),
            gone=slack.post(slack.alerts, "a", blocks=ALERT),
            legacy=slack.post(slack.alerts, "a", attachments=legacy),
            tab=slack.platform.views.publish(alices, _TAB),
            below=slack.platform.views.push(alices, _MODAL),
            top=slack.platform.views.push(alices, _MODAL),
        )
        slack.platform.history.delete(self.there.gone)

    def consent_url(self, **changes: str) -> str:
        asked = {"client_id": self.slack.registration.client_id, "scope": "commands,chat:write", "state": "a state"}
        self.slack.registration.redirect_urls = ["https://bot.example.com"]
        page = self.slack.url.replace("/api/", "/oauth/v2/authorize?")
        return page + urlencode(asked | {"redirect_uri": REDIRECT} | changes)

    async def consent(self, **changes: str) -> Json:
        """Consent to the app in the workspace globex: the code that the browser is sent back with, or the error."""
        url, form = self.consent_url(**changes), urlencode({"decision": "allow", "team": "T0GLOBEX01"})
        headers = {"Content-Type": FORM}
        async with self.client.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            if answer.status == 400:
                text = await answer.text()
                async with self.client.get(url) as page:
                    assert (page.status, await page.text()) == (400, text)
                return {"error": text.partition("details: ")[2]}
            assert (answer.status, answer.headers["Location"].partition("?")[0]) == (302, REDIRECT)
            back = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert back["state"] == ["a state"]
        return {"code": back["code"][0]}

    async def exchange(self, code: str | None = None, **changes: str) -> Json:
        """Exchange a code, a new one unless said otherwise, for a token."""
        app, code = self.slack.registration, code or (await self.consent())["code"]
        asked = {"client_id": app.client_id, "client_secret": app.client_secret, "redirect_uri": REDIRECT, "code": code}
        return await self.form("oauth.v2.access", None, **(asked | changes))

    async def send_frame(self, frame: str) -> Json:
        """Send a frame over a websocket, and wait until it is on record."""
        connection = await self.connect()
        await connection.socket.send_bytes(b"{}")  # ignored
        await connection.socket.send_str(frame)
        await self.slack.until(lambda: self.rules)
        return {}

    async def connect(self, url: str | None = None) -> "Connection":
        """Turn Socket Mode on, open a websocket, and receive its hello."""
        self.slack.socket_mode = True
        url = url or str((await self.send("apps.connections.open", token=self.slack.app_token))["url"])
        socket = await self.client.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=0.2))
        assert json.loads(await socket.receive_str(timeout=20))["type"] == "hello"
        return Connection(socket)


@dataclass(frozen=True)
class Connection:
    """A websocket of the app."""

    socket: aiohttp.ClientWebSocketResponse

    async def receive(self) -> Json:
        async with asyncio.timeout(20):  # the socket's own time limit begins again at every ping
            frame: Json = json.loads(await self.socket.receive_str())
        return frame

    async def ack(self, envelope: Mapping[str, object], **more: object) -> None:
        await self.socket.send_str(json.dumps({"envelope_id": envelope["envelope_id"]} | more))
