"""A browser for tests, if there is one here: without it they are skipped, and say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


# Chromium has no sandbox for root, as whom CI runs; the others keep it from asking the network for things of its own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium: $PERFSIM_CHROMIUM, or the first of NAMES on the path."""
    names = [os.environ.get("PERFSIM_CHROMIUM", ""), *NAMES]
    program = next((found for name in names if name and (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium here: install chromium-headless-shell, or name one in PERFSIM_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield launched
        launched.close()


@contextmanager
def page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with chromium() as browser:
        yield browser.new_page()
