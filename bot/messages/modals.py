"""The modals for a workspace's settings, and the names of their inputs.

https://docs.slack.dev/surfaces/modals
"""

from collections.abc import Collection

from bot.core.policy import Rule
from bot.core.requests import Verb
from bot.core.workspace import AnchorKey, Workspace
from bot.messages import home_elements
from bot.messages.admin_notices import named_key
from bot.messages.blocks import Block, option, plain_text, preformatted, section
from bot.messages.policy import MOST_NAMED
from bot.messages.view import View

KEY, ALLOW_UNVERIFIED = "key", "untried"
"""The inputs of the modal for the key; block and element have the same name."""

WHO = {Verb.PAUSE: "pause_who", Verb.RESUME: "resume_who"}
USERS = {Verb.PAUSE: "pause_users", Verb.RESUME: "resume_users"}
CHANNELS = {Verb.PAUSE: "pause_channels", Verb.RESUME: "resume_channels"}
"""The inputs of the modal for the policy."""

EVERYONE, SELECTED = "everyone", "selected"
"""The values of WHO; only with SELECTED do USERS count."""

TITLES = {
    home_elements.SET_KEY: "Anchor API key",
    home_elements.REMOVE_KEY: "Remove the Anchor key?",
    home_elements.CHANGE_POLICY: "Permissions",
    home_elements.ALERTS_TOKEN: "Alert URL and token",
}
"""The titles by `callback_id`."""

_LONGEST_KEY = 1000
_EXAMPLE_ALERT = '{"session_id": "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "text": "It spends too fast."}'
_ABOUT_KEY = (
    "Paste the API key of your workspace's Anchor account. You find it in Anchor's dashboard, under API keys. The bot "
    "tries it with Anchor, stores it encrypted, and uses it for this workspace only. Nobody is shown more than its "
    "last four characters."
)
_ABOUT_REMOVAL = (
    "The bot deletes its copy of the key {named}. Until another key is set, nobody can pause or resume from Slack. "
    "This does not revoke the key at Anchor."
)
_ABOUT_POLICY = (
    "Only full members of this workspace can pause and resume: guests, bots and other companies never can. Admins are "
    "no exception: if you select people, select yourself, too."
)
_GERUND = {Verb.PAUSE: "pausing", Verb.RESUME: "resuming"}


def key_modal(workspace: Workspace) -> View:
    """Return the modal that asks for a key."""
    blocks = (section(_ABOUT_KEY), *_replaced(workspace.anchor_key), _key_input(), _untried_input())
    return _form(home_elements.SET_KEY, workspace.key_version, "Save", *blocks)


def removal_modal(workspace: Workspace, key: AnchorKey) -> View:
    """Return the modal that asks whether to remove the key."""
    question = section(_ABOUT_REMOVAL.format(named=named_key(key)))
    return _form(home_elements.REMOVE_KEY, workspace.key_version, "Remove", question)


def policy_modal(workspace: Workspace) -> View:
    """Return the modal for the policy, filled in with the current one."""
    fields = [field for verb in Verb for field in _rule_inputs(verb, workspace.policy.of(verb))]
    blocks = (section(_ABOUT_POLICY), *fields)
    return _form(home_elements.CHANGE_POLICY, workspace.policy_version, "Save", *blocks)


def alerts_modal(workspace: Workspace, url: str) -> View:
    """Return the modal with the URL for alerts, which offers a new token."""
    state = (
        "A token exists. It can't be shown again. A new one replaces it at once: alerts with the old token are then "
        "rejected."
        if workspace.alerts_token_digest
        else "No token was made yet."
    )
    where = (section("Programs post alerts to this URL:"), preformatted(url))
    example = (section("For example:"), preformatted(alert_example(url)))
    blocks = (*where, *example, section(state))
    return _form(home_elements.ALERTS_TOKEN, workspace.alerts_token_version, "Make a new token", *blocks)


def alert_example(url: str) -> str:
    """Return a shell command that posts an alert."""
    return f"curl {url} \\\n  -H \"Authorization: Bearer $ALERTS_TOKEN\" \\\n  -d '{_EXAMPLE_ALERT}'"


def _form(name: str, version: int, submit: str, *blocks: Block) -> View:
    return View(blocks, title=TITLES[name], submit=submit, close="Cancel", callback_id=name, seen=str(version))


def _replaced(key: AnchorKey | None) -> list[Block]:
    return [section(f"It replaces the key {named_key(key)}.")] if key else []


def _key_input() -> Block:
    element = {"type": "plain_text_input", "action_id": KEY, "max_length": _LONGEST_KEY, "focus_on_load": True}
    hint = "Slack shows it while you type: make sure that nobody else sees your screen."
    return _input(KEY, "API key", element, hint=hint, optional=False)


def _untried_input() -> Block:
    options = [option("Save it anyway, as not verified", "yes")]
    element = {"type": "checkboxes", "action_id": ALLOW_UNVERIFIED, "options": options}
    return _input(ALLOW_UNVERIFIED, "If Anchor can't be reached", element)


def _rule_inputs(verb: Verb, rule: Rule) -> list[Block]:
    everyone, selected = option("Everyone in this workspace", EVERYONE), option("Selected people", SELECTED)
    who = {
        "type": "radio_buttons",
        "action_id": WHO[verb],
        "options": [everyone, selected],
        "initial_option": selected if rule.users else everyone,
    }
    people = {
        "type": "multi_users_select",
        "action_id": USERS[verb],
        "placeholder": plain_text("Select people"),
        "max_selected_items": MOST_NAMED,
        **_initial("initial_users", rule.users),
    }
    places = {
        "type": "multi_conversations_select",
        "action_id": CHANNELS[verb],
        "placeholder": plain_text("Anywhere in Slack"),
        "max_selected_items": MOST_NAMED,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        **_initial("initial_conversations", rule.channels),
    }
    return [
        _input(WHO[verb], f"Who can {verb}", who, optional=False),
        _input(USERS[verb], f"Selected people who can {verb}", people),
        _input(CHANNELS[verb], f"Channels where {_GERUND[verb]} is allowed", places),
    ]


def _initial(name: str, ids: Collection[str]) -> Block:
    return {name: sorted(ids)} if ids else {}


def _input(name: str, label: str, element: Block, *, hint: str = "", optional: bool = True) -> Block:
    more = {"hint": plain_text(hint)} if hint else {}
    return {
        "type": "input",
        "block_id": name,
        "label": plain_text(label),
        "element": element,
        "optional": optional,
        **more,
    }
