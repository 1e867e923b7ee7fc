"""The twenty names of the product that tests use beside the module under test: a moved file changes one line here."""

from bot.app import Limits, running
from bot.cli.main import main
from bot.config.environment import Settings
from bot.core import alerts, cards, journal, orders, outcomes, permissions, sessions, workspace
from bot.core.fields import Secret
from bot.core.orders import State
from bot.core.session_ids import SessionId
from bot.outbound.store import errors
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.store import Store, open_store
from bot.runtime import Tasks

__all__ = ["Limits", "OrderRows", "Secret", "SessionId", "Settings", "State", "Store", "Tasks", "alerts", "cards"]
__all__ += ["errors", "journal", "main", "open_store", "orders", "outcomes", "permissions", "running", "sessions"]
__all__ += ["workspace"]
