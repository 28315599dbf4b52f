"""The classic litmus tests of memory ordering: scenarios, and a design for each way to write their accesses.

Names as in Alglave, Maranget, Tautschnig, Herding cats (2014). tests/explore/test_litmus.py has the verdicts and their
sources.
"""
