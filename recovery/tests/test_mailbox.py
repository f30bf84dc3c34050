"""The mailbox page of the embedded mode: reading, and what its frame may do."""

import mailbox as stdlib_mailbox
import os
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import RoleGrant, Staff
from delivery.channels.base import Envelope
from delivery.channels.email import build
from delivery.mailing import build_mail
from delivery.tests.factories import make_message
from recovery import mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def keep(tmp_path: Path, settings: Settings) -> Callable[..., str]:
    """Puts a mail as the product sends it into the mailbox; gives its key."""
    settings.VAR_DIR = tmp_path
    box = stdlib_mailbox.Maildir(str(tmp_path / "mailbox"), create=True)

    def put(subject: str = "Algo para usted", *, html: bool = True, greeting: str = "Hola") -> str:
        words = build_mail(
            subject=subject,
            brand="Hoteles Alameda",
            greeting=greeting,
            paragraphs=["Lamentamos lo ocurrido."],
            link=("Ver mi cupón", "http://127.0.0.1:8000/p/abcdefgh/"),
            language="es",
        )
        mail = build(
            Envelope(
                id=make_message().pk,
                sender_name="Hoteles Alameda",
                sender_address="hola@example.com",
                recipient_name="Mariana Solís",
                recipient_address="mariana@example.com",
                language="es",
                subject=words.subject,
                text=words.text,
                html=words.html if html else "",
            )
        )
        return str(box.add(mail.message().as_bytes()))

    return put


@pytest.fixture
def signed_in(client: Client, agent: Staff) -> Client:
    client.force_login(agent)
    return client


def test_an_empty_mailbox_teaches_the_next_act(
    signed_in: Client, tmp_path: Path, settings: Settings
) -> None:
    settings.VAR_DIR = tmp_path
    answer = signed_in.get(reverse("mailbox"))
    assert answer.status_code == 200
    assert b"No messages yet" in answer.content


def test_newest_first_and_in_pages(
    keep: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = keep("First")
    second = keep("Second")
    path = next((tmp_path / "mailbox" / "new").glob(f"{first}*"))
    older = path.with_name("1700000000" + path.name[10:])
    path.rename(older)
    # The mail server moves a message on once its receipt is taken; its key stays.
    os.rename(older, tmp_path / "mailbox" / "cur" / f"{older.name}:2,")
    rows, more = mailbox.newest(0, 10)
    assert [(row.key, row.subject) for row in rows] == [
        (second, "Second"),
        (older.name, "First"),
    ]
    assert not more
    rows, more = mailbox.newest(0, 1)
    assert ([row.key for row in rows], more) == ([second], True)
    rows, more = mailbox.newest(1, 1)
    assert ([row.subject for row in rows], more) == (["First"], False)


def test_the_list_and_one_message(signed_in: Client, keep: Callable[..., str]) -> None:
    key = keep()
    page = signed_in.get(reverse("mailbox")).content.decode()
    assert "Algo para usted" in page
    assert "Mariana Solís" in page
    answer = signed_in.get(reverse("mailbox-message", args=[key]))
    page = answer.content.decode()
    assert "mariana@example.com" in page
    assert "Lamentamos lo ocurrido." in page
    assert 'href="http://127.0.0.1:8000/p/abcdefgh/"' in page
    assert reverse("mailbox-part", args=[key]) in page
    assert "style=" not in page
    policy = answer["Content-Security-Policy"]
    assert "frame-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_moments_are_those_of_the_readers_market(
    signed_in: Client, agent: Staff, keep: Callable[..., str]
) -> None:
    keep()
    row = mailbox.newest(0, 1)[0][0]
    zone = RoleGrant.objects.get(staff=agent).market.time_zone
    local = timezone.localtime(row.at, ZoneInfo(zone))
    shown = signed_in.get(reverse("mailbox")).content.decode()
    assert local.isoformat() in shown
    assert local.utcoffset()


def test_the_html_part_can_do_nothing_but_be_read(
    signed_in: Client, keep: Callable[..., str]
) -> None:
    answer = signed_in.get(reverse("mailbox-part", args=[keep()]))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "Lamentamos lo ocurrido." in answer.content.decode()


def test_no_other_page_may_show_a_frame(signed_in: Client, keep: Callable[..., str]) -> None:
    answer = signed_in.get(reverse("mailbox"))
    assert "frame-src" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


def test_a_message_without_html_has_no_frame(signed_in: Client, keep: Callable[..., str]) -> None:
    key = keep(html=False)
    assert b"<iframe" not in signed_in.get(reverse("mailbox-message", args=[key])).content
    assert signed_in.get(reverse("mailbox-part", args=[key])).status_code == 404


@pytest.mark.parametrize("key", ["nobody", "..", "....passwd", "%2e%2e"])
def test_a_key_that_is_not_there_is_not_found(
    signed_in: Client, keep: Callable[..., str], key: str
) -> None:
    keep()
    assert signed_in.get(f"/mailbox/{key}/").status_code == 404
    assert signed_in.get(f"/mailbox/{key}/html/").status_code == 404
    assert mailbox.read("../new/x") is None


@pytest.mark.parametrize("page", ["x", "-1", "9" * 9, "²"])
def test_a_page_that_makes_no_sense_is_the_first(
    signed_in: Client, keep: Callable[..., str], page: str
) -> None:
    keep()
    assert b"Algo para usted" in signed_in.get(reverse("mailbox"), {"page": page}).content


def test_nobody_reads_it_without_signing_in(client: Client, keep: Callable[..., str]) -> None:
    key = keep()
    for name, arguments in (
        ("mailbox", []),
        ("mailbox-message", [key]),
        ("mailbox-part", [key]),
    ):
        answer = client.get(reverse(name, args=arguments))
        assert answer.status_code == 302
        assert b"Lamentamos" not in answer.content
