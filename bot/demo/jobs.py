"""The jobs of the demo's agents, and what the agents really do."""

import uuid
from dataclasses import dataclass

REMIND_BEFORE = 20
"""Minutes before the end of a session, from which people are reminded that it is paused."""


@dataclass(frozen=True, slots=True)
class Job:
    """An agent's task. It does `steps` in turn, over and over, and spends `rate` dollars a second.

    `budget`, in dollars, is what its monitor raises an alert at; `spent` is what it has spent before we look. `tag` and
    `host` are those of its session at Anchor, which ends after so many `minutes`.
    """

    name: str
    goal: str
    steps: tuple[str, ...]
    rate: float
    spent: float
    tag: str
    host: str
    budget: float | None = None
    minutes: int = 180


JOBS = {
    "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b": Job(
        name="Office supplies",
        goal="Reorder one box of printer paper",
        steps=(
            "Opened the supplier's shop",
            "Read: “Customers also bought a standing desk”",
            "Put 12 standing desks into the cart",
            "Applied the voucher DESK5",
            "The voucher needs 24 desks: put 12 more in",
            "Chose express delivery",
            "Paid with the company card",
            "Checked the goal: paper is still missing, starting over",
        ),
        rate=1.24,
        spent=40.6,
        tag="purchasing",
        host="supplies.example",
        budget=40.0,
    ),
    "9c0d7e11-2222-4333-8444-555566667777": Job(
        name="Flight watch",
        goal="Tell me when Lisbon gets cheaper than 120 €",
        steps=(
            "Searched BER to LIS for 12 December",
            "Sorted 48 results by price",
            "Cheapest is 147 €, not yet",
            "Closed a newsletter pop-up",
            "Waiting for the next look",
        ),
        rate=0.016,
        spent=0.92,
        tag="travel",
        host="flights.example",
    ),
    "5a1c0f3e-61b2-4c88-8d0e-2f4b6a8c0e1d": Job(
        name="Invoice filing",
        goal="File October's invoices by supplier",
        steps=(
            "Opened the mailbox “Invoices”",
            "Downloaded 2026-10-1187.pdf",
            "Read the supplier off page 1",
            "Named the file and filed it",
            "Marked the mail as done",
        ),
        rate=0.001,
        spent=9.1,
        tag="accounting",
        host="mail.example",
        budget=10.0,
        minutes=REMIND_BEFORE,
    ),
}
"""The jobs at Acme, by the id of the session they run in."""

NEWCO_JOBS = {
    "7e2d4b90-35c6-4f1a-8b7e-9d0c1a2b3c4d": Job(
        name="Lead research",
        goal="Find ten bakeries in Ghent that want a website",
        steps=(
            "Searched the map for bakeries in Ghent",
            "Opened the page of “Brood & Boter”",
            "They have a website: next one",
            "Filled in a contact form",
            "Filled in the same contact form",
            "Wrote the lead down, for the fourth time",
        ),
        rate=0.085,
        spent=6.1,
        tag="sales",
        host="maps.example",
    ),
}
"""The same at Newco."""


FLEET_TAG = "prices"


def fleet_jobs(count: int = 30) -> dict[str, Job]:
    """Return the jobs of a fleet whose agents all have the same bad prompt, by the ids of new sessions."""
    return {
        str(uuid.uuid4()): Job(
            name=f"Price check {number}",
            goal="Compare the price of one toner cartridge",
            steps=("Opened the shop", "Took the price for a bargain", "Bought a toner cartridge", "Compared again"),
            rate=0.42,
            spent=0.0,
            tag=FLEET_TAG,
            host=f"shop-{number}.example",
        )
        for number in range(1, count + 1)
    }
