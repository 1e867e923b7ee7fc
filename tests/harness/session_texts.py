"""The texts about sessions in lists, modals and Home that the bot must show, from the product's own functions."""

from bot.config.settings import DASHBOARD_URL
from bot.core.outcomes import Refusal
from bot.core.session_list import NotRead, Unread
from bot.messages import request_errors, session_choice, session_list, session_modal, session_overview, usage
from bot.messages.modal_results import answer_view

REFRESH = session_overview.REFRESH
"""The `action_id` of the button that reads again."""

LOADING = str(session_modal.loading_modal().blocks[0]["text"]["text"])
"""The text of the modal until Anchor has answered."""

NO_SESSION = session_modal.NO_SESSION
NOT_OPENED = session_modal.not_opened_message().text
NO_ID_NOTE = session_choice.no_id_note(is_complete=True)
READING_OVERVIEW = session_overview.reading_overview_message().text
SESSIONS_HELP = usage.sessions_help_message().text
UNKNOWN_ACTION = request_errors.unknown_action_message().text

ALL, MOST_SHOWN, NOTHING_CHOSEN = session_choice.ALL, session_choice.MOST_SHOWN, session_choice.NOTHING_CHOSEN
OUT_OF_DATE = str(answer_view(session_choice.TITLE, session_choice.OUT_OF_DATE).blocks[0]["text"]["text"])


def list_refused(refusal: Refusal) -> str:
    """The answer to somebody who can't see the sessions."""
    return session_list.list_refusal(refusal, dashboard_url=DASHBOARD_URL).text


def not_read(why: Unread, status: int | None = None) -> str:
    """The text about lists that could not be read."""
    return session_list.not_read_text(NotRead(why, status), dashboard_url=DASHBOARD_URL)


def reading(text: str) -> str:
    """The announcement of a list."""
    return session_list.reading_message(text).text
