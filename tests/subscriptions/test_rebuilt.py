"""A subscription under random changes, definitions and kills: what its messages say is what the source has.

`python -m tests.subscriptions.rebuilt` does the same for as long as one likes.
"""

from __future__ import annotations

import time

from tests.subscriptions.rebuilt.run import Plan, Rebuilding
from tests.subscriptions.world import Subscribed


def test_tables_are_rebuilt_from_messages_alone(world: Subscribed) -> None:
    plan = Plan(seed=str(time.time_ns()), seconds=14.0, kill_seconds=3.5)
    Rebuilding(world, plan, print).run()
