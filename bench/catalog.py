"""The measures by name: their numbers, their sentences, and the applications that they are for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench import measures
from bench.applications import Application
from bench.instructions import COUNTED, IN_FLIGHT, instructions
from bench.measures import Stage
from bench.running import Running

Numbers = Awaitable[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a measure; `is_compared` says whether applications are compared by it."""

    name: str
    title: str
    digits: int = 0
    is_compared: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: it runs on an application that was started for several (`run`), or starts its own (`run_alone`)."""

    name: str
    title: str
    sentence: str
    numbers: tuple[Number, ...]
    run: Callable[[Stage, Running], Numbers] | None = None
    run_alone: Callable[[Stage], Numbers] | None = None
    is_for: Callable[[Application], bool] = lambda _: True


MEASURES = (
    Measure(  # the first, since it reads the memory of an application that has done nothing
        "memory",
        "Startup and memory",
        f"From the start of the process to its first answer; resident memory after that, and after {measures.LOADED:,} "
        "commands.",
        (Number("startup", "startup, s", 2), Number("idle", "idle, MB"), Number("loaded", "after the load, MB")),
        run=measures.memory,
    ),
    Measure(
        "message",
        "Time to the message",
        "One command at a time. Anchor takes 50 ms, and Slack 40 ms for a call of a `response_url`. The message exists "
        "when the ack with it has arrived, or when Slack has processed the call. *Received* is when that call arrives.",
        (Number("message", "message, ms", 1), Number("received", "received, ms", 1)),
        run=measures.message,
    ),
    Measure(
        "throughput",
        "Commands per second",
        f"{measures.IN_FLIGHT} commands in flight until their messages exist, application warm, Anchor and Slack "
        "without delay: the processor is the limit. *CPU* is the application's processor time per command. *Load* is "
        "the share of its core that the load took: near 100 %, the number is that of the load. *Others* is what other "
        "processes took of the application's core, and of the load's: there, PostgreSQL counts, too.",
        (
            Number("throughput", "commands/s"),
            Number("cpu", "CPU, ms", 3),
            Number("ack_p50", "ack p50, ms", 1, is_compared=False),
            Number("ack_p99", "ack p99, ms", 1, is_compared=False),
            Number("load", "load, %", is_compared=False),
            Number("others", "others, %", is_compared=False),
            Number("load_others", "others of the load, %", is_compared=False),
        ),
        run=measures.throughput,
    ),
    Measure(
        "together",
        "Many at a time",
        f"{measures.TOGETHER} commands, {measures.IN_FLIGHT} in flight until their messages exist. Anchor takes "
        "50 ms, and Slack 40 ms for a call of a `response_url`.",
        (Number("together_ack", "ack, ms", 1), Number("together_anchor", "Anchor called, ms", 1)),
        run=measures.together,
    ),
    Measure(
        "burst",
        "A thousand at once",
        f"{measures.BURST:,} commands at once to an idle application, each over a new connection. Anchor takes 50 ms. "
        "Slack shows the person an error if the ack takes over 3 s.",
        (
            Number("slowest_ack", "slowest ack, ms"),
            Number("slowest_message", "slowest message, ms", is_compared=False),
            Number("late", "over 3 s", is_compared=False),
        ),
        run=measures.burst,
        is_for=lambda application: not application.is_slow,
    ),
    Measure(
        "click",
        "Clicks",
        "One click on a Pause button at a time. Anchor takes 50 ms.",
        (Number("click_ack", "click to ack, ms", 1), Number("click_anchor", "click to Anchor called, ms", 1)),
        run=measures.click,
    ),
    Measure(
        "workspaces",
        "Many active workspaces",
        f"Commands per second, as above, of {measures.WORKSPACES} people: of one workspace, and of as many workspaces.",
        (
            Number("one_workspace", "one workspace, commands/s"),
            Number("many_workspaces", f"{measures.WORKSPACES} workspaces, commands/s"),
            Number("many_to_one", "ratio", 2, is_compared=False),
            Number("one_cpu", "CPU of one, ms", 3),
            Number("many_cpu", f"CPU of {measures.WORKSPACES}, ms", 3),
        ),
        run=measures.workspaces,
        is_for=lambda application: bool(application.database),
    ),
    Measure(
        "person",
        "A person's first command",
        "The time to the message if the bot has never seen the person, at the next command, and an hour later: the "
        "bot's clocks jump, and Slack and Anchor have closed their connections. Anchor takes 50 ms, and Slack's "
        "`users.info` 40 ms. Peers look nobody up.",
        (Number("first", "first, ms", 1), Number("second", "second, ms", 1), Number("later", "an hour later, ms", 1)),
        run_alone=measures.person,
        is_for=lambda application: not application.is_socket,
    ),
    Measure(
        "flat",
        "Long runs",
        f"Commands per second in the first and the last {measures.LONG_SLICE:,} of {measures.LONG_RUN:,} commands; and "
        f"with {measures.FEW_INSTALLED} and {measures.MANY_INSTALLED:,} installed workspaces, of which "
        f"{measures.ACTIVE} are active.",
        (
            Number("first_slice", "first, commands/s", is_compared=False),
            Number("last_slice", "last, commands/s", is_compared=False),
            Number("last_to_first", "last ÷ first", 2, is_compared=False),
            Number("few_installed", f"{measures.FEW_INSTALLED} installed", is_compared=False),
            Number("many_installed", f"{measures.MANY_INSTALLED:,} installed", is_compared=False),
            Number("many_to_few", "many ÷ few", 2, is_compared=False),
        ),
        run_alone=measures.flat,
        is_for=lambda application: not application.is_slow,
    ),
    Measure(
        "instructions",
        "Instructions",
        f"Instructions per command of {COUNTED}, {IN_FLIGHT} in flight, as callgrind counts them: without those of the "
        "kernel, and as if no thread waited for another one.",
        (Number("instructions", "instructions, thousands"),),
        run_alone=instructions,
        is_for=lambda application: application.replicas == 1 and not application.is_slow,
    ),
)
