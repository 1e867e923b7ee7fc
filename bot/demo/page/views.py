"""What the page shows, as JSON: simulated Slack as one person sees it, the agents, and the levers."""

from dataclasses import asdict

from bot.demo.agents import Agent
from bot.demo.world import World
from bot.sim.slack import Channel, Message, SimSlack, User

View = dict[str, object]

_LINES_SHOWN = 12


def slack_view(slack: SimSlack, person: User) -> View:
    """Every conversation of this person, with what they see in it, and the names for the ids in it."""
    workspace, everyone = slack.home, slack.home.users.values()
    has_commands = person.team_id == workspace.team_id
    return {
        "me": person.id,
        "workspace": workspace.domain.capitalize(),
        "people": [_user(one, slack) for one in (slack.alice, slack.outsider)],
        "users": {one.id: _user(one, slack) for one in everyone},
        "channel_names": {one.id: one.name for one in workspace.channels.values()},
        "commands": [asdict(one) for one in workspace.installation.commands] if has_commands else [],
        "channels": [_channel(one, slack, person) for one in slack.conversations_of(person)],
    }


def world_view(world: World) -> View:
    """The agents and the levers."""
    return {
        "agents": [_agent(one) for one in world.agents],
        "levers": world.levers.positions,
        "bot": world.stage.bot.state,
    }


def _user(user: User, slack: SimSlack) -> View:
    return {
        "id": user.id,
        "name": user.name,
        "is_bot": user.is_bot,
        "is_external": user.team_id != slack.home.team_id,
    }


def _channel(channel: Channel, slack: SimSlack, person: User) -> View:
    others = [slack.home.users[one] for one in sorted(channel.members) if one != person.id]
    return {
        "id": channel.id,
        "name": channel.name or ", ".join(one.name for one in others),
        "kind": channel.kind.value,
        "members": len(channel.members),
        "has_composer": slack.home.has_composer(channel),
        "has_external": any(one.team_id != slack.home.team_id for one in others),
        "messages": [_message(one) for one in slack.seen_by(person, channel)],
    }


def _message(message: Message) -> View:
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


def _agent(agent: Agent) -> View:
    return {
        "session_id": agent.session_id,
        "name": agent.job.name,
        "goal": agent.job.goal,
        "state": agent.state.value,
        "spent": agent.spent,
        "budget": agent.job.budget,
        "log": [asdict(line) for line in list(agent.log)[-_LINES_SHOWN:]],
    }
