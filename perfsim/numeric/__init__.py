"""Integer functions shared by every reader of a kernel path: random numbers, buckets, the calendar."""
