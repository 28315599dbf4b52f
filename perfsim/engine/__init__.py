"""Where simulated time passes."""
