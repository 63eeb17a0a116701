"""A seeded simulation: the real actors and engines in virtual time, on one thread; the same seed, the same history.

`world.py` has time and processes, `machine.py` is what stands in for `udup/base/runtime.py`, `net.py` and `actors.py`
for NATS and Thespian, `mysql.py` for the target's server below its driver, `source.py` for the source. `scenario.py`
draws what happens before anything runs, `history.py` lets it happen, `checks.py` says what must always hold.
"""
