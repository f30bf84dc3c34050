"""The mailbox server: keeps what it takes, and its receipts reach the product exactly as agreed."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import smtplib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from recovery.embedded import mailsink, processes
from recovery.embedded.supervisor import listen

SECRET = bytes(range(32))


@dataclass
class Product:
    """Stands in for the receiving end: answers with the next status, keeps what it was sent."""

    port: int
    answers: list[int] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def product() -> Iterator[Product]:
    state = Product(port=0)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.taken.append(
                ({name.lower(): value for name, value in self.headers.items()}, body)
            )
            self.send_response(state.answers.pop(0) if state.answers else 202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def sink(folder: Path, product: Product, end: int = SIGTERM) -> Iterator[int]:
    """The server as its own process; gives its port."""
    listener = listen(0, "")
    words = [sys.executable, "-m", "recovery.embedded.mailsink", "--folder", str(folder)]
    process = processes.spawn(
        [*words, "--fd", str(listener.fileno())],
        env={
            **os.environ,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{product.port}",
            "RECEIPT_SECRET": SECRET.hex(),
        },
        pass_fds=[listener.fileno()],
    )
    try:
        yield listener.getsockname()[1]
    finally:
        processes.stop(process, end, 5)
        listener.close()


def send(port: int, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as link:
        link.sendmail("desk@example.com", ["ana@example.com"], text.encode())


def until(condition: object, seconds: float = 15) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def stored(folder: Path, name: str) -> list[Path]:
    return sorted((folder / name).glob("*")) if (folder / name).exists() else []


def test_a_receipt_is_signed_as_standard_webhooks_say(tmp_path: Path, product: Product) -> None:
    with sink(tmp_path / "box", product) as port:
        send(port, "X-Recovery-Message: 42\r\nSubject: hola\r\n\r\nun cupón\r\n")
        until(lambda: stored(tmp_path / "box", "cur"))

    headers, body = product.taken[0]
    said = json.loads(body)
    assert said["type"] == "message.delivered"
    assert said["data"] == {"message_id": "42"}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    kept = stored(tmp_path / "box", "cur")[0].read_text(encoding="utf-8")
    assert kept.startswith("Return-Path: <desk@example.com>\nDelivered-To: ana@example.com\n")
    assert kept.endswith("Subject: hola\n\nun cupón\n")


def test_a_message_of_nobody_is_kept_and_owes_nothing(tmp_path: Path, product: Product) -> None:
    with sink(tmp_path / "box", product) as port:
        send(port, "Subject: hello\r\n\r\nbody\r\n")
        until(lambda: stored(tmp_path / "box", "cur"))
        time.sleep(0.3)
    assert product.taken == []
    assert stored(tmp_path / "box", "new") == []


def test_a_receipt_is_tried_again_under_the_same_id(tmp_path: Path, product: Product) -> None:
    product.answers = [503, 429]
    with sink(tmp_path / "box", product) as port:
        send(port, "X-Recovery-Message: 7\r\n\r\nbody\r\n")
        until(lambda: stored(tmp_path / "box", "cur"))
    assert len(product.taken) == 3
    assert len({headers["webhook-id"] for headers, _body in product.taken}) == 1


def test_a_refused_receipt_is_not_tried_again(tmp_path: Path, product: Product) -> None:
    product.answers = [400]
    with sink(tmp_path / "box", product) as port:
        send(port, "X-Recovery-Message: 7\r\n\r\nbody\r\n")
        until(lambda: stored(tmp_path / "box", "cur"))
        time.sleep(0.7)
    assert len(product.taken) == 1


def test_an_owed_receipt_survives_a_kill(tmp_path: Path, product: Product) -> None:
    product.answers = [503] * 2
    with sink(tmp_path / "box", product, end=SIGKILL) as port:
        send(port, "X-Recovery-Message: 9\r\n\r\nbody\r\n")
        until(lambda: product.taken)
    assert stored(tmp_path / "box", "new")
    product.answers.clear()

    with sink(tmp_path / "box", product):
        until(lambda: stored(tmp_path / "box", "cur"))
    assert json.loads(product.taken[-1][1])["data"] == {"message_id": "9"}
    assert stored(tmp_path / "box", "new") == []


def test_a_message_that_is_too_large_is_refused(tmp_path: Path, product: Product) -> None:
    with sink(tmp_path / "box", product) as port, pytest.raises(smtplib.SMTPException):
        send(port, "Subject: big\r\n\r\n" + ("x" * 900 + "\r\n") * (mailsink.LARGEST // 900 + 10))
    assert stored(tmp_path / "box", "cur") == []


def test_only_the_newest_are_kept(
    tmp_path: Path, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailsink, "KEPT", 3)
    box = mailsink.Sink(tmp_path / "box", "http://127.0.0.1:9", SECRET)
    for number in range(5):
        box.keep(f"Subject: {number}\r\n\r\n".encode(), "a@example.com", ["b@example.com"])

    box.forget_old()

    left = [path.read_text().split("Subject: ")[1].strip() for path in stored(box.folder, "cur")]
    # Names made in one second need not sort as they were made.
    assert sorted(left) == ["2", "3", "4"]
