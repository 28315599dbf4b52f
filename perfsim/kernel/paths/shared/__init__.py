"""What the rework leaves alone: every design has these paths, but for those that it replaces."""
