"""The demo behind the page: a sandbox, agents at work, the monitor that watches what they spend, and the guide."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from bot.demo.agents import Agent, Agents
from bot.demo.auto_pause import AutoPauseMenu
from bot.demo.guide import Guide
from bot.demo.jobs import JOBS, NEWCO_JOBS
from bot.demo.monitor import report, report_as_alertmanager
from bot.demo.newco import NEWCO_KEY
from bot.demo.people import people
from bot.demo.sandbox import Sandbox, open_sandbox
from bot.demo.switches import Switches
from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Workspace

_LOOK_EVERY = 1.0  # seconds
_NEAR = 0.9  # of the budget: the first alert is a warning
_QUESTION = "Is anybody watching Flight watch? 9c0d7e11-2222-4333-8444-555566667777"
"""A message with a session's id, for the menu of a message."""


@dataclass(frozen=True, slots=True)
class Demo:
    """All that the page shows and controls. `agents` work for Acme, whose monitor watches them, `others` for Newco.

    Acme's `fleet` works while its switch is on.
    """

    sandbox: Sandbox
    agents: Agents
    others: Agents
    fleet: Agents
    switches: Switches
    guide: Guide
    auto_pause: AutoPauseMenu

    def agents_at(self, workspace: Workspace) -> Agents:
        """Those who work for a workspace."""
        return self.others if workspace is self.sandbox.newco.workspace else self.agents

    async def raise_alert(self, session_id: str) -> str:
        """Let the monitor report a session, and return what went wrong, if anything. KeyError for an unknown one."""
        return await report(self.sandbox.alerts, _alert(self.agents[session_id]))

    async def raise_storm(self) -> str:
        """Let Alertmanager report all sessions of a fleet at once, and return what went wrong, if anything.

        The fleet begins if it does not work yet.
        """
        if not any(self.fleet):
            await self.switches.set("fleet", on=True)
        return await report_as_alertmanager(self.sandbox.alerts, [agent.session_id for agent in self.fleet])

    async def watch_budgets(self) -> None:
        """Report each agent that is near its budget or over it, until the bot has taken that once."""
        reported: set[tuple[str, str]] = set()
        while True:
            for agent in sorted(self.agents, key=_share_of_budget):  # the worst comes last, where people look
                news = (agent.session_id, _severity(agent))
                is_due = agent.state is SessionState.RUNNING and _share_of_budget(agent) > _NEAR
                if is_due and news not in reported and not await self.raise_alert(agent.session_id):
                    reported.add(news)
            await asyncio.sleep(_LOOK_EVERY)


@asynccontextmanager
async def open_demo(changes: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Demo]:
    """Start a demo, and stop it at the end. Raises BotFailedError. `changes` goes to `open_sandbox`."""
    async with open_sandbox(changes) as sandbox:
        for person in people(sandbox):
            if not person.is_external:
                person.workspace.dm_with_bot(person.user)
        sandbox.slack.post(sandbox.slack.alerts, _QUESTION, user=sandbox.slack.bob)
        acme, new = Agents(sandbox.anchor, JOBS, DEFAULT_KEY), Agents(sandbox.anchor, NEWCO_JOBS, NEWCO_KEY)
        fleet = Agents(sandbox.anchor, {}, DEFAULT_KEY)
        made = Demo(sandbox, acme, new, fleet, Switches(sandbox, fleet), Guide(sandbox), AutoPauseMenu(sandbox.slack))
        async with _in_background(acme.work(), new.work(), fleet.work(), made.watch_budgets(), made.guide.follow()):
            yield made


@asynccontextmanager
async def _in_background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks: Sequence[asyncio.Task[None]] = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _share_of_budget(agent: Agent) -> float:
    return 0.0 if agent.job.budget is None else agent.spent / agent.job.budget


def _severity(agent: Agent) -> str:
    if agent.job.budget is None:
        return "info"
    return "critical" if _share_of_budget(agent) > 1 else "warning"


def _alert(agent: Agent) -> dict[str, str]:
    job = agent.job
    budget = " so far" if job.budget is None else f" of ${job.budget:.2f}"
    text = f"Task: {job.goal[0].lower()}{job.goal[1:]}. Spent ${agent.spent:.2f}{budget}."
    title = f"{job.name}: spending"
    return {"session_id": agent.session_id, "title": title, "text": text, "severity": _severity(agent)}
