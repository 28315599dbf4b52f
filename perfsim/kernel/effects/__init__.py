"""What each primitive does to the state, at the instant it takes effect, and what that costs the CPU.

An effect is given the state, the task that performs it, and the instant in ps; then arguments of its own, whose names
say what they number: a page, a zone, the slot of a pte. It returns an answer, 0 if it has none, or BLOCKED when its CPU
cannot go on. What it costs waits in the CPU's pending_ps. Public functions that kernel/primitives.py does not name are
what effects share.
"""
