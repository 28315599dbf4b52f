"""Text in, frozen value out: workload files, `--set`, and the points of a sweep. The only place that judges them."""
