"""What a first view of a page weighs, compressed: its HTML, styles, scripts, fonts and pictures.

References are followed as a browser does: from the HTML to styles and scripts, from styles to fonts
and pictures, from scripts to the modules they import. Every font named counts, whether the page's
letters would fetch it or not.
"""

import gzip
import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from compensations.actions import grant
from compensations.messages import portal_url
from delivery.models import Message

from .company import Bench
from .money import make_incidents
from .table import Row

BUDGET, AIM = 300, 150  # KB
ALREADY_SMALL = frozenset({".woff2", ".png"})
_IN_CSS = re.compile(r"""(?:url\(|@import )\s*["']?([^"')]+)""")
_IN_JS = re.compile(r"""\b(?:from|import)\s*\(?\s*["']([^"']+)["']""")


class _References(HTMLParser):
    """Addresses that the page brings with it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        names = {"script": "src", "img": "src", "link": "href", "use": "href"}
        for name in (names.get(tag, ""), "data-icons"):
            if address := values.get(name):
                self.found.append(address)


def _static(address: str) -> str | None:
    """The name of a static file, or None for anything else."""
    path = urlsplit(address).path
    base = f"/{settings.STATIC_URL.lstrip('/')}"
    return path.removeprefix(base) if path.startswith(base) else None


def _inside(name: str, text: str) -> list[str]:
    """Static files that a style or a script brings with it."""
    pattern = {".css": _IN_CSS, ".js": _IN_JS}.get(posixpath.splitext(name)[1])
    if pattern is None:
        return []
    found = [urlsplit(address).path for address in pattern.findall(text)]
    return [
        urljoin(f"/{name}", address).lstrip("/")
        for address in found
        if address and not address.startswith(("data:", "#"))
    ]


def _compressed(name: str, content: bytes) -> int:
    if posixpath.splitext(name)[1] in ALREADY_SMALL:
        return len(content)
    return len(gzip.compress(content, 6))


def weight(html: bytes) -> tuple[float, int]:
    """(kilobytes, files) of a first view, its HTML included."""
    page = _References()
    page.feed(html.decode())
    waiting = [name for address in page.found if (name := _static(address)) is not None]
    seen: set[str] = set()
    total = len(gzip.compress(html, 6))
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = finders.find(name)
        if path is None:
            raise RuntimeError(f"{name} is brought by a page and is not there")
        content = Path(path).read_bytes()
        total += _compressed(name, content)
        if name.endswith((".css", ".js")) and not name.endswith(".min.js"):
            waiting += _inside(name, content.decode())
    return total / 1000, len(seen) + 1


def weight_rows(bench: Bench) -> Iterator[Row]:
    """The desk, a case with a compensation, and the customer's coupon."""
    incident = make_incidents(bench, 1)[0]
    agent = bench.agents[0]
    made = grant(incident=incident, offer=bench.company.offers["coupon"], by=agent)
    message = Message.objects.get(ref=made.pk)
    desk, customer = Client(HTTP_HOST="127.0.0.1"), Client(HTTP_HOST="127.0.0.1")
    desk.force_login(agent)
    link = urlsplit(portal_url(made, message)).path
    for name, client, path in (
        ("desk", desk, "/"),
        ("list of incidents", desk, "/incidents/"),
        ("incident page", desk, f"/incidents/{incident.folio}/"),
        ("coupon page", customer, link),
    ):
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        kilobytes, files = weight(answer.content)
        yield Row(
            f"first view of the {name}, {files} files",
            f"{kilobytes:.0f} KB",
            budget=f"{BUDGET} KB",
            met=kilobytes <= BUDGET,
        )
