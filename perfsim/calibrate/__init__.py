"""What this machine's steps cost, measured on it, and whether its real locks do what the simulator's do."""
