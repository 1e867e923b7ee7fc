"""The modals for a workspace's settings, and the names of their inputs.

https://docs.slack.dev/surfaces/modals
"""

from collections.abc import Collection

from bot.core.policy import Rule
from bot.core.requests import Verb
from bot.core.workspace import AnchorKey, Workspace
from bot.messages import home_elements
from bot.messages.admin_notices import named_key
from bot.messages.blocks import Block, plain_text, section
from bot.messages.markup import code
from bot.messages.policy import MOST_NAMED
from bot.messages.view import View

KEY, ALLOW_UNVERIFIED = "key", "untried"
"""The inputs of the modal for the key; block and element have the same name."""

USERS = {Verb.PAUSE: "pause_users", Verb.RESUME: "resume_users"}
CHANNELS = {Verb.PAUSE: "pause_channels", Verb.RESUME: "resume_channels"}
"""The inputs of the modal for the policy."""

TITLES = {
    home_elements.SET_KEY: "Anchor API key",
    home_elements.CHANGE_POLICY: "Who may do what",
    home_elements.ALERTS_TOKEN: "Alerts of programs",
}
"""The titles by `callback_id`."""

_LONGEST_KEY = 1000
_EXAMPLE_ALERT = '{"session_id": "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "text": "It spends too fast."}'
_ABOUT_KEY = (
    "Paste the API key of your workspace's Anchor account: it is in Anchor's dashboard, under API keys. It is tried "
    "with Anchor, kept encrypted, and used for this workspace alone; nobody is ever shown more than its last four "
    "characters."
)
_ABOUT_POLICY = (
    "Only full members of this workspace may ever pause and resume: no guests, no bots, nobody of another company. You "
    "can narrow it further. Where nothing is chosen, nothing is narrowed."
)


def key_modal(workspace: Workspace) -> View:
    """Return the modal that asks for a key."""
    return View(
        (section(_ABOUT_KEY), *_replaced(workspace.anchor_key), _key_input(), _untried_input()),
        title=TITLES[home_elements.SET_KEY],
        submit="Save",
        close="Cancel",
        callback_id=home_elements.SET_KEY,
        seen=str(workspace.key_version),
    )


def policy_modal(workspace: Workspace) -> View:
    """Return the modal for the policy, filled in with the current one."""
    fields = [field for verb in Verb for field in _rule_inputs(verb, workspace.policy.of(verb))]
    return View(
        (section(_ABOUT_POLICY), *fields),
        title=TITLES[home_elements.CHANGE_POLICY],
        submit="Save",
        close="Cancel",
        callback_id=home_elements.CHANGE_POLICY,
        seen=str(workspace.policy_version),
    )


def alerts_modal(workspace: Workspace, url: str) -> View:
    """Return the modal with the URL for alerts, which offers a new token."""
    now = (
        "A token was made; it can't be shown again. A new one replaces it immediately: programs that send the old "
        "one are then rejected."
        if workspace.alerts_token_digest
        else "No token was made yet."
    )
    example = f"curl {url} -H \"Authorization: Bearer $ALERTS_TOKEN\" -d '{_EXAMPLE_ALERT}'"
    return View(
        (section(f"Programs post alerts to\n{code(url)}\nfor example with\n{code(example, limit=500)}"), section(now)),
        title=TITLES[home_elements.ALERTS_TOKEN],
        submit="Make a new token",
        callback_id=home_elements.ALERTS_TOKEN,
        seen=str(workspace.alerts_token_version),
    )


def _replaced(key: AnchorKey | None) -> list[Block]:
    return [section(f"It takes the place of the key {named_key(key)}.")] if key else []


def _key_input() -> Block:
    element = {"type": "plain_text_input", "action_id": KEY, "max_length": _LONGEST_KEY, "focus_on_load": True}
    hint = "Slack shows it while you type: mind who sees your screen."
    return _input(KEY, "API key", element, hint=hint, optional=False)


def _untried_input() -> Block:
    option = {
        "text": plain_text("Save it anyway, marked as not verified"),
        "value": "yes",
    }
    return _input(
        ALLOW_UNVERIFIED,
        "If Anchor can't be reached",
        {"type": "checkboxes", "action_id": ALLOW_UNVERIFIED, "options": [option]},
    )


def _rule_inputs(verb: Verb, rule: Rule) -> list[Block]:
    people = {
        "type": "multi_users_select",
        "action_id": USERS[verb],
        "placeholder": plain_text("Every full member"),
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
        _input(USERS[verb], f"Who may {verb}", people),
        _input(CHANNELS[verb], f"Where one may {verb}", places),
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
