"""Tables of listeners for slash commands, buttons, modals and events."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

Listener = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Routes:
    """Listeners by slash command, `action_id`, `callback_id` and event type."""

    commands: dict[str, Listener] = field(default_factory=dict)
    actions: dict[str, Listener] = field(default_factory=dict)
    views: dict[str, Listener] = field(default_factory=dict)
    events: dict[str, Listener] = field(default_factory=dict)


def merge(tables: Iterable[Routes]) -> Routes:
    """Return one table with the listeners of all tables."""
    merged = Routes()
    for table in tables:
        merged.commands.update(table.commands)
        merged.actions.update(table.actions)
        merged.views.update(table.views)
        merged.events.update(table.events)
    return merged
