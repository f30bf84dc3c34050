"""The system's Chromium, signing in, and what every page has to be free of."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from recovery.demo.logins import DEMO_PASSWORD

AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe.min.js"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# A page that is not there by then is a fault, also on a machine that is busy with other tests.
WAIT_MS = 15_000


class NoBrowser(RuntimeError):
    """Chromium is not installed; `.ci/run` installs it from the system's packages."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Raises NoBrowser: a journey that cannot be walked fails, it is not skipped."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise NoBrowser("install Chromium, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A context whose faults are kept: script errors, policy violations, foreign hosts."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.faults: list[str] = []
        options.setdefault("viewport", {"width": 1280, "height": 900})
        self.context: BrowserContext = browser.new_context(base_url=address, **options)
        self.context.set_default_timeout(WAIT_MS)
        self.page: Page = self.context.new_page()
        self.watch(self.page)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on(
            "console",
            lambda line: self.faults.append(line.text) if "Policy" in line.text else None,
        )
        page.on("request", lambda request: self._judge(request.url))

    def _judge(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:", "about:")):
            self.faults.append(f"foreign host: {url}")

    def sign_in(self, username: str) -> Page:
        self.page.goto("/accounts/login/")
        self.page.fill("input[name=login]", username)
        self.page.fill("input[name=password]", DEMO_PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/accounts/login" not in url)
        return self.page

    def close(self) -> None:
        self.context.close()


class Crew:
    """People at their browsers. Each signs in once; later contexts start from that session."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self._sessions: dict[str, Any] = {}
        self._opened: list[Watched] = []

    def enter(self, username: str | None = None, **options: Any) -> Watched:
        """A context of its own, signed in as `username` where one is given."""
        if username is not None and username not in self._sessions:
            door = Watched(self.browser, self.address)
            door.sign_in(username)
            self._sessions[username] = door.context.storage_state()
            door.close()
        if username is not None:
            options["storage_state"] = self._sessions[username]
        watched = Watched(self.browser, self.address, **options)
        self._opened.append(watched)
        return watched

    def leave(self, pictures: str = "") -> list[str]:
        """Closes every context; gives the faults that they met.

        With `pictures` each page is first drawn into a file whose name starts so.
        """
        opened, self._opened = self._opened, []
        for place, watched in enumerate(opened if pictures else []):
            watched.page.screenshot(path=f"{pictures}-{place}.png", full_page=True)
        for watched in opened:
            watched.close()
        return [fault for watched in opened for fault in watched.faults]


# Every rule runs; of what passed axe describes one element, and nothing of it leaves the page.
_RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes[0].html]);
}"""


def violations(page: Page) -> dict[str, str]:
    """What axe finds on the page: rule and the first place."""
    page.evaluate(_axe())
    return {rule: html[:200] for rule, html in page.evaluate(_RUN_AXE)}


@cache
def _axe() -> str:
    return AXE.read_text()


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
