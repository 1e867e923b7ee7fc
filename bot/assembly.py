"""What acts for Slack: built from the parts that reach it, Anchor and the store."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from slack_sdk.web.async_client import AsyncWebClient

from bot.administration.administration import Administration
from bot.administration.alerting import Alerting
from bot.administration.dialogs import Dialogs
from bot.administration.herald import Herald
from bot.administration.homes import Homes
from bot.administration.keys import Keys
from bot.administration.policies import Policies
from bot.administration.rights import Rights
from bot.control import Control
from bot.gate import Gate
from bot.inbound.clicks import Clicks
from bot.inbound.departures import Departures
from bot.inbound.dialogs import DialogListeners
from bot.inbound.home import HomeListener
from bot.inbound.home_controls import HomeControls
from bot.inbound.listeners import Listeners
from bot.inbound.slack_app import SlackApp
from bot.once import Once
from bot.outbound.alert_poster import AlertPoster
from bot.outbound.anchor import AnchorClient
from bot.outbound.present_admins import PresentAdmins
from bot.outbound.response_url import ResponseUrls
from bot.outbound.roles import Roles
from bot.outbound.slack import SlackClient
from bot.outbound.slack_people import SlackPeople
from bot.outbound.slack_views import SlackViews
from bot.outbound.teller import Teller
from bot.serving import Managed, Serving
from bot.settings import Settings
from bot.tasks import Tasks
from bot.watch import Watch

_REMEMBER_TRIGGERS = 600.0  # seconds; a signature is good for 300 before its timestamp and 300 after


@dataclass(frozen=True, slots=True)
class Connections:
    """The ways out: to Anchor and to response URLs, and to Slack's Web API."""

    http: httpx.AsyncClient
    web: AsyncWebClient


@dataclass(frozen=True, slots=True)
class Conditions:
    """`now` gives Unix seconds; how many tasks may be under way; how many seconds an ack waits for an outcome."""

    now: Callable[[], float]
    capacity: int
    patience: float


class Assembly:
    """`control` and `slack_app`, what posts alerts, and what they are made of."""

    def __init__(
        self, served: Serving, settings: Settings, reach: Connections, tasks: Tasks, conditions: Conditions
    ) -> None:
        self._tasks = tasks
        self._conditions = conditions
        self._workspaces = served.workspaces
        self._views = SlackViews(reach.web)
        self._roles = Roles(SlackPeople(reach.web), time.monotonic)
        self._anchor = AnchorClient(
            reach.http,
            base_url=settings.anchor_api_url,
            timeout=settings.anchor_timeout,
            deadline=settings.anchor_deadline,
        )
        slack = SlackClient(reach.web)
        self.poster = AlertPoster(slack)
        self._teller = Teller(ResponseUrls(reach.http, api_url=settings.slack_api_url), slack, self._workspaces)
        self._admins = PresentAdmins(self._workspaces, self._roles)
        self._watch = Watch(self._workspaces, self._admins, self._teller, tasks, time.monotonic)
        self._homes = Homes(self._workspaces, self._roles, self._views, self._watch, time.monotonic)
        self.control = self._control()
        self._administration = None if served.managed is None else self._administer(served.managed)
        self.slack_app = SlackApp([*self._listeners(), *self._of_admins()], self._teller, tasks)

    def stop(self) -> None:
        """Take no new work."""
        self.control.stop()

    def interrupt(self) -> None:
        """Wait no longer for what is under way: whoever waits for it is told that the outcome is not known."""
        self.control.interrupt()
        if self._administration is not None:
            self._administration.interrupt()

    async def close(self) -> None:
        """Ask Slack nothing any more."""
        await self._roles.close()

    def _control(self) -> Control:
        once = Once(period=_REMEMBER_TRIGGERS, clock=time.monotonic)
        gate = Gate(self._workspaces, self._roles, self._watch)
        return Control(self._anchor, gate, once=once, tasks=self._tasks, capacity=self._conditions.capacity)

    def _listeners(self) -> tuple[Listeners, Departures, HomeListener]:
        """The hottest first: Bolt tries them in this order."""
        clicks = Clicks(self.control, self._teller, self._conditions.now)
        return (
            Listeners(self.control, clicks, self._teller, self._tasks, patience=self._conditions.patience),
            Departures(self._workspaces),
            HomeListener(self._homes, self._tasks),
        )

    def _of_admins(self) -> tuple[DialogListeners, HomeControls] | tuple[()]:
        if self._administration is None:
            return ()
        parts = (self._administration, self._homes, self._teller, self._tasks)
        return DialogListeners(*parts, patience=self._conditions.patience), HomeControls(*parts)

    def _administer(self, managed: Managed) -> Administration:
        rights = Rights(self._workspaces, self._roles)
        herald = Herald(self._admins, self._teller, self._tasks)
        return Administration(
            Dialogs(self._workspaces, self._roles, self._views, self._teller, base_url=managed.base_url),
            Keys(rights, self._anchor, managed.configuration, herald, self._conditions.now),
            Policies(rights, managed.configuration, herald),
            Alerting(rights, self.poster, managed.configuration, herald),
            self._tasks,
        )
