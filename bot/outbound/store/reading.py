"""Options of connections that only read."""

from collections.abc import Mapping
from typing import Any

READING: Mapping[str, Any] = {
    "isolation_level": "AUTOCOMMIT",  # otherwise PostgreSQL gets BEGIN and ROLLBACK with each read
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
    "max_overflow": 0,  # connections that would be closed after one read
}
"""Options of an engine for reads: each is one round trip, and leaves nothing to clean up."""
