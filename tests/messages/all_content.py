"""All messages and views of the tests of the wording, as the JSON that Slack gets."""

from collections.abc import Mapping
from typing import Any

from bot.core.admin_outcomes import AlertRefused
from bot.core.requests import Verb
from bot.messages import modal_results
from bot.messages.alert_card import alert_message
from bot.messages.home import home_view
from bot.messages.message import Message, as_response
from bot.messages.outcome import question_message, waiting_message
from bot.messages.usage import usage_message
from bot.messages.view import View
from messages import test_administration_wording as administration
from messages import test_history_wording as history
from messages import test_order_wording as orders
from messages import test_session_card as cards
from messages import test_session_choice_wording as choice
from messages import test_session_list_wording as sessions
from messages.test_alert_card import FULL

_REASON = "too fast & <much> " * 40

_MESSAGES: Mapping[str, Message] = {
    **{f"outcome: {name}": orders.write(name, outcome, _REASON) for name, outcome in orders.OUTCOMES.items()},
    **{f"waiting: {verb}": waiting_message(orders.order(verb), is_recorded=False) for verb in Verb},
    **{
        f"usage: {name}": usage_message(orders.order(name).verb, problem, dashboard_url=orders.DASHBOARD)
        for name, problem in orders.PROBLEMS.items()
    },
    **{f"notice: {name}": notice for name, notice in orders.NOTICES.items()},
    **orders.CARDS,
    **{f"card: {name}": card for name, card in cards.CARDS.items()},
    "alert: everything": alert_message(FULL),
    **{f"sessions: {name}": message for name, message in (sessions.MESSAGES | sessions.LONGEST).items()},
    "question": question_message(orders.order("resume"), "v"),
    **{f"direct message: {name}": message for name, message in administration.DIRECT.items()},
}
_ANSWERS: Mapping[str, str] = {
    **{f"problem: {name}": modal_results.about_problem(one) for name, one in administration.PROBLEMS.items()},
    **{f"key: {name}": modal_results.about_key(one) for name, one in administration.KEYS.items()},
    **{f"removal: {name}": modal_results.about_removal(one) for name, one in administration.REMOVALS.items()},
    **{f"policy: {name}": modal_results.about_policy(one) for name, one in administration.POLICIES.items()},
    **{f"alerts: {name}": modal_results.about_alert(one) for name, one in administration.ALERTS.items()},
    **{
        f"alerts refused: {code}": modal_results.about_alert(AlertRefused("C0ALERTS001", code))
        for code in orders.SLACK_ERRORS
    },
    **administration.WAITING,
}
_VIEWS: Mapping[str, View] = {
    **{f"home: {name}": home_view(home) for name, home in administration.HOMES.items()},
    **{f"modal for the key: {name}": view for name, view in administration.KEY_MODALS.items()},
    **{f"modal for the removal: {name}": view for name, view in administration.REMOVAL_MODALS.items()},
    **{f"modal for the policy: {name}": view for name, view in administration.POLICY_MODALS.items()},
    **{f"modal for alerts: {name}": view for name, view in administration.ALERTS_MODALS.items()},
    **{f"home: {name}": home_view(home) for name, home in history.HOMES.items()},
    **{f"modal for past orders: {name}": view for name, view in history.MODALS.items()},
    **{f"modal to choose sessions: {name}": view for name, view in choice.MODALS.items()},
    **{f"modal with sessions: {name}": view for name, view in sessions.MODALS.items()},
    **{f"answer: {name}": modal_results.answer_view("Settings", text) for name, text in _ANSWERS.items()},
}

MESSAGES: Mapping[str, dict[str, Any]] = {name: as_response(message) for name, message in _MESSAGES.items()}
VIEWS: Mapping[str, dict[str, Any]] = {name: view.as_json() for name, view in _VIEWS.items()}
