"""The routes of a message to people, in the order in which they are tried."""

from collections.abc import Awaitable, Callable
from functools import partial

from bot.core.requests import ReplyAddress
from bot.messages.blocks import Message, Visibility
from bot.messages.results import as_direct_message
from bot.outbound.slack.client import Delivery
from bot.outbound.slack.response_url import ResponseUrls
from bot.usecases.pending_result import Send

Post = Callable[..., Awaitable[Delivery]]
"""Posts to a conversation or a person with the token of a workspace: `MessageDelivery` has it."""


def find_routes(address: ReplyAddress, message: Message, response_urls: ResponseUrls, post: Post) -> dict[str, Send]:
    """Return the routes by name, in the order in which they are tried.

    The response_url works where the bot is not a member. In a thread it comes second if a message shortcut gave it:
    Slack can post such an answer in the channel. A thread can be locked, so the channel follows.
    https://docs.slack.dev/interactivity/implementing-shortcuts
    """
    actor, url = address.actor, address.response_url
    is_public = message.visibility is Visibility.IN_CHANNEL
    thread_ts = address.thread_ts if is_public else None
    by_url: dict[str, Send] = {}
    by_post: dict[str, Send] = {}
    if url is not None:
        by_url["response_url"] = partial(response_urls.post, url, message, thread_ts=thread_ts)
    if is_public and actor.channel_id:
        by_post["channel"] = partial(post, actor.team_id, actor.channel_id, message, thread_ts=thread_ts)
    routes = by_post | by_url if thread_ts and address.message_url else by_url | by_post
    if url is not None and thread_ts:
        routes["response_url without thread"] = partial(response_urls.post, url, message)
    private = as_direct_message(message, actor.channel_id)
    routes["direct message"] = partial(post, actor.team_id, actor.user_id, private)
    return routes
