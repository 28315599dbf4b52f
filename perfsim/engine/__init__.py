"""Where simulated time passes."""

from perfsim.errors import InputError, did_you_mean, quoted

ENGINES = ("compiled", "simpy")
"""The engines by name, the default first."""


def check_engine(engine: str) -> None:
    """Raise InputError for a name that no engine has."""
    if engine not in ENGINES:
        problem = f"no engine is called {quoted(engine)}{did_you_mean(engine, ENGINES)}"
        raise InputError("--engine", f"{problem}; known: {', '.join(ENGINES)}")
