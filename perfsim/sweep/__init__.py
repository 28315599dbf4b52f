"""Many runs at once: worker processes, progress, interruption, resumption."""
