"""Who may do what."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.requests import Asker, Verb


class Role(StrEnum):
    """What somebody is in the workspace that the app is installed in."""

    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    OUTSIDER = "outsider"
    UNKNOWN = "unknown"
    """Slack can't be asked now, and was never asked before."""
    UNREADABLE = "unreadable"
    """The app may not ask: it was installed without the scope `users:read`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says of a person, in the words of users.info; "" and no teams where it says nothing.

    `is_admin` is about the workspace that asks, and so are the others. https://docs.slack.dev/reference/methods/users.info
    """

    team_id: str
    enterprise_id: str = ""
    teams: frozenset[str] = frozenset()
    is_admin: bool = False
    is_guest: bool = False
    is_bot: bool = False
    is_deactivated: bool = False
    is_stranger: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do one thing, and where: user ids and channel ids. An empty set narrows nothing."""

    users: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """The rule for each verb. By default every full member may do everything, everywhere."""

    pause: Rule = Rule()
    resume: Rule = Rule()

    def of(self, verb: Verb) -> Rule:
        """The rule for this verb."""
        return self.pause if verb is Verb.PAUSE else self.resume


EVERYBODY = Policy()
"""The default."""


@dataclass(frozen=True, slots=True)
class NotAMember:
    """Only full members of the workspace may do it, and this person is `role`."""

    role: Role


@dataclass(frozen=True, slots=True)
class NotNamed:
    """Only these people may do it."""

    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class NotHere:
    """It may be done in these channels only."""

    channels: frozenset[str]


Denial = NotAMember | NotNamed | NotHere


def judge(policy: Policy, verb: Verb, asker: Asker, role: Role) -> Denial | None:
    """Why this person may not do that there, or None where they may."""
    role = _by_team(asker) if role is Role.UNREADABLE else role
    if role not in {Role.ADMIN, Role.MEMBER}:
        return NotAMember(role)
    rule = policy.of(verb)
    if rule.users and asker.user_id not in rule.users:
        return NotNamed(rule.users)
    if rule.channels and asker.channel_id not in rule.channels:
        return NotHere(rule.channels)
    return None


def role_of(profile: Profile, asker: Asker) -> Role:
    """What a person is in the workspace that the app is installed in."""
    if profile.is_stranger or not _is_of_workspace(profile, asker):
        return Role.OUTSIDER
    if profile.is_deactivated:
        return Role.DEACTIVATED
    if profile.is_bot:
        return Role.BOT
    if profile.is_guest:
        return Role.GUEST
    return Role.ADMIN if profile.is_admin and asker.team_id in _teams_of(profile) else Role.MEMBER


def is_surely_outsider(asker: Asker) -> bool:
    """Whether somebody comes from another company, so that Slack need not be asked.

    In a Slack Connect channel outsiders see the buttons, and can click them; on Enterprise Grid somebody of another
    workspace may be a colleague. https://docs.slack.dev/apis/slack-connect
    """
    return not asker.enterprise_id and asker.own_team_id not in {asker.team_id, ""}


def _by_team(asker: Asker) -> Role:
    """All that can be said without asking Slack."""
    own = asker.own_team_id in {asker.team_id, asker.enterprise_id} - {""}
    return Role.MEMBER if own else Role.OUTSIDER


def _is_of_workspace(profile: Profile, asker: Asker) -> bool:
    """Whether somebody belongs to the workspace, or to another one of its Grid organisation."""
    is_colleague = bool(asker.enterprise_id) and profile.enterprise_id == asker.enterprise_id
    return is_colleague or asker.team_id in _teams_of(profile)


def _teams_of(profile: Profile) -> frozenset[str]:
    return (profile.teams | {profile.team_id}) - {""}
