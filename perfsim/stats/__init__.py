"""Comparisons of designs over paired replications."""
