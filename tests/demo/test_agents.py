"""Agents act and spend while their session runs, and only then."""

import pytest

from bot.demo.agents import Agent, Agents
from bot.demo.jobs import JOBS, Job
from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor

RUNAWAY = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
JOB = Job("Test", "Be tested", steps=("one", "two"), rate=4.0, spent=10.0)


def texts(agent: Agent) -> list[str]:
    return [line.text for line in agent.log]


def tick(agent: Agent, state: SessionState, times: int) -> None:
    for _ in range(times):
        agent.tick(state)


def test_a_running_agent_takes_one_step_a_second_and_spends_all_the_time() -> None:
    agent = Agent(RUNAWAY, JOB, spent=10.0)
    tick(agent, SessionState.RUNNING, 9)
    assert texts(agent) == ["one", "two", "one"]
    assert [line.number for line in agent.log] == [1, 2, 3]
    assert agent.spent == 19.0


def test_a_paused_agent_says_so_once_and_spends_nothing_until_it_is_resumed() -> None:
    agent = Agent(RUNAWAY, JOB, spent=10.0)
    tick(agent, SessionState.PAUSED, 50)
    assert (texts(agent), agent.spent) == (["Paused: waiting"], 10.0)
    tick(agent, SessionState.RUNNING, 4)
    assert (texts(agent), agent.spent) == (["Paused: waiting", "Resumed: going on", "one"], 14.0)
    assert [line.is_notice for line in agent.log] == [True, True, False]


def test_the_log_forgets_its_beginning() -> None:
    agent = Agent(RUNAWAY, JOB)
    tick(agent, SessionState.RUNNING, 4 * 100)
    assert (len(agent.log), agent.log[-1].number) == (30, 100)


@pytest.mark.anyio
async def test_each_job_has_a_session_that_anchor_knows_and_can_begin_anew() -> None:
    anchor = SimAnchor()
    agents = Agents(anchor, JOBS, DEFAULT_KEY)
    assert [agent.session_id for agent in agents] == list(JOBS)
    assert agents[RUNAWAY].spent == JOBS[RUNAWAY].spent
    agents.end(RUNAWAY)
    assert anchor.session(RUNAWAY).state is SessionState.ENDED
    agents.begin_anew(RUNAWAY)
    first = next(iter(agents))
    assert (first.job, first.spent) == (JOBS[RUNAWAY], 0.0)
    assert first.session_id not in JOBS
    assert anchor.session(first.session_id).state is SessionState.RUNNING


@pytest.mark.parametrize("ask", [Agents.end, Agents.begin_anew, Agents.__getitem__])
def test_there_is_no_agent_in_a_foreign_session(ask: object) -> None:
    agents = Agents(SimAnchor(), JOBS, DEFAULT_KEY)
    with pytest.raises(KeyError):
        ask(agents, "nobody's")  # type: ignore[operator]
