"""The customer's page: what it shows in each state, to whom, and that looking changes nothing."""

import datetime as dt
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import CodeFailures
from audit.models import AuditEvent
from compensations.actions import grant, redeem, reissue, void
from compensations.actions import reverse as undo
from compensations.models import Compensation, Coupon
from compensations.tests.calls import everything
from compensations.tests.scenario import Company, code_of
from incidents.actions import revoke_portal_tokens
from incidents.models import PortalToken

Link = Callable[[Compensation], str]


def _text(response: Any) -> str:
    page: str = response.content.decode()
    return page


def _use(company: Company, compensation: Compensation, **values: Any) -> None:
    redeem(
        code=code_of(compensation),
        external_transaction_id="T-1",
        market=company.market,
        location=company.location,
        by=company.till,
        **values,
    )


def test_a_valid_coupon_shows_what_is_needed_to_use_it(
    client: Client, granted: Compensation, link: Link
) -> None:
    response = client.get(link(granted))
    page = _text(response)
    assert response.status_code == 200
    assert "Mariana" in page
    assert "Hotel Mar de Plata" in page
    assert "$200.00" in page
    assert code_of(granted) in page
    assert '<path stroke="#000" d="' in page
    assert '<html lang="es"' in page


def test_the_address_stays_out_of_caches_indexes_and_other_sites(
    client: Client, granted: Compensation, link: Link
) -> None:
    address = link(granted)
    for path in (address, f"{address}coupon.png", address[:-2] + "x/"):
        response = client.get(path)
        assert "no-store" in response["Cache-Control"], path
        assert response["Referrer-Policy"] == "no-referrer", path
        assert "noindex" in response["X-Robots-Tag"], path


def test_no_style_or_script_is_written_into_the_page(
    client: Client, granted: Compensation, link: Link
) -> None:
    page = _text(client.get(link(granted)))
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)


def test_the_switch_changes_the_language_and_stores_nothing(
    client: Client, granted: Compensation, link: Link
) -> None:
    response = client.get(link(granted), {"lang": "en"})
    assert '<html lang="en"' in _text(response)
    assert "this is for you" in _text(response)
    assert not response.cookies
    assert '<html lang="es"' in _text(client.get(link(granted), {"lang": "fr"}))


def test_whoever_an_import_did_not_name_is_greeted_without_a_name(
    client: Client, granted: Compensation, link: Link
) -> None:
    customer = granted.customer
    customer.name, customer.external_ref = "Sin identificar (quejas)", "~quejas"
    customer.save()
    page = _text(client.get(link(granted), {"lang": "en"}))
    assert "This is for you" in page
    assert "Sin" not in page


def test_a_page_of_a_used_coupon_says_when_and_where(
    client: Client, company: Company, granted: Compensation, link: Link
) -> None:
    code = code_of(granted)
    _use(company, granted)
    page = _text(client.get(link(granted), {"lang": "en"}))
    assert "already used" in page
    assert company.location.name in page
    assert code not in page
    assert "<path" not in page.partition("<main")[2].partition("</main>")[0]


def test_an_undone_use_makes_the_page_valid_again(
    client: Client, company: Company, granted: Compensation, link: Link
) -> None:
    _use(company, granted)
    undo(external_transaction_id="T-1", market=company.market, by=company.till)
    assert code_of(granted) in _text(client.get(link(granted)))


def test_a_gift_card_shows_what_is_left(client: Client, company: Company, link: Link) -> None:
    card = grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)
    _use(company, card, amount_minor=120_00)
    page = _text(client.get(link(card)))
    assert '<p class="display">$380.00</p>' in page
    assert "$500.00" in page
    assert code_of(card) in page
    assert "$380.00\xa0MXN" in _text(client.get(link(card), {"lang": "en"}))


def test_a_passed_date_counts_before_any_job_wrote_it_down(
    client: Client, granted: Compensation, link: Link
) -> None:
    code = code_of(granted)
    Coupon.objects.filter(compensation=granted).update(
        expires_at=timezone.now() - dt.timedelta(seconds=1)
    )
    page = _text(client.get(link(granted), {"lang": "en"}))
    assert "has expired" in page
    assert code not in page
    assert client.get(f"{link(granted)}coupon.png").status_code == 404


def test_a_withdrawn_coupon_says_so_and_points_to_its_successor(
    client: Client, company: Company, granted: Compensation, link: Link
) -> None:
    code = code_of(granted)
    address = link(granted)
    void(compensation=granted, reason="Wrong case", by=company.agent)
    page = _text(client.get(address, {"lang": "en"}))
    assert "was withdrawn" in page
    assert "latest message" not in page
    assert code not in page

    other = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    address = link(other)
    reissue(compensation=other, reason="Lost", by=company.agent)
    assert "latest message" in _text(client.get(address, {"lang": "en"}))


def test_a_refund_has_words_of_its_own_and_no_code(
    client: Client, company: Company, link: Link
) -> None:
    refund = grant(incident=company.incident(), offer=company.offers["refund"], by=company.agent)
    address = link(refund)
    page = _text(client.get(address, {"lang": "en"}))
    assert "the way you paid" in page
    assert "$500.00" in page
    assert "coupon.png" not in page
    assert client.get(f"{address}coupon.png").status_code == 404


def test_staff_see_the_code_masked(
    client: Client, company: Company, granted: Compensation, link: Link
) -> None:
    code = code_of(granted)
    client.force_login(company.supervisor)
    page = _text(client.get(link(granted)))
    assert code not in page
    assert code.replace("-", "") not in page
    assert code[-4:] in page
    assert "coupon.png" not in page
    assert client.get(f"{link(granted)}coupon.png").status_code == 404


def test_the_image_is_a_png_to_keep(client: Client, granted: Compensation, link: Link) -> None:
    response = client.get(f"{link(granted)}coupon.png")
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"] == 'attachment; filename="coupon.png"'
    assert response.content.startswith(b"\x89PNG\r\n\x1a\n")


def test_unknown_expired_and_revoked_links_look_alike(
    client: Client, company: Company, granted: Compensation, link: Link
) -> None:
    other = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    expired, revoked = link(granted), link(other)
    assert client.get(expired).status_code == client.get(revoked).status_code == 200
    PortalToken.objects.filter(ref=granted.pk).update(
        expires_at=timezone.now() - dt.timedelta(seconds=1)
    )
    revoke_portal_tokens(incident=other.incident, by=company.agent)
    unknown = reverse("portal-coupon", args=["A" * 43])
    short = reverse("portal-coupon", args=["A"])
    pages = []
    for address in (expired, revoked, unknown, short):
        response = client.get(address)
        assert response.status_code == 404
        pages.append(_text(response))
    assert len(set(pages)) == 1


def test_a_link_opens_its_own_compensation_alone(
    client: Client, company: Company, granted: Compensation, link: Link
) -> None:
    """A token whose reference belongs to another incident opens nothing."""
    other = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    address = link(granted)
    PortalToken.objects.filter(ref=granted.pk).update(ref=other.pk)
    assert client.get(address).status_code == 404


def test_trying_links_is_stopped_and_a_real_link_still_opens(
    client: Client, granted: Compensation, link: Link
) -> None:
    address = link(granted)
    statuses = [
        client.get(reverse("portal-coupon", args=[f"{number:043d}"])).status_code
        for number in range(40)
    ]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    response = client.get(reverse("portal-coupon", args=["9" * 43]))
    assert int(response["Retry-After"]) > 0
    # People behind one address share it; whoever holds a real link is not held back.
    assert client.get(address).status_code == 200


def test_post_is_refused(client: Client, granted: Compensation, link: Link) -> None:
    assert client.post(link(granted)).status_code == 405


@pytest.mark.parametrize("state", ["valid", "used", "voided", "refund", "expired link"])
def test_looking_changes_nothing(
    client: Client, company: Company, granted: Compensation, link: Link, state: str
) -> None:
    compensation = granted
    if state == "refund":
        compensation = grant(
            incident=company.incident(), offer=company.offers["refund"], by=company.agent
        )
    address = link(compensation)
    if state == "used":
        _use(company, compensation)
    elif state == "voided":
        void(compensation=compensation, reason="Slip", by=company.agent)
    elif state == "expired link":
        PortalToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    # A link that opens nothing is counted as tried.
    tried = CodeFailures._meta.db_table if state == "expired link" else ""
    before = everything(but=(tried,))
    for path in (address, f"{address}?lang=en", f"{address}coupon.png"):
        client.get(path)
        client.head(path)
    assert everything(but=(tried,)) == before


def test_no_code_reaches_a_log_an_address_or_the_audit_trail(
    client: Client,
    granted: Compensation,
    link: Link,
    caplog: pytest.LogCaptureFixture,
) -> None:
    code = code_of(granted)
    bare = code.replace("-", "")
    with caplog.at_level(logging.DEBUG):
        page = _text(client.get(link(granted)))
        client.get(f"{link(granted)}coupon.png")
    assert code not in caplog.text
    assert bare not in caplog.text
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', page):
        assert code not in address
        assert bare not in address
    trail = "".join(str(row) for row in AuditEvent.objects.values_list())
    assert code not in trail
    assert bare not in trail
