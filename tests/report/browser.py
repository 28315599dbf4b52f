"""A browser for tests, if there is one here: without it they are skipped, and say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@contextmanager
def page() -> Iterator[Page]:
    """An empty page of a headless Chromium: $PERFSIM_CHROMIUM, or the first of NAMES on the path."""
    program = os.environ.get("PERFSIM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium here: install chromium-headless-shell, or name one in PERFSIM_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        # Chromium has no sandbox for root, as whom CI runs.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()
