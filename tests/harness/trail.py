"""The audit trail as one process has it, and rows and marks that somebody forges."""

import json
import time

from bot.core.audit import NEW_KEY, AuditRow, Mark, Point, Verdict
from bot.outbound.store.audit import INTERVAL, AuditTrail, changed
from bot.outbound.store.leases import Lease
from bot.outbound.store.secrets import FieldCipher
from bot.outbound.store.store import Store
from harness.databases import OTHER_KEY

__all__ = ["INTERVAL", "NEW_KEY", "AuditTrail", "Lease", "Verdict"]

COLUMNS = ("team_id", "place", "id", "about", "what", "at", "person", "content", "key_id", "link")
ALONE = Lease("here", is_alone=True)


def restarted(store: Store) -> AuditTrail:
    return AuditTrail(store.database, store.cipher)


def with_other_key(store: Store) -> AuditTrail:
    return AuditTrail(store.database, FieldCipher([OTHER_KEY]))


async def chain(store: Store, lease: Lease = ALONE) -> None:
    """Chain all rows that are not chained yet, if the process of the lease leads."""
    while await store.audit.chain(lease) < INTERVAL:
        pass


def row(what: str = "alert channel", content: str = "C1") -> AuditRow:
    return changed(what, content, team_id="T0HOME00001", at=time.time() - 90.0)


async def add(store: Store, forged: AuditRow) -> None:
    """Add a row with the signature of this store, as its process does."""
    await store.database.change(lambda connection: store.audit.add(connection, forged))


def sealed(text: str, *, key_of: Store) -> str:
    """Return a mark with the signature of another key."""
    key = key_of.cipher.derive("anchor-bot: the links of the audit trail")
    start, end, gap, version, *_ = json.loads(text)
    mark = Mark("T0HOME00001", Point(*start), Point(*end), gap, version)
    return mark.sealed(key_of.cipher.key_id, key)
