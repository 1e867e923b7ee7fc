"""Acts of people in modals and on the Home tab."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bot.sim.slack import view_limits
from bot.sim.slack.block_kit import all_elements
from bot.sim.slack.choices import check_complete, chosen, entry, filled
from bot.sim.slack.content import Part, enterprise_json, is_json, json_object, team_json, user_json
from bot.sim.slack.delivery import Ack, Delivery, Invocation, Reader, Reading, ignore_ack
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.people import EventDelivery, Events
from bot.sim.slack.platform import Platform
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.views import KINDS, Owner, View, entered
from bot.sim.slack.workspace import Installation, NotPossibleError, User, Workspace

# A view as apps get it, in payloads and from the Web API.
# https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload

_UNTITLED: Part = {"type": "plain_text", "text": "View Title", "emoji": True}


def view_json(view: View, app: Installation, *, with_state: bool = True) -> Part:
    """Return a view, with what is typed and chosen in it where Slack tells that."""
    return {
        "id": view.id,
        "team_id": view.team_id,
        "type": view.type,
        "blocks": list(view.blocks),
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": view.state if with_state else {}},
        "hash": view.hash,
        "title": view.texts.get("title", _UNTITLED),
        "clear_on_close": False,
        "notify_on_close": False,
        "close": view.texts.get("close"),
        "submit": view.texts.get("submit"),
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id,
        "app_id": app.app_id,
        "external_id": "",
        "app_installed_team_id": view.team_id,
        "bot_id": app.bot_id,
    }


class Persons:
    """Looks people and their views up."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def workspace_of(self, user_id: str) -> Workspace:
        """Return the first workspace of which this person is a member, else one that knows them from outside."""
        known = [workspace for workspace in self._platform.workspaces.values() if user_id in workspace.users]
        if not known:
            raise KeyError(user_id)
        own = (workspace for workspace in known if self._platform.is_colleague(workspace, workspace.users[user_id]))
        return next(own, known[0])

    def home(self, user_id: str, workspace: Workspace | None) -> View | None:
        """Return what the Home tab shows; None if nothing was ever published."""
        there = workspace or self.workspace_of(user_id)
        return self._platform.views.home(Owner(there.team_id, user_id))

    def modals(self, user_id: str, workspace: Workspace | None) -> tuple[View, ...]:
        """Return the stack, the visible one last; without a workspace those of the first that has some."""
        everywhere = [workspace] if workspace else self._platform.workspaces.values()
        stacks = (self._platform.views.modals(Owner(there.team_id, user_id)) for there in everywhere)
        return next((stack for stack in stacks if stack), ())

    def visible(self, user_id: str, view: View | None) -> View:
        """Return a view as it is now, or the visible modal; NotPossibleError if this person does not see it."""
        if view is None:
            present = next(reversed(self.modals(user_id, None)), None)
        else:
            present = self._platform.views.find(view.id)
        if present is None:
            raise NotPossibleError("the view is gone" if view else "no modal is open")
        if present.user_id != user_id:
            raise NotPossibleError("this person does not see the view")
        self.workspace_and_user(present)
        if not self._is_on_top(present):
            raise NotPossibleError("another view lies on it")
        return present

    def workspace_and_user(self, view: View) -> tuple[Workspace, User]:
        """Return whose app the view is, and who has it; NotPossibleError for somebody who was deactivated."""
        workspace = self._platform.workspaces[view.team_id]
        user = workspace.users[view.user_id]
        if user.deleted:
            raise NotPossibleError("a deactivated person can't log in")
        return workspace, user

    def _is_on_top(self, view: View) -> bool:
        return view.type == "home" or self._platform.views.modals(Owner(view.team_id, view.user_id))[-1].id == view.id


# People click and choose in a view, and the app gets each action at once.
# https://docs.slack.dev/reference/interaction-payloads/block_actions-payload


@dataclass(frozen=True, slots=True)
class Target:
    """Which element; `value` and `block_id` say which of several."""

    action_id: str
    value: str | None = None
    block_id: str | None = None


class Acts:
    """Acts on behalf of people."""

    def __init__(self, platform: Platform, interactions: Interactions, persons: Persons) -> None:
        self._platform = platform
        self._interactions = interactions
        self._persons = persons

    async def act(
        self, view: View, target: Target, choice: str | Sequence[str] | None, overrides: Mapping[str, object]
    ) -> Delivery:
        """Click an element of a view as it is now, or choose in it; NotPossibleError if that can't be done."""
        workspace, user = self._persons.workspace_and_user(view)
        block, element = _find(view, target)
        done = _done(workspace, user, element, choice)
        if element["type"] in KINDS:
            new_entry: Part = {
                "type": element["type"],
                KINDS[element["type"]].field: done[KINDS[element["type"]].field],
            }
            view = entered(view, str(block["block_id"]), target.action_id, new_entry)
        view = self._platform.views.put(replace(view, client_error=""))
        trigger_id = self._platform.triggers.issue(workspace, user.id, is_in_modal=view.type == "modal")
        action = _action(block, element, done, f"{self._platform.clock.now():.6f}")
        payload = _payload(workspace, user, view, trigger_id, action)
        payload["enterprise"] = enterprise_json(self._platform.enterprise_of(workspace, user))
        delivery = await self._interactions.send(payload, overrides, Invocation("", trigger_id), ignore_ack)
        self._warn(view, delivery)
        return delivery

    def _warn(self, view: View, delivery: Delivery) -> None:
        present = self._platform.views.find(view.id)
        if delivery.ack is None and present is not None:
            self._platform.views.put(replace(present, client_error=self._interactions.reason(delivery.answer)))


def _find(view: View, target: Target) -> tuple[Part, Part]:
    found = [
        (block, element)
        for block in view.blocks
        for element in all_elements(block)
        if element.get("action_id") == target.action_id
        and (target.value is None or element.get("value") == target.value)
        and (target.block_id is None or block["block_id"] == target.block_id)
    ]
    if len(found) != 1:
        raise NotPossibleError(f"the view has {len(found) or 'no'} such elements: {target.action_id}")
    [(block, element)] = found
    if block["type"] == "input" and not block["dispatch_action"]:
        raise NotPossibleError("an input tells the app nothing before it is submitted")
    return block, element


def _done(workspace: Workspace, user: User, element: Part, choice: str | Sequence[str] | None) -> Part:
    """Return the fields of an action that say what was chosen."""
    if element["type"] == "button":
        if choice is not None:
            raise NotPossibleError("there is nothing to choose in a button")
        return {"text": element["text"]} | {name: element[name] for name in ("value", "style") if name in element}
    if element["type"] == "overflow":
        return {"selected_option": chosen(workspace, user, element, str(choice))}
    return entry(workspace, user, element, choice)


def _action(block: Part, element: Part, done: Part, action_ts: str) -> Part:
    kind = KINDS.get(element["type"])
    given = {kind.initial: element[kind.initial]} if kind and kind.initial in element else {}
    ids: Part = {"action_id": element["action_id"], "block_id": block["block_id"]}
    return ids | done | given | {"type": element["type"], "action_ts": action_ts}


def _payload(workspace: Workspace, user: User, view: View, trigger_id: str, action: Part) -> Part:
    app = workspace.installation
    return {
        "type": "block_actions",
        "user": user_json(user),
        "api_app_id": app.app_id,
        "token": app.verification_token,
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": trigger_id,
        "team": team_json(workspace),
        "enterprise": None,
        "is_enterprise_install": False,
        "view": view_json(view, app),
        "actions": [action],
    }


# The ack of a submission.
# https://docs.slack.dev/surfaces/modals#response_actions

Action = Literal["close", "errors", "update", "clear", "client_error"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The effect on the view; `client_error` is the effect of an invalid ack."""

    action: Action
    errors: Mapping[str, str] = field(default_factory=dict)
    view: Part = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()


def read_answer(view: View, content_type: str, body: bytes) -> Answer:
    """Read the body of a 200 for the submission of this view."""
    if not body.strip():
        return Answer("close")
    raw: dict[str, Any] | None = json_object(body) if is_json(content_type) else None
    complaints = list(_complaints(raw, view))
    if raw is None or complaints:
        return Answer("client_error", violations=tuple(Violation(Rule.VIEW_ACK_INVALID, each) for each in complaints))
    action, shown = raw["response_action"], raw.get("view", {})
    return Answer(action, raw.get("errors", {}), shown, tuple(view_limits.mistakes(shown)))


def reader(view: View) -> Reader:
    """Return what reads the ack for a Delivery."""

    def read(content_type: str, body: bytes) -> Reading:
        return Ack(), list(read_answer(view, content_type, body).violations)

    return read


def _complaints(raw: dict[str, Any] | None, view: View) -> Iterator[str]:
    action = raw.get("response_action") if raw is not None else None
    if raw is None:
        yield "no JSON object, labelled as application/json"
    elif action == "errors":
        yield from _complaints_about_errors(raw.get("errors"), view)
    elif action == "update":
        shown = raw.get("view")
        yield from view_limits.problems(shown, "modal")
        if isinstance(shown, dict) and view_limits.is_too_large(shown):
            yield "view_too_large"
    elif action != "clear":
        yield f"unknown response_action: {action!r}"


def _complaints_about_errors(errors: object, view: View) -> Iterator[str]:
    if not (isinstance(errors, dict) and errors):
        yield "errors must be an object with a text for each block_id"
        return
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    for block_id, text in errors.items():
        if block_id not in inputs:
            yield f"no input block has the block_id {block_id!r}"
        if not (isinstance(text, str) and text):
            yield f"the error of {block_id!r} must be a text"


# People submit and close modals, and see what the app makes of it.
# https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload

CONNECTION_ERROR = "We had some trouble connecting. Try again?"


class Submissions:
    """Fills in modals, and presses the two buttons below them, on behalf of people; each view is as it is now."""

    def __init__(self, platform: Platform, interactions: Interactions, persons: Persons) -> None:
        self._platform = platform
        self._interactions = interactions
        self._persons = persons

    def fill(self, view: View, block_id: str, value: str | Sequence[str]) -> View:
        """Type or choose in an input."""
        workspace, user = self._persons.workspace_and_user(view)
        return self._platform.views.put(filled(workspace, user, view, block_id, value))

    async def submit(
        self, view: View, values: Mapping[str, str | Sequence[str]], overrides: Mapping[str, object]
    ) -> Delivery:
        """Fill in values by block_id, and submit; NotPossibleError if something is missing."""
        for block_id, value in values.items():
            view = self.fill(view, block_id, value)
        check_complete(view)
        sent = self._platform.views.put(replace(view, errors={}, client_error=""))
        workspace, user = self._persons.workspace_and_user(sent)
        trigger_id = self._platform.triggers.issue(workspace, user.id, is_in_modal=True)
        payload = self._head(sent, user)
        payload |= {"trigger_id": trigger_id, "view": view_json(sent, workspace.installation)}
        enterprise = enterprise_json(self._platform.enterprise_of(workspace, user))
        payload |= {"response_urls": [], "is_enterprise_install": False, "enterprise": enterprise}
        delivery = await self._interactions.send(payload, overrides, Invocation("", trigger_id), reader(sent))
        self._follow(sent, delivery)
        return delivery

    def close(self, view: View, *, clear: bool) -> None:
        """Close a modal, with `clear` the whole stack; no app of ours asks to hear of it."""
        if view.type != "modal":
            raise NotPossibleError("a tab can't be closed")
        self._platform.views.close(view, clear=clear)

    def _head(self, view: View, user: User) -> Part:
        """For somebody of a foreign workspace `team` is that one: who the app belongs to stands in the view."""
        app = self._platform.workspaces[view.team_id].installation
        home = self._platform.workspaces.get(user.team_id)
        team = team_json(home) if home else {"id": user.team_id, "domain": user.team_id.lower()}
        who: Part = {"type": "view_submission", "team": team, "user": user_json(user)}
        return who | {"api_app_id": app.app_id, "token": app.verification_token}

    def _follow(self, sent: View, delivery: Delivery) -> None:
        """Do what the ack says with the view, unless it was closed meanwhile."""
        present = self._platform.views.find(sent.id)
        if present is None:
            return
        answer = Answer("client_error")
        if delivery.ack is not None:
            answer = read_answer(sent, delivery.answer.content_type, delivery.answer.body)
        self._apply(present, answer)

    def _apply(self, view: View, answer: Answer) -> None:
        views = self._platform.views
        match answer.action:
            case "close" | "clear":
                views.close(view, clear=answer.action == "clear")
            case "errors":
                views.put(replace(view, errors=answer.errors))
            case "update":
                views.update(view, answer.view)
            case _:
                views.put(replace(view, client_error=CONNECTION_ERROR))


# People open the app's tabs.
# https://docs.slack.dev/reference/events/app_home_opened


class Homes:
    """Opens tabs on behalf of people, and tells the app."""

    def __init__(self, platform: Platform, events: Events, persons: Persons) -> None:
        self._platform = platform
        self._events = events
        self._persons = persons

    async def open(self, user_id: str, workspace: Workspace | None, tab: str, *, is_named: bool) -> EventDelivery:
        """Open a tab, home or messages, which the event names or not; NotPossibleError if this person has none."""
        there = workspace or self._persons.workspace_of(user_id)
        self._check(user_id, there, tab)
        event: Part = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": there.dm_with_bot(user_id).id,
            **({"tab": tab} if is_named else {}),
        }
        shown = self._persons.home(user_id, there)
        if tab == "home" and shown is not None:
            event["view"] = view_json(shown, there.installation, with_state=False)
        return await self._events.send(there, event)

    def _check(self, user_id: str, workspace: Workspace, tab: str) -> None:
        user, app = workspace.users[user_id], workspace.installation
        if user.deleted:
            raise NotPossibleError("a deactivated person can't log in")
        if not self._platform.is_colleague(workspace, user):
            raise NotPossibleError("people of other workspaces have no tab of the app")
        if not {"home": True, "messages": app.messages_tab}.get(tab):
            raise NotPossibleError(f"the app has no such tab: {tab}")
