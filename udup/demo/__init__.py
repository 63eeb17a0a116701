"""Two demos on throw-away servers: a shop in business is replicated; its changes are subscribed to."""

from udup.demo.run import run_demo
from udup.demo.subscribe import run_subscribe_demo

__all__ = ["run_demo", "run_subscribe_demo"]
