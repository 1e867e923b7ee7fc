"""The JSON for the page: simulated Slack as one person sees it, the agents, the switches, and the guide."""

from collections import Counter
from dataclasses import asdict

from bot.demo.agents import Agent, Agents
from bot.demo.demo import Demo
from bot.demo.newco import NEWCO_KEY
from bot.demo.people import Person, people
from bot.demo.sandbox import Sandbox
from bot.sim.slack import Channel, ChannelKind, Message, SimSlack, User, View, Workspace

Json = dict[str, object]

_LINES_SHOWN = 12


def slack_view(sandbox: Sandbox, person: Person) -> Json:
    """Every conversation of this person, with what they see in it, and the names for the ids in it."""
    slack, workspace = sandbox.slack, person.workspace
    return {
        "me": person.user.id,
        "workspace": _name(workspace),
        "people": [_person(one) for one in people(sandbox)],
        "users": {one.id: _user(one, workspace) for one in workspace.users.values()},
        "channel_names": {one.id: one.name for one in workspace.channels.values()},
        "commands": [] if person.is_external else [asdict(one) for one in workspace.installation.commands],
        "shortcuts": [] if person.is_external else [asdict(one) for one in workspace.installation.shortcuts],
        "channels": [_channel(one, slack, person) for one in slack.conversations_of(person.user)],
        "app": None if person.is_external else _app(slack, person),
        "modals": [_view(one) for one in slack.modals_of(person.user, workspace)],
    }


def demo_view(demo: Demo, person: Person) -> Json:
    """Return the agents of this person's workspace, the switches, and the steps of the guide."""
    is_new = person.workspace is demo.sandbox.newco.workspace
    return {
        "agents": [_agent(one) for one in demo.agents_at(person.workspace)],
        "fleet": None if is_new else _fleet(demo.fleet),
        "switches": demo.switches.positions,
        "bot": demo.sandbox.bot.state,
        "steps": demo.guide.steps(person),
        "auto_pause": None if is_new else demo.auto_pause.mode,
        "key_to_set": {"workspace": _name(person.workspace), "key": NEWCO_KEY} if is_new else None,
    }


def _name(workspace: Workspace) -> str:
    return workspace.domain.capitalize()


def _person(person: Person) -> Json:
    return {
        "id": person.user.id,
        "name": person.user.name,
        "workspace": _name(person.workspace),
        "is_admin": person.user.is_admin,
        "is_external": person.is_external,
    }


def _user(user: User, workspace: Workspace) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "is_bot": user.is_bot,
        "is_external": user.team_id != workspace.team_id,
        "is_deleted": user.deleted,
    }


def _app(slack: SimSlack, person: Person) -> Json:
    """Return the app's Home tab and its messages."""
    user, workspace = person.user, person.workspace
    home = slack.home_of(user, workspace)
    return {
        "name": workspace.installation.bot_name,
        "channel": workspace.dm_with_bot(user).id,
        "home": None if home is None else _view(home),
    }


def _view(view: View) -> Json:
    return {
        "id": view.id,
        "type": view.type,
        "title": view.title,
        "submit": view.submit,
        "close": view.close,
        "blocks": view.blocks,
        "state": view.state,
        "errors": view.errors,
        "client_error": view.client_error,
    }


def _channel(channel: Channel, slack: SimSlack, person: Person) -> Json:
    workspace = person.workspace
    others = [workspace.users[one] for one in sorted(channel.members) if one != person.user.id]
    return {
        "id": channel.id,
        "name": channel.name or ", ".join(one.name for one in others),
        "kind": channel.kind.value,
        "members": len(channel.members),
        "has_composer": workspace.has_composer(channel),
        "has_external": any(one.team_id != workspace.team_id for one in others),
        "is_with_bot": channel.kind is ChannelKind.DM and any(one.is_bot for one in others),
        "messages": [_message(one) for one in slack.seen_by(person.user, channel)],
    }


def _message(message: Message) -> Json:
    return {
        "ts": message.ts,
        "at": message.at.time,
        "user": message.user,
        "source": message.source,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "thread_ts": message.thread_ts,
        "is_ephemeral": message.ephemeral_to is not None,
        "revision": message.revision,
        "is_edited": message.edited_at is not None,
        "warns": asdict(message.warns) if message.warns else None,
    }


def _agent(agent: Agent) -> Json:
    return {
        "session_id": agent.session_id,
        "name": agent.job.name,
        "goal": agent.job.goal,
        "state": agent.state.value,
        "spent": agent.spent,
        "budget": agent.job.budget,
        "log": [asdict(line) for line in list(agent.log)[-_LINES_SHOWN:]],
    }


def _fleet(agents: Agents) -> Json | None:
    """Return how many agents of a fleet run and are paused, and what all spend; None without any."""
    states = Counter(one.state.value for one in agents)
    return {"states": dict(states), "spent": sum(one.spent for one in agents)} if states else None
