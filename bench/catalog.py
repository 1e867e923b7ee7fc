"""The measures by name: their numbers, their sentences, and the applications that they are for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench import measures
from bench.applications import Application
from bench.busy import RATE, SECONDS, busy
from bench.idle import CARDS, IDLE_SECONDS, idle
from bench.instructions import CLICKS, COUNTED, IN_FLIGHT, instructions
from bench.measures import Stage
from bench.rates import RATES, Rate
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
    """A measure: it runs on an application that was started for several (`run`), or starts its own (`run_alone`).

    One that `is_first` reads the memory of an application that has done nothing.
    """

    name: str
    title: str
    sentence: str
    numbers: tuple[Number, ...]
    run: Callable[[Stage, Running], Numbers] | None = None
    run_alone: Callable[[Stage], Numbers] | None = None
    is_for: Callable[[Application], bool] = lambda _: True
    is_first: bool = False


_ONE_BY_ONE = (
    "They arrive one by one in equal intervals, whatever comes of them; the application is warm. Anchor takes 50 ms, "
    "and Slack 40 ms for a call of a `response_url`. *To the message* ends when the ack with it has arrived, or when "
    "Slack has processed the call. *CPU* is the processor time per command, with what the application does meanwhile."
)
_ABOVE = "As above. With few commands, p99.9 is the slowest one."


def _rate(rate: Rate) -> Measure:
    """Return the measure of a rate. All of them have one name."""
    title = "One command a second" if rate.rate == 1 else f"{rate.rate} commands a second"
    kinds = {"anchor": "to Anchor", "message": "to the message"}
    parts = {"p50": "p50, ms", "p99": "p99, ms", "p999": "p99.9, ms"}
    return Measure(
        "rate",
        title,
        f"{rate.count:,} commands. {_ONE_BY_ONE if rate.warm_up else _ABOVE}",
        (
            *(
                Number(f"{kind}_{part}_at_{rate.rate}", f"{of_kind} {of_part}", 1, is_compared=part == "p50")
                for kind, of_kind in kinds.items()
                for part, of_part in parts.items()
            ),
            Number(f"cpu_at_{rate.rate}", "CPU, ms", 2),
        ),
        run=rate.run,
    )


MEASURES = (
    *map(_rate, RATES),
    Measure(
        "click",
        "Clicks",
        "One click at a time on the Pause button of an alert. Anchor takes 50 ms, and Slack 40 ms for each call. "
        "*Card* is when Slack has processed the update of that message, which shows the result. Peers only post "
        "another one.",
        (
            Number("click_ack", "click to ack, ms", 1),
            Number("click_anchor", "click to Anchor called, ms", 1),
            Number("click_card", "click to card, ms", 1),
            Number("click_message", "click to message, ms", 1),
        ),
        run_alone=measures.click,
    ),
    Measure(
        "memory",
        "Startup and memory",
        f"From the start of the process to its first answer; resident memory after that, and after {measures.LOADED:,} "
        "commands.",
        (Number("startup", "startup, s", 2), Number("idle", "idle, MB"), Number("loaded", "after the load, MB")),
        run=measures.memory,
        is_first=True,
    ),
    Measure(
        "idle",
        "An idle hour",
        f"The processor time of an hour without requests, and how often a thread is woken in a second: measured for "
        f"{IDLE_SECONDS:.0f} s. Also with {CARDS:,} open cards, whose sessions all run.",
        (
            Number("idle_cpu", "CPU, s", 1),
            Number("idle_wakeups", "wakeups/s", 1),
            Number("idle_cpu_with_cards", "with open cards: CPU, s", 1),
            Number("idle_wakeups_with_cards", "with open cards: wakeups/s", 1),
        ),
        run_alone=idle,
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
        is_for=lambda application: application.has_many,
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
        "busy",
        "On a busy machine",
        f"{RATE} commands a second for {SECONDS} s, while another program keeps each core busy, also that of the load. "
        "Slack shows the person an error if the ack takes over 3 s.",
        (
            Number("busy_p50", "ack p50, ms"),
            Number("busy_p99", "ack p99, ms"),
            Number("busy_slowest", "slowest ack, ms"),
            Number("busy_late", "over 3 s", is_compared=False),
        ),
        run_alone=busy,
        is_for=lambda application: application.replicas > 1,
    ),
    Measure(
        "flat",
        "Long runs",
        f"Commands per second in the first and the last {measures.LONG_SLICE:,} of {measures.LONG_RUN:,} commands, and "
        f"the memory then; and with {measures.FEW_INSTALLED} and {measures.MANY_INSTALLED:,} installed workspaces, of "
        f"which {measures.ACTIVE} are active.",
        (
            Number("first_slice", "first, commands/s", is_compared=False),
            Number("last_slice", "last, commands/s", is_compared=False),
            Number("last_to_first", "last ÷ first", 2, is_compared=False),
            Number("first_mb", "after the first, MB", is_compared=False),
            Number("last_mb", "after the last, MB", is_compared=False),
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
        f"Instructions per command of {COUNTED}, {IN_FLIGHT} in flight and one at a time, and per click of {CLICKS} on "
        "cards, one at a time, as callgrind counts them: without those of the kernel, and as if no thread waited for "
        "another one.",
        (
            Number("instructions", "instructions, thousands"),
            Number("instructions_alone", "one at a time: instructions, thousands"),
            Number("instructions_click", "click: instructions, thousands"),
        ),
        run_alone=instructions,
        is_for=lambda application: application.replicas == 1 and not application.is_slow,
    ),
)
