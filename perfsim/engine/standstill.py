"""Time that stands still: what no run may do for ever."""

EFFECTS_AT_INSTANT_MAX = 1_000_000
"""More effects of one task at one instant, and the workload lets no time pass (every cost and think time zero)."""


def standstill(at_ps: int, cpu: int) -> str:
    """What to say of a task that goes on like that."""
    where = f"time stands still at {at_ps} ps"
    return f"{where}: a task on CPU {cpu} repeats itself and nothing costs anything"
