"""A real browser for page tests: Debian's Chromium, driven by Playwright, and a watch over what a page does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

EXECUTABLE = Path("/usr/bin/chromium")
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} blocked ${event.blockedURI}`));
"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser; skips the test where Chromium is not installed."""
    _need_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGS)
        try:
            yield browser
        finally:
            await browser.close()


def _need_chromium() -> None:
    if not EXECUTABLE.exists():
        pytest.skip(f"{EXECUTABLE} is not installed: apt-get install chromium")


class Watch:
    """What a page did that it should not: console errors, policy violations, requests to elsewhere.

    `allowed` names parts of console errors that a test brings about on purpose.
    """

    def __init__(self, origin: str) -> None:
        """Judge requests by their origin, such as `http://127.0.0.1:8080`."""
        self.origin = origin
        self.requests: list[str] = []
        self.allowed: list[str] = []
        self._errors: list[str] = []

    async def over(self, page: Page) -> None:
        """Start watching a page; call it before the first navigation."""
        await page.add_init_script(_REPORT_VIOLATIONS)
        page.on("console", lambda message: self._errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    @property
    def errors(self) -> list[str]:
        """Console errors, uncaught exceptions and policy violations that no test asked for."""
        return [error for error in self._errors if not any(part in error for part in self.allowed)]

    @property
    def foreign(self) -> list[str]:
        """Requests that went to another origin."""
        return [url for url in self.requests if not self._own(url)]

    def _own(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "data" or f"{parts.scheme}://{parts.netloc}" == self.origin
