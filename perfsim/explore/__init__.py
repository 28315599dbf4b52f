"""Every interleaving of a small scenario: which one breaks a design, on which memory model, or none."""
