"""What a path costs by its source alone: the ways through its control flow, what each does, and the price of that.

    source -> ways (values, answers) -> way (steps, accesses) -> compare

What is in brackets serves the module before it: what locals hold and primitives answer; what primitives do.
"""
