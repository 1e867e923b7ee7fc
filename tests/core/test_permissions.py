"""The verdict of a policy: nobody but full members can order anything, and of them those whom the policy leaves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import permissions as product
from bot.core.permissions import EVERYBODY, Policy, Profile, Role, Rule, check_policy, check_several, role_of
from harness.product import orders, outcomes

Actor, Verb, Why = orders.Actor, orders.Verb, outcomes.Why
HOME, SISTER, GRID = "T0HOME", "T0SISTER", "E0GRID"
ALICE = Actor(HOME, "C0ALERTS", "U0ALICE", home_team_id=HOME)
MEMBER = Profile(HOME)

teams = st.sampled_from(["", HOME, SISTER, GRID])
users = st.sampled_from(["U0ALICE", "U0BOB", "W0CAROL"])
channels = st.sampled_from(["C0ALERTS", "G0PRIVATE", "D0DIRECT", ""])
askers = st.builds(Actor, st.just(HOME), channels, users, home_team_id=teams)
rules = st.builds(Rule, st.frozensets(users), st.frozensets(channels))
policies = st.builds(Policy, rules, rules, st.frozensets(users), st.none() | rules)
verbs = st.sampled_from(Verb)
roles = st.sampled_from(Role)
flags = st.booleans()
profiles = st.builds(Profile, teams, teams, st.frozensets(teams), flags, flags, flags)


@given(policies, verbs, askers, roles)
def test_nobody_but_full_members_is_ever_allowed(
    policy: Policy, verb: orders.Verb, actor: orders.Actor, role: Role
) -> None:
    if check_policy(policy, verb, actor, role) is None:
        assert role in {Role.ADMIN, Role.MEMBER}


@given(policies, verbs, askers, roles)
def test_a_policy_only_narrows(policy: Policy, verb: orders.Verb, actor: orders.Actor, role: Role) -> None:
    if check_policy(policy, verb, actor, role) is None:
        assert check_policy(EVERYBODY, verb, actor, role) in (None, outcomes.Refusal(Why.NOT_ADMIN))
        rule = policy.rules.get(verb, Rule())
        assert actor.user_id in (rule.users or {actor.user_id})
        assert actor.channel_id in (rule.channels or {actor.channel_id})


@pytest.mark.parametrize("role", [Role.RESTRICTED, Role.OUTSIDER, Role.UNKNOWN])
def test_a_denial_says_what_others_are(role: Role) -> None:
    named = Rule(frozenset({ALICE.user_id}), frozenset({ALICE.channel_id}))
    denial = outcomes.Refusal(Why.ROLE_UNKNOWN if role is Role.UNKNOWN else Why.NOT_MEMBER)
    assert check_policy(Policy(named, named), Verb.PAUSE, ALICE, role) == denial


@given(policies, askers, roles)
def test_those_who_pause_several_are_allowed_to_pause_and_named_if_anybody_is(
    policy: Policy, actor: orders.Actor, role: Role
) -> None:
    one, many = check_policy(policy, Verb.PAUSE, actor, role), check_several(policy, actor, role)
    if (one is None or one.why is Why.NOT_HERE) and policy.pause_several - {
        actor.user_id
    } == policy.pause_several != frozenset():
        assert many == outcomes.Refusal(Why.NOT_NAMED_FOR_SEVERAL, ids=policy.pause_several)
    else:
        assert many == one


@given(profiles, askers, teams)
def test_nobody_of_another_company_is_a_member(profile: Profile, actor: orders.Actor, enterprise: str) -> None:
    if role_of(profile, actor, enterprise) is not Role.OUTSIDER:
        is_colleague = profile.enterprise_id == enterprise != ""
        assert is_colleague or HOME in {profile.team_id, *profile.teams}
        assert not profile.is_stranger


@given(profiles, askers, teams)
def test_only_admins_of_this_very_workspace_are_admins(profile: Profile, actor: orders.Actor, enterprise: str) -> None:
    if role_of(profile, actor, enterprise) is Role.ADMIN:
        assert HOME in {profile.team_id, *profile.teams}
        assert profile.is_admin
        assert not profile.is_restricted
        assert not profile.is_stranger


@pytest.mark.parametrize(
    ("profile", "enterprise", "role"),
    [
        (MEMBER, "", Role.MEMBER),
        (replace(MEMBER, is_admin=True), "", Role.ADMIN),
        (replace(MEMBER, is_restricted=True, is_admin=True), "", Role.RESTRICTED),
        (replace(MEMBER, is_stranger=True), "", Role.OUTSIDER),
        (Profile(SISTER), "", Role.OUTSIDER),
        (Profile(SISTER, GRID), "", Role.OUTSIDER),
        (Profile(SISTER, GRID), GRID, Role.MEMBER),
        (Profile(SISTER, GRID, is_admin=True), GRID, Role.MEMBER),
        (Profile(SISTER, GRID, frozenset({SISTER, HOME}), is_admin=True), GRID, Role.ADMIN),
        (Profile(SISTER, GRID, frozenset({SISTER, HOME})), "", Role.MEMBER),
        (Profile(SISTER, "E0OTHER"), GRID, Role.OUTSIDER),
        (Profile("", ""), "", Role.OUTSIDER),
    ],
)
def test_the_role_of_a_profile(profile: Profile, enterprise: str, role: Role) -> None:
    assert role_of(profile, ALICE, enterprise) is role
    assert role_of(Profile(""), replace(ALICE, team_id=""), "") is Role.OUTSIDER  # no installed team


@pytest.mark.parametrize(
    ("home_team_id", "enterprise", "surely"),
    [(HOME, "", False), (SISTER, "", True), (SISTER, GRID, False), ("", "", False)],
)
def test_people_of_another_company_are_surely_outsiders_without_asking_slack(
    home_team_id: str, enterprise: str, *, surely: bool
) -> None:
    assert product.is_surely_outsider(replace(ALICE, home_team_id=home_team_id), enterprise) is surely
