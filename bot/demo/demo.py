"""The demo behind the page: a sandbox, agents at work, and the monitor that watches what they spend."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from bot.demo.agents import Agent, Agents
from bot.demo.jobs import JOBS, NEWCO_JOBS
from bot.demo.monitor import report
from bot.demo.newco import NEWCO_KEY
from bot.demo.people import people
from bot.demo.sandbox import Sandbox, open_sandbox
from bot.demo.switches import Switches
from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Workspace

_LOOK_EVERY = 1.0  # seconds
_BURST = 5


@dataclass(frozen=True, slots=True)
class Demo:
    """All that the page shows and controls. `agents` work for Acme, whose monitor watches them, `others` for Newco."""

    sandbox: Sandbox
    agents: Agents
    others: Agents
    switches: Switches

    def agents_at(self, workspace: Workspace) -> Agents:
        """Those who work for a workspace."""
        return self.others if workspace is self.sandbox.newco.workspace else self.agents

    async def raise_alert(self, session_id: str) -> str:
        """Let the monitor report a session, and return what went wrong, if anything. KeyError for an unknown one."""
        return await report(self.sandbox.alerts, _alert(self.agents[session_id]))

    async def raise_burst(self) -> str:
        """Let it report the sessions in turn, five alerts at once; what went wrong first is returned."""
        agents = list(self.agents)
        chosen = [agents[number % len(agents)] for number in range(_BURST)]
        problems = await asyncio.gather(*[self.raise_alert(agent.session_id) for agent in chosen])
        return next(filter(None, problems), "")

    async def watch_budgets(self) -> None:
        """Report each agent that is over its budget, until the bot has taken it once."""
        reported: set[str] = set()
        while True:
            for agent in self.agents:
                is_news = _is_over(agent) and agent.session_id not in reported
                if is_news and not await self.raise_alert(agent.session_id):
                    reported.add(agent.session_id)
            await asyncio.sleep(_LOOK_EVERY)


@asynccontextmanager
async def open_demo(changes: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Demo]:
    """Start a demo, and stop it at the end. Raises BotFailedError. `changes` goes to `open_sandbox`."""
    async with open_sandbox(changes) as sandbox:
        for person in people(sandbox):
            if not person.is_external:
                person.workspace.dm_with_bot(person.user)
        acme, new = Agents(sandbox.anchor, JOBS, DEFAULT_KEY), Agents(sandbox.anchor, NEWCO_JOBS, NEWCO_KEY)
        made = Demo(sandbox, acme, new, Switches(sandbox))
        async with _in_background(acme.work(), new.work(), made.watch_budgets()):
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


def _is_over(agent: Agent) -> bool:
    return agent.job.budget is not None and agent.spent > agent.job.budget and agent.state is SessionState.RUNNING


def _alert(agent: Agent) -> dict[str, str]:
    job = agent.job
    alert = {"session_id": agent.session_id, "title": f"{job.name}: spending"}
    if job.budget is None:
        return alert | {"text": f"Told to: {job.goal}. Spent ${agent.spent:.2f} so far.", "severity": "info"}
    text = f"Told to: {job.goal}. Spent ${agent.spent:.2f}, its budget is ${job.budget:.2f}."
    return alert | {"text": text, "severity": "critical" if agent.spent > job.budget else "warning"}
