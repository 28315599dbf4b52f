"""Tables for people and for scripts."""
