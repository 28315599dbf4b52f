"""What every reader of a kernel path shares, in integers: random numbers, histogram cells, columns of a state."""
