"""What a path costs by its source alone: the ways through its control flow, what each does, and the price of that."""
