"""The one typer application; each command's module adds itself to it."""

from __future__ import annotations

import typer


def plain_app(name: str) -> typer.Typer:
    """An application, or a group of commands, whose help is plain text and whose errors are told by `main` alone.

    No boxes and no markup: help looks the same in a pipe, and what a user typed is never taken for markup.
    """
    return typer.Typer(name=name, pretty_exceptions_enable=False, rich_markup_mode=None)


app = plain_app("perfsim")
