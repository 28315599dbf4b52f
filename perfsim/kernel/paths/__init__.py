"""Kernel paths as coroutines, one folder a design, beside the functions that all designs share."""
