"""The bot between a simulated Slack and a simulated Anchor, over real sockets. See tests/README.md."""

from harness import virtual_time
from harness.bots import ManyHarness, SingleHarness, Tenant, another_bot, many_workspaces, single_workspace
from harness.conversation import BY_BOTH, Conversation
from harness.process import ProcessHarness, bot_process, single_workspace_process
from harness.texts import ALICE, OTHER_SESSION, SESSION, outcome_text, paused, resumed
from harness.transport import BOTH_TRANSPORTS, HTTP_ONLY, SOCKET_ONLY, current_transport

virtual_time.follow_stores()

__all__ = ["ALICE", "BOTH_TRANSPORTS", "BY_BOTH", "HTTP_ONLY", "OTHER_SESSION", "SESSION", "SOCKET_ONLY"]
__all__ += ["Conversation", "ManyHarness", "ProcessHarness", "SingleHarness", "Tenant", "another_bot"]
__all__ += ["bot_process", "current_transport", "many_workspaces", "outcome_text", "paused", "resumed"]
__all__ += ["single_workspace", "single_workspace_process", "virtual_time"]
