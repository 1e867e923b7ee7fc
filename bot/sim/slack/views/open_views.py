"""All Home tabs and open modals, by person."""

import itertools
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.sim.change_event import ChangeEvent
from bot.sim.slack.clock import Clock
from bot.sim.slack.content import Part, parts
from bot.sim.slack.normalize import normalize_block, normalize_value
from bot.sim.slack.views.entries import carried, initial_state
from bot.sim.slack.views.view import View

MOST = 3  # views in a modal
_TEXTS = ("title", "submit", "close")


class RefusedError(Exception):
    """The view can't be shown like that; its text is Slack's error."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One person, in the workspace whose app it is."""

    team_id: str
    user_id: str


class Views:
    """The open views of each person; the modal that was pushed last is visible."""

    def __init__(self, clock: Clock, change_event: ChangeEvent) -> None:
        self._clock = clock
        self._change_event = change_event
        self._homes: dict[Owner, View] = {}
        self._modals: defaultdict[Owner, list[View]] = defaultdict(list)
        self._numbers = itertools.count(1)
        self._ids = (f"{number:04X}=" for number in itertools.count(0x1000))

    def home(self, owner: Owner) -> View | None:
        """Return what the Home tab shows."""
        return self._homes.get(owner)

    def modals(self, owner: Owner) -> tuple[View, ...]:
        """Return the stack."""
        return tuple(self._modals[owner])

    def find(self, view_id: str) -> View | None:
        """Return a view as it is now; None if it is closed."""
        return next((view for view in self._all() if view.id == view_id), None)

    def push(self, owner: Owner, raw: Part) -> View:
        """Show a modal, on top of those that are open."""
        stack = self._modals[owner]
        if len(stack) == MOST:
            raise RefusedError("push_limit_reached")
        below = stack[-1] if stack else None
        view = self._new(owner, raw, "modal")
        if below is not None:
            view = replace(view, root_view_id=below.root_view_id, previous_view_id=below.id)
        stack.append(view)
        self._change_event.notify()
        return view

    def publish(self, owner: Owner, raw: Part) -> View:
        """Let the Home tab show this."""
        shown = self._homes.get(owner)
        if shown is not None:
            return self.update(shown, raw)
        view = self._homes[owner] = self._new(owner, raw, "home")
        self._change_event.notify()
        return view

    def update(self, view: View, raw: Part) -> View:
        """Let a view show this instead; what was typed and chosen stays where its ids do."""
        fields = self._fields(raw)
        changed: View = replace(view, **fields, hash=self._hash(), state=carried(view, fields["blocks"]), errors={})
        return self.put(replace(changed, client_error=""))

    def put(self, view: View) -> View:
        """Replace a view by what became of it on the person's side; ignored if it is closed."""
        owner = Owner(view.team_id, view.user_id)
        shown = self._homes.get(owner)
        if shown is not None and shown.id == view.id:
            self._homes[owner] = view
        self._modals[owner] = [view if modal.id == view.id else modal for modal in self._modals[owner]]
        self._change_event.notify()
        return view

    def close(self, view: View, *, clear: bool = False) -> None:
        """Close a modal; with `clear` all of the stack."""
        owner = Owner(view.team_id, view.user_id)
        self._modals[owner] = [] if clear else [modal for modal in self._modals[owner] if modal.id != view.id]
        self._change_event.notify()

    def forget(self, team_id: str) -> None:
        """Drop everything in a workspace."""
        self._homes = {owner: view for owner, view in self._homes.items() if owner.team_id != team_id}
        for owner, stack in self._modals.items():
            if owner.team_id == team_id:
                stack.clear()
        self._change_event.notify()

    def _all(self) -> Iterator[View]:
        yield from self._homes.values()
        for stack in self._modals.values():
            yield from stack

    def _new(self, owner: Owner, raw: Part, kind: Literal["modal", "home"]) -> View:
        view_id = f"V{next(self._numbers):010}"
        fields = self._fields(raw)
        return View(
            id=view_id,
            type=kind,
            team_id=owner.team_id,
            user_id=owner.user_id,
            hash=self._hash(),
            root_view_id=view_id,
            state=initial_state(fields["blocks"]),
            **fields,
        )

    def _fields(self, raw: Part) -> dict[str, Any]:
        """Return the fields of a View that the app decides about."""
        return {
            "blocks": tuple(normalize_block(block, self._ids) for block in parts(raw["blocks"])),
            "texts": {name: normalize_value(raw[name], self._ids) for name in _TEXTS if name in raw},
            "callback_id": raw.get("callback_id", ""),
            "private_metadata": raw.get("private_metadata", ""),
        }

    def _hash(self) -> str:
        return f"{int(self._clock.now())}.{secrets.token_hex(4)}"
