"""What each primitive does to the state, at the instant it takes effect, and what that costs the CPU."""
