"""The demo: a shop is replicated between two throw-away MySQL servers while it is in business, and compared."""

from udup.demo.run import run_demo

__all__ = ["run_demo"]
