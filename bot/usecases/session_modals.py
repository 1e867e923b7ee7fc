"""Open and refresh the views and messages that list sessions."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from bot.core.outcomes import Refusal
from bot.core.requests import Actor, ReplyAddress, Trigger, Verb, ViewRef
from bot.core.session_ids import Found, Mentions
from bot.core.sessions import Overview
from bot.core.workspace import Workspace
from bot.messages.batches import resume_answer
from bot.messages.blocks import Message, View
from bot.messages.home import Notice
from bot.messages.pausing import NOT_OPENED, choice_modal, loading_modal, message_modal, sessions_modal
from bot.messages.sessions import list_message, list_refusal
from bot.messages.settings import ONE_MOMENT
from bot.outbound.store.secrets import FieldCipher, seal, unseal
from bot.usecases.home import HomeView
from bot.usecases.incidents import report
from bot.usecases.modals import Modals, NotOpened
from bot.usecases.session_cards import CardUpdates
from bot.usecases.sessions import SessionLists

Question = Callable[[str], Coroutine[Any, Any, View]]
_NOT_OPENED, _OF_SEVERAL = NotOpened(*[NOT_OPENED] * 3), resume_answer(ONE_MOMENT)


@dataclass(frozen=True, slots=True)
class SessionViews:
    """The views from which people pause and resume: Home, and modals to choose in, among sessions or ids of a message.

    A modal carries the sealed address where its results go.
    """

    home: HomeView
    lists: SessionLists
    modals: Modals
    updates: CardUpdates
    cipher: FieldCipher
    dashboard_url: str

    async def open(self, address: ReplyAddress, trigger: Trigger, *, note: str = "") -> None:
        """Open the modal with the sessions, or report that it does not open; `note` is mrkdwn above the lists."""
        await self.modals.open(address, trigger, lambda _: self._view(address, note), loading_modal(note), _NOT_OPENED)

    async def choose(self, address: ReplyAddress, trigger: Trigger, mentions: Mentions) -> None:
        """Open the modal to choose in among the ids of a message, or report that it does not open."""
        view = choice_modal(mentions, seal(address, self.cipher))

        async def make(_: Workspace) -> View:
            return view

        await self.modals.open(address, trigger, make, view, _NOT_OPENED)

    async def ask(self, address: ReplyAddress, trigger: Trigger, question: Question, first: View = _OF_SEVERAL) -> None:
        """Open the modal with a `question`, which takes the sealed address, or report that it does not open."""
        kept = replace(address, response_url=None) if first is _OF_SEVERAL else address  # it would take 5 results
        await self.modals.open(address, trigger, lambda _: question(seal(kept, self.cipher)), first, _NOT_OPENED)

    async def refresh(self, address: ReplyAddress, view: ViewRef, *, note: str = "") -> None:
        """Show the sessions as they are now; `note` is mrkdwn above them. Nobody waits for them in a closed modal."""
        if view.modal_id is None:
            await self.home.publish(address.actor, notice=Notice(note) if note else None)
        else:
            await self.modals.update(address.actor, view.modal_id, await self._view(address, note))

    def address(self, actor: Actor, origin: str) -> ReplyAddress | None:
        """Return where the results of a modal go; None if the modal is not one of this person's."""
        return unseal(origin, actor, self.cipher)

    async def find(self, actor: Actor, verb: Verb, words: str) -> Found | Message:
        """Return the session that `words` mean alone, or else the message of `message`."""
        found = await self.lists.search(actor, words)
        return found if isinstance(found, Found) else self._message(actor, found, verb, words)

    async def message(self, actor: Actor, verb: Verb, words: str = "") -> Message:
        """Return the list for the person alone, of those that `words` choose for this order, or why they see none."""
        return self._message(actor, await self.lists.overview(actor), verb, words)

    def _message(self, actor: Actor, found: Overview | Refusal, verb: Verb, words: str) -> Message:
        if not isinstance(found, Overview):
            return list_refusal(found, dashboard_url=self.dashboard_url)
        shown = replace(found, verb=verb, words=words)
        return self.updates.show(actor.person, list_message(shown, dashboard_url=self.dashboard_url))

    async def _view(self, address: ReplyAddress, note: str) -> View:
        """Return the modal with the sessions. Never raises."""
        try:
            found = await self.lists.overview(address.actor)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return message_modal(report(error), note)
        if not isinstance(found, Overview):
            return message_modal(list_refusal(found, dashboard_url=self.dashboard_url), note)
        return sessions_modal(
            found,
            seal(address, self.cipher),
            dashboard_url=self.dashboard_url,
            note=note,
            has_thread=address.thread_ts is not None,
        )
