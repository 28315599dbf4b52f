"""What hardware costs: figures, topology, cache lines, spinlocks; no kernel word in it."""
