"""Decide who is allowed to pause, resume and end."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.orders import Actor, Verb
from bot.core.outcomes import Refusal, Why


class Role(StrEnum):
    """A person's role in the workspace that the app is installed in."""

    ADMIN = "admin"
    MEMBER = "member"
    RESTRICTED = "restricted"
    """A guest, a bot, or somebody whose account is deactivated."""
    OUTSIDER = "outsider"
    UNKNOWN = "unknown"
    """Slack does not answer, and no earlier answer counts."""


FULL_MEMBERS = frozenset({Role.ADMIN, Role.MEMBER})  # the roles that are allowed to pause and resume

MAKE_ADMIN = ("is_admin", "is_owner", "is_primary_owner")
MAKE_RESTRICTED = ("is_restricted", "is_ultra_restricted", "is_bot", "deleted")
"""The flags of Slack's user objects of which any one makes somebody an admin, or restricted."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as users.info describes them; the flags are about the workspace whose token asked.

    `is_restricted` says that their role is RESTRICTED. `has_roles`: Slack says whether they are an admin or a guest
    there, as it does of no people of other companies.
    https://docs.slack.dev/apis/slack-connect
    https://docs.slack.dev/reference/methods/users.info
    """

    team_id: str
    enterprise_id: str = ""
    teams: frozenset[str] = frozenset()
    is_admin: bool = False
    is_restricted: bool = False
    is_stranger: bool = False
    has_roles: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """The user ids and channel ids that are allowed one verb. An empty set means no restriction."""

    users: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """The rule for each verb. By default every full member is allowed to pause and resume, everywhere.

    Of those who are allowed to pause, only the people in `pause_several` can pause several at once, unless it is
    empty. Nobody ends a session if `end` is None, and only admins if it has no users. It has no channels.
    """

    pause: Rule = Rule()
    resume: Rule = Rule()
    pause_several: frozenset[str] = frozenset()
    end: Rule | None = None

    @property
    def rules(self) -> dict[Verb, Rule]:
        """Return the rules of the verbs that there are in the workspace."""
        rules = {Verb.PAUSE: self.pause, Verb.RESUME: self.resume}
        return rules if self.end is None else rules | {Verb.END: self.end}

    @property
    def summary(self) -> str:
        """Return how many people and channels the rules name, without naming them."""
        named = {verb.value: (len(rule.users), len(rule.channels)) for verb, rule in self.rules.items()}
        named |= {PAUSE_SEVERAL: (len(self.pause_several), 0)} if self.pause_several else {}
        return "; ".join(f"{what}: {people} people, {channels} channels" for what, (people, channels) in named.items())

    def naming(self, user_id: str) -> list[str]:
        """Return what it names a person for."""
        named: dict[str, frozenset[str]] = {verb: rule.users for verb, rule in self.rules.items()}
        return [what for what, users in (named | {PAUSE_SEVERAL: self.pause_several}).items() if user_id in users]


PAUSE_SEVERAL = "pause several at once"
EVERYBODY = Policy()  # the default policy


def check_policy(policy: Policy, verb: Verb, actor: Actor, role: Role) -> Refusal | None:
    """Return why this person is not allowed to do that there, or None if they are."""
    rule = policy.rules.get(verb, Rule())
    if role is Role.UNKNOWN:
        return Refusal(Why.ROLE_UNKNOWN)
    if role not in FULL_MEMBERS:
        return Refusal(Why.NOT_MEMBER)
    is_meant = actor.user_id in rule.users if rule.users else verb is not Verb.END or role is Role.ADMIN
    if not is_meant:
        return Refusal(Why.NOT_NAMED, ids=rule.users) if rule.users else Refusal(Why.NOT_ADMIN)
    if rule.channels and actor.channel_id not in rule.channels:
        return Refusal(Why.NOT_HERE, ids=rule.channels)
    return None


def check_several(policy: Policy, actor: Actor, role: Role) -> Refusal | None:
    """Return why this person is not allowed to pause several sessions at once there, or None if they are."""
    denial = check_policy(policy, Verb.PAUSE, actor, role)
    is_left_out = policy.pause_several and actor.user_id not in policy.pause_several
    is_by_place = denial is None or denial.why is Why.NOT_HERE
    return Refusal(Why.NOT_NAMED_FOR_SEVERAL, ids=policy.pause_several) if is_by_place and is_left_out else denial


def can_pause(policy: Policy, actor: Actor, role: Role) -> bool:
    """Return whether this person is allowed to pause in any conversation."""
    denial = check_policy(policy, Verb.PAUSE, actor, role)
    return denial is None or denial.why is Why.NOT_HERE


def role_of(profile: Profile, actor: Actor, enterprise_id: str) -> Role:
    """Return a person's role in the workspace that the app is installed in.

    `enterprise_id` is its Grid organisation, here and below. It never comes from a request, which names the
    organisation of the person: somebody of another company would be a colleague.
    """
    teams = (profile.teams | {profile.team_id}) - {""}
    is_colleague = bool(enterprise_id) and profile.enterprise_id == enterprise_id
    if profile.is_stranger or not (is_colleague or actor.team_id in teams):
        return Role.OUTSIDER
    if profile.is_restricted:
        return Role.RESTRICTED
    return Role.ADMIN if profile.is_admin and actor.team_id in teams else Role.MEMBER


def is_surely_outsider(actor: Actor, enterprise_id: str) -> bool:
    """Return whether a person certainly belongs to another company, without asking Slack."""
    # in a Slack Connect channel they can click the buttons, and on Enterprise Grid a person of another workspace can
    # be a colleague: https://docs.slack.dev/apis/slack-connect
    return not enterprise_id and actor.home_team_id not in {actor.team_id, ""}
