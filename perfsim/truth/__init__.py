"""What the simulator must reproduce: queueing theory, laws, published measurements, and its own statistics."""
