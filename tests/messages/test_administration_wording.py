"""The wording of administration: Home, the modals and their answers, and direct messages about settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

import pytest

from bot.core.admin_outcomes import (
    AlertOutcome,
    AlertPosted,
    AlertRefused,
    AlertUnanswered,
    Interrupted,
    KeyOutcome,
    KeyRemoved,
    KeySaved,
    NewKeyRejected,
    NewKeyUnverified,
    NoChannel,
    NotAdmin,
    NotAKey,
    NotServed,
    Outdated,
    PolicyOutcome,
    PolicySaved,
    Problem,
    RemovalOutcome,
    TokenMade,
    TokenOutcome,
)
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Policy, Role, Rule
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.messages import admin_notices as changes
from bot.messages import home_elements, modal_results
from bot.messages.alert_errors import refused_by_slack
from bot.messages.home import Home, Notice, home_view
from bot.messages.message import Visibility
from bot.messages.modals import TITLES, alerts_modal, key_modal, policy_modal, removal_modal
from bot.messages.view import View
from bot.sim.slack import markup

Check = Callable[[str, str], None]

INSTALL_URL = "https://bot.example.com/slack/install"
URL = "https://bot.example.com/alerts/T0HOME00001"
KEY = AnchorKey(Secret("sk-0123456789-9876"), KeyCheck.VERIFIED, "U0SETTER001", 1_785_000_000)
SHORT = AnchorKey(Secret("short"))
ONE = Rule(frozenset({"U0BOB000001"}), frozenset({"C0ALERTS001"}))
RULES = Policy(Rule(frozenset({"U0BOB000001", "U0ALICE0001"})), Rule(channels=frozenset({"C0ALERTS001"})))

EMPTY = Workspace("T0HOME00001", Secret("xoxb-1"), None, is_managed=True)
FULL = replace(EMPTY, anchor_key=KEY, policy=RULES, alerts_token_digest="digest", alerts_channel="C0ALERTS001")


# --- views: the first one whole, of the others the lines that it does not have ---

FIRST = Home(EMPTY, Role.MEMBER, "e1")
ADMINS = replace(FIRST, role=Role.ADMIN)


def with_key(key: AnchorKey) -> Workspace:
    return replace(EMPTY, anchor_key=key)


HOMES = {
    "no key, member": FIRST,
    "no key, admin": ADMINS,
    "no key, role unknown": replace(FIRST, role=Role.UNKNOWN),
    "no key, scope missing": replace(FIRST, role=Role.SCOPE_MISSING, install_url=INSTALL_URL),
    "everything set, member": replace(FIRST, workspace=FULL),
    "everything set, admin": replace(ADMINS, workspace=FULL),
    "single workspace": replace(FIRST, workspace=replace(FULL, anchor_key=SHORT, is_managed=False)),
    "single workspace, scope missing": replace(
        FIRST, workspace=replace(FULL, is_managed=False), role=Role.SCOPE_MISSING
    ),
    **{f"key {check}": replace(FIRST, workspace=with_key(replace(KEY, check=check))) for check in KeyCheck},
    "short key, admin": replace(ADMINS, workspace=with_key(SHORT)),
    "one person, one channel": replace(FIRST, workspace=replace(EMPTY, policy=Policy(ONE, ONE))),
    "channel chosen, no token": replace(FIRST, workspace=replace(EMPTY, alerts_channel="C0ALERTS001")),
}
KEY_MODALS = {
    "first": key_modal(EMPTY),
    "replaced": key_modal(FULL),
    "short key replaced": key_modal(with_key(SHORT)),
}
REMOVAL_MODALS = {"a key": removal_modal(FULL, KEY), "short key": removal_modal(FULL, SHORT)}
POLICY_MODALS = {"no rules": policy_modal(EMPTY), "rules": policy_modal(FULL)}
ALERTS_MODALS = {"no token": alerts_modal(EMPTY, URL), "token": alerts_modal(FULL, URL)}
ANSWERS = {"an answer": modal_results.answer_view(TITLES[home_elements.SET_KEY], "(an answer)")}


@pytest.mark.parametrize(
    ("kind", "views"),
    [
        ("home", {name: home_view(home) for name, home in HOMES.items()}),
        ("modal for the key", KEY_MODALS),
        ("modal for the removal", REMOVAL_MODALS),
        ("modal for the policy", POLICY_MODALS),
        ("modal for alerts", ALERTS_MODALS),
        ("any modal", ANSWERS),
    ],
)
def test_views(wording: Check, kind: str, views: Mapping[str, View]) -> None:
    first: list[str] = []
    for name, view in views.items():
        lines = rendered(view)
        wording(f"{kind}: {name}", "\n".join(line for line in lines if line not in first))
        first = first or lines


def test_a_notice_is_shown_above_the_alerts() -> None:
    lines = rendered(home_view(replace(FIRST, notice=Notice("News"))))
    above = lines[: lines.index("News")]
    assert (above[-1], above.count("---")) == ("---", 1)


def test_the_missing_scope_is_part_of_the_status() -> None:
    lines = rendered(home_view(replace(FIRST, role=Role.SCOPE_MISSING)))
    assert [place for place, line in enumerate(lines) if "users:read" in line] == [1]


@pytest.mark.parametrize(
    ("workspace", "controls"),
    [
        (EMPTY, [home_elements.SET_KEY]),
        (FULL, [home_elements.KEY_MENU]),
        (with_key(replace(KEY, check=KeyCheck.REFUSED)), [home_elements.KEY_MENU, home_elements.SET_KEY]),
    ],
    ids=["no key", "a key", "a refused key"],
)
def test_the_status_stands_first_and_the_step_that_it_asks_for_is_a_primary_button(
    workspace: Workspace, controls: list[str]
) -> None:
    blocks = home_view(replace(ADMINS, workspace=workspace)).blocks
    status = blocks[: blocks.index({"type": "divider"})]
    elements = [one for block in status for one in (block.get("accessory"), *block.get("elements", ())) if one]
    shown = {one["action_id"]: one.get("style") for one in elements if "action_id" in one}
    assert status[0]["type"] == "section"
    assert shown == {name: "primary" if name == home_elements.SET_KEY else None for name in controls}


# --- what a modal or Home says about a change ---

PROBLEMS: Mapping[str, Problem] = {
    "no admin": NotAdmin(Role.MEMBER),
    "role unknown": NotAdmin(Role.UNKNOWN),
    "scope missing": NotAdmin(Role.SCOPE_MISSING),
    "workspace not served": NotServed(),
    "outdated": Outdated(),
    "no database": StoreUnavailable(),
    "cut short": Interrupted(),
}
KEYS: Mapping[str, KeyOutcome] = {
    "saved": KeySaved("9876", KeyCheck.VERIFIED),
    "short key saved": KeySaved("", KeyCheck.VERIFIED),
    "saved, not verified": KeySaved("9876", KeyCheck.UNVERIFIED),
    "no key": NotAKey(),
    "refused": NewKeyRejected(401),
    "no answer": NewKeyUnverified(None),
    "another answer": NewKeyUnverified(503),
    "no database": StoreUnavailable(),
}
REMOVALS: Mapping[str, RemovalOutcome] = {
    "removed": KeyRemoved("9876"),
    "short key removed": KeyRemoved(""),
}
POLICIES: Mapping[str, PolicyOutcome] = {"saved": PolicySaved()}
ALERTS: Mapping[str, AlertOutcome] = {
    "posted": AlertPosted("C0ALERTS001"),
    "unanswered": AlertUnanswered("C0ALERTS001"),
    "no channel": NoChannel(),
}
WAITING = {
    "the outcome will come": modal_results.CHECKING,
    "the modal will come": modal_results.ONE_MOMENT,
    "no modal, the database is away": modal_results.MODAL_NOT_OPENED,
    "no modal, it was too late": modal_results.TOO_LATE,
    "the modal with the token was closed": modal_results.UNSEEN,
    "nobody is selected": modal_results.NOBODY_SELECTED,
}
TOKENS: Mapping[str, TokenOutcome] = {"made": TokenMade(Secret("alerts-token"))}


def test_answers(wording: Check) -> None:
    for name, problem in PROBLEMS.items():
        text = modal_results.about_problem(problem)
        wording(f"nothing changed: {name}", text)
        others = (modal_results.about_removal, modal_results.about_policy, modal_results.about_alert)
        assert {text} == {modal_results.about_token(problem), *(about(problem) for about in others)}
        assert (modal_results.about_key(problem) == text) is (problem != StoreUnavailable())
    for name, key in KEYS.items():
        wording(f"key: {name}", modal_results.about_key(key))
    for name, removal in REMOVALS.items():
        wording(f"key: {name}", modal_results.about_removal(removal))
    for name, policy in POLICIES.items():
        wording(f"policy: {name}", modal_results.about_policy(policy))
    for name, alert in ALERTS.items():
        wording(f"test alert: {name}", modal_results.about_alert(alert))
    for name, token in TOKENS.items():
        wording(f"alerts token: {name}", modal_results.about_token(token))
    for name, text in WAITING.items():
        wording(f"waiting: {name}", text)


def test_a_refused_test_alert_names_the_channel_and_the_advice(wording: Check) -> None:
    """The advice for each code of Slack's is that for programs, and checked there."""
    outcome = AlertRefused("C0ALERTS001", "ratelimited")
    advice = refused_by_slack(outcome.code, "<#C0ALERTS001>")
    text = modal_results.about_alert(outcome)
    assert advice in text
    wording("test alert: refused", text.replace(advice, "(advice)"))


@pytest.mark.parametrize("code", ["missing_scope", "not_in_channel", "invalid_auth", "no_such_code"])
def test_the_advice_is_escaped_as_mrkdwn(code: str) -> None:
    text = modal_results.about_alert(AlertRefused("C0ALERTS001", code))
    assert list(markup.problems(text)) == []


@pytest.mark.parametrize(
    ("union", "table"),
    [
        (Problem, {}),
        (KeyOutcome, KEYS),
        (RemovalOutcome, REMOVALS),
        (PolicyOutcome, POLICIES),
        (AlertOutcome, {**ALERTS, "refused": AlertRefused("", "")}),
        (TokenOutcome, TOKENS),
    ],
    ids=["Problem", "KeyOutcome", "RemovalOutcome", "PolicyOutcome", "AlertOutcome", "TokenOutcome"],
)
def test_every_outcome_has_an_entry(union: object, table: Mapping[str, object]) -> None:
    entries = {type(outcome) for outcome in (*table.values(), *PROBLEMS.values())}
    assert set(get_args(union)) - entries == set()


# --- direct messages ---

BY = "U0ALICE0001"
DIRECT = {
    "key set": changes.key_set_message(BY, KEY, None),
    "key set, not verified": changes.key_set_message(BY, replace(KEY, check=KeyCheck.UNVERIFIED), None),
    "key set, refused": changes.key_set_message(BY, replace(KEY, check=KeyCheck.REFUSED), None),
    "key replaced": changes.key_set_message(BY, KEY, SHORT),
    "key removed": changes.key_removed_message(BY, KEY),
    "policy changed": changes.policy_message(BY, RULES),
    "alerts channel chosen": changes.alerts_channel_message(BY, "C0ALERTS001"),
    "alerts token made": changes.alerts_token_message(BY),
    "key refused, admins replace it": changes.key_refused_message(KEY, by_admins=True),
    "key refused, the operator replaces it": changes.key_refused_message(KEY, by_admins=False),
    "scope missing": changes.reinstall_message(INSTALL_URL),
}


def test_direct_messages(wording: Check) -> None:
    for name, message in DIRECT.items():
        wording(f"direct message: {name}", message.text)
        assert (message.visibility, message.blocks) == (Visibility.EPHEMERAL, ())


# --- views as text ---


def rendered(view: View) -> list[str]:
    """The title of a modal, a line or more for each block, and the buttons of a modal."""
    title = [f"= {view.title} ="] if view.title else []
    buttons = [" ".join(f"[{label}]" for label in (view.submit, view.close) if label)] if view.title else []
    return [*title, *(line for block in view.blocks for line in lines_of(block)), *buttons]


def lines_of(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "divider":
            return ["---"]
        case "section":
            return [block["text"]["text"], *([control(block["accessory"])] if "accessory" in block else [])]
        case "context":
            return [f"small: {element['text']}" for element in block["elements"]]
        case "rich_text":
            return [f"to copy: {part['text']}" for element in block["elements"] for part in element["elements"]]
        case "actions":
            return [control(element) for element in block["elements"]]
        case "input":
            hint = [f"hint: {block['hint']['text']}"] if "hint" in block else []
            optional = " (optional)" if block["optional"] else ""
            return [f"{block['label']['text']}{optional}:", control(block["element"]), *hint]
        case other:
            raise AssertionError(f"how is {other} rendered?")


def control(element: dict[str, Any]) -> str:
    """A button or an input, with its label and options, and with what is chosen."""
    labels = [part for part in (element.get("text"), element.get("placeholder")) if part]
    labels += [option["text"] for option in element.get("options", [])]
    label = ", ".join(part["text"] for part in labels) or element["type"]
    chosen = [value for name, value in element.items() if name.startswith("initial_")]
    texts = [each["text"]["text"] if isinstance(each, dict) else each for each in chosen]
    return "".join([f"[{label} → {element['action_id']}]", *(f" chosen: {text}" for text in texts)])
