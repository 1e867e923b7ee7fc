"""Views: what is on them, and what was typed and chosen."""

import itertools
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bot.sim.change_event import ChangeEvent
from bot.sim.slack.block_kit import all_elements
from bot.sim.slack.content import Part, normalize_block, normalize_value, parts, texts
from bot.sim.slack.history import Clock

# The elements in which something can be typed or chosen, and how payloads say what it is.
# https://docs.slack.dev/reference/block-kit/block-elements/


@dataclass(frozen=True, slots=True)
class Kind:
    """`field` has the value in payloads, `initial` the value that the app gives; `several` values are a list."""

    field: str
    initial: str
    several: bool = False


KINDS: Mapping[object, Kind] = {
    "plain_text_input": Kind("value", "initial_value"),
    "static_select": Kind("selected_option", "initial_option"),
    "radio_buttons": Kind("selected_option", "initial_option"),
    "conversations_select": Kind("selected_conversation", "initial_conversation"),
    "checkboxes": Kind("selected_options", "initial_options", several=True),
    "multi_static_select": Kind("selected_options", "initial_options", several=True),
    "multi_users_select": Kind("selected_users", "initial_users", several=True),
    "multi_conversations_select": Kind("selected_conversations", "initial_conversations", several=True),
}
"""By the type of the element: those whose value stands in the state of a view."""


State = Mapping[str, Mapping[str, Part]]
"""What is typed or chosen, by block_id and action_id."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of one person; `team_id` is the workspace whose app it is.

    Blocks are as Slack stores them: with a block_id each, and an action_id for each element. `errors` stand under their
    blocks, `client_error` is the client's own error message. `touched` has the block_id and action_id of what the
    person has typed or chosen, even if it is empty by now.
    """

    id: str
    type: Literal["modal", "home"]
    team_id: str
    user_id: str
    hash: str
    blocks: tuple[Part, ...]
    root_view_id: str
    previous_view_id: str | None = None
    callback_id: str = ""
    private_metadata: str = ""
    texts: Mapping[str, Part] = field(default_factory=dict)  # title, submit and close, if there are any
    state: State = field(default_factory=dict)
    touched: frozenset[tuple[str, str]] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    client_error: str = ""

    @property
    def title(self) -> str | None:
        """The title of a modal."""
        return self._text("title")

    @property
    def submit(self) -> str | None:
        """Return the label of the submit button; None if it has none."""
        return self._text("submit")

    @property
    def close(self) -> str | None:
        """Return the label of the close button, unless it is Slack's own."""
        return self._text("close")

    @property
    def text(self) -> str:
        """Everything a person reads, in order, separated by newlines; mrkdwn as it was written."""
        lines = [self.title, *self._lines_of_blocks(), self.submit, self.close, self.client_error]
        return "\n".join(line for line in lines if line)

    def find(self, action_id: str) -> Part | None:
        """Return the first element with this action_id."""
        elements = (element for block in self.blocks for element in all_elements(block))
        return next((element for element in elements if element.get("action_id") == action_id), None)

    def block(self, block_id: str) -> Part | None:
        """Return a block."""
        return next((block for block in self.blocks if block["block_id"] == block_id), None)

    def _text(self, name: str) -> str | None:
        return str(self.texts[name]["text"]) if name in self.texts else None

    def _lines_of_blocks(self) -> Iterator[str]:
        for block in self.blocks:
            yield from texts(block, _is_unread)
            yield self.errors.get(str(block["block_id"]), "")


def _is_unread(name: str) -> bool:
    return name == "confirm" or name.startswith("initial_")


# The typed and chosen values in a view: at first, after an action, and after the app changed the view.
# https://docs.slack.dev/reference/views/modal-views: "Preserving input entry in views"


def initial_state(blocks: Sequence[Part]) -> State:
    """Return what the app says."""
    state: dict[str, dict[str, Part]] = {}
    for block_id, element in fields(blocks):
        state.setdefault(block_id, {})[str(element["action_id"])] = _initial(element)
    return state


def carried(before: View, blocks: Sequence[Part]) -> State:
    """Return the state of new blocks: an entry stays where its block_id, action_id and type do.

    So does what the app itself had put there before. Only what was empty and never touched takes a new initial value:
    https://github.com/slackapi/bolt-js/issues/290, https://github.com/slackapi/bolt-python/issues/1064.
    """
    state: dict[str, dict[str, Part]] = {}
    for block_id, element in fields(blocks):
        action_id = str(element["action_id"])
        old = before.state.get(block_id, {}).get(action_id)
        stays = old is not None and _stays(old, element, touched=(block_id, action_id) in before.touched)
        state.setdefault(block_id, {})[action_id] = old if old and stays else _initial(element)
    return state


def entered(view: View, block_id: str, action_id: str, entry: Part) -> View:
    """Return the view after the person typed or chose something."""
    state = {**view.state, block_id: {**view.state.get(block_id, {}), action_id: entry}}
    return replace(view, state=state, touched=view.touched | {(block_id, action_id)})


def fields(blocks: Sequence[Part]) -> Iterator[tuple[str, Part]]:
    """Yield the elements in which something can be typed or chosen, with the block_id of each."""
    for block in blocks:
        for element in all_elements(block):
            if element.get("type") in KINDS:
                yield str(block["block_id"]), element


def _initial(element: Part) -> Part:
    kind = KINDS[element["type"]]
    return {"type": element["type"], kind.field: element.get(kind.initial, [] if kind.several else None)}


def _stays(old: Part, element: Part, *, touched: bool) -> bool:
    kind = KINDS[old["type"]]
    value = old[kind.field]
    if old["type"] != element["type"] or not (value or touched):
        return False
    options = parts(element.get("options"))
    chosen = value if isinstance(value, list) else [value]
    return not options or all(one in options for one in chosen if one is not None)


# All Home tabs and open modals, by person.

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
