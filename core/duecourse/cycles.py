"""How often Python looks for cycles, in a process that keeps thousands of cases at hand."""

import gc


def look_for_cycles_rarely() -> None:
    """For a process of our own, once it is set up: none of the cases is in a cycle.

    With Python's own thresholds the collector goes through all of them again and again: measured,
    40 ms pauses and a seventh of the throughput.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
