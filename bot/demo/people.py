"""The people of the demo's page, and the workspace that each of them sees."""

from dataclasses import dataclass

from bot.demo.sandbox import Sandbox
from bot.sim.slack import User, Workspace


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, and the workspace before them."""

    user: User
    workspace: Workspace

    @property
    def is_external(self) -> bool:
        """Whether they are of another workspace, and here through Slack Connect."""
        return self.user.team_id != self.workspace.team_id


def people(sandbox: Sandbox) -> tuple[Person, ...]:
    """Return an admin and a member of Acme, somebody of another company, and the admin of Newco."""
    slack, new = sandbox.slack, sandbox.newco
    acme = [Person(user, slack.home) for user in (slack.alice, slack.bob, slack.outsider)]
    return (*acme, Person(new.dora, new.workspace))
