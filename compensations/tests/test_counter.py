"""The cashier's counter: check, redeem, undo; what it keeps, hides and refuses."""

import datetime as dt
import logging
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape

from accounts.models import Location
from accounts.states import Role
from audit.models import AuditEvent
from compensations import codes
from compensations.actions import grant, redeem, reserve, validate_coupon, void
from compensations.models import Compensation, Coupon, LedgerEntry, Redemption, Reversal
from compensations.refusals import CouponNotValid
from compensations.views import checked

from .calls import everything
from .scenario import Company, build, code_of, person

SCAN = "/counter/"
COUPON = "/counter/coupon/"


@pytest.fixture
def cashier(client: Client, company: Company) -> Client:
    """A browser in which the cashier is signed in, at the one location there is."""
    client.force_login(company.cashier)
    return client


@pytest.fixture
def granted(company: Company) -> Compensation:
    return grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


def test_the_camera_is_allowed_on_the_page_that_reads_with_it_and_nowhere_else(
    cashier: Client,
) -> None:
    assert cashier.get(SCAN)["Permissions-Policy"] == "camera=(self)"
    for path in ("/counter/place/", "/preferences/"):
        assert "camera=()" in cashier.get(path)["Permissions-Policy"]


def _card(company: Company) -> Compensation:
    return grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)


def _reference(response: Any) -> str:
    found = re.search(r'name="reference" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def _check(client: Client, code: str) -> str:
    """Checks a code and gives the reference on the page that follows."""
    response = client.post(SCAN, {"code": code})
    assert (response.status_code, response["Location"]) == (302, COUPON)
    return _reference(client.get(COUPON))


def test_from_scan_to_redemption(cashier: Client, company: Company, granted: Compensation) -> None:
    reference = _check(cashier, code_of(granted).lower().replace("-", " "))
    page = cashier.get(COUPON).content.decode()
    assert "$200.00" in page
    assert company.location.name in page
    response = cashier.post(COUPON, {"reference": reference})
    row = Redemption.objects.get()
    assert response["Location"] == reverse("counter-redemption", args=[row.pk])
    assert (row.cashier, row.location, row.amount_minor) == (
        company.cashier,
        company.location,
        200_00,
    )
    assert Coupon.objects.get().state == "redeemed"
    assert cashier.get(response["Location"]).status_code == 200
    assert str(row.pk) in cashier.get(SCAN).content.decode()


def test_the_page_after_a_check_holds_no_code(
    cashier: Client, granted: Compensation, caplog: pytest.LogCaptureFixture
) -> None:
    code = code_of(granted)
    bare = code.replace("-", "")
    with caplog.at_level(logging.DEBUG):
        reference = _check(cashier, code)
        page = cashier.get(COUPON).content.decode()
        done = cashier.post(COUPON, {"reference": reference})
        page += done["Location"] + cashier.get(done["Location"]).content.decode()
        page += cashier.get(SCAN).content.decode()
    held = str(dict(cashier.session.items()))
    trail = "".join(str(row) for row in AuditEvent.objects.values_list())
    for place in (page, held, trail, caplog.text):
        assert code not in place
        assert bare not in place


def test_looking_changes_nothing(cashier: Client, company: Company, granted: Compensation) -> None:
    done = cashier.post(COUPON, {"reference": _check(cashier, code_of(granted))})["Location"]
    _check(cashier, code_of(_card(company)))
    before = everything()
    for address in (SCAN, "/counter/place/", COUPON, done):
        assert cashier.get(address).status_code == 200
        assert cashier.head(address).status_code == 200
    assert everything() == before


def _said(response: Any) -> str:
    """What stands under the field for the code."""
    page = response.content.decode()
    found = re.findall(r'class="error"[^>]*>.*?<span>(.*?)</span>', page, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("state", ["unknown", "malformed", "foreign"])
def test_a_code_that_is_none_of_this_market_gets_one_answer(cashier: Client, state: str) -> None:
    if state == "unknown":
        code = codes.display(codes.new_code())
    elif state == "malformed":
        code = "HOLA"
    else:
        abroad = build("CO")
        code = code_of(
            grant(incident=abroad.incident(), offer=abroad.offers["coupon"], by=abroad.agent)
        )
        Coupon.objects.update(expires_at=timezone.now())
    response = cashier.post(SCAN, {"code": code})
    assert response.status_code == 422
    assert _said(response) == str(CouponNotValid.default_message)


REASONS = {
    "used": r"Used today at \d\d:\d\d at Cancún\.",
    "used at a till": r"Used today at \d\d:\d\d\.",
    "used before": r"Used on .+ at \d\d:\d\d at Cancún\.",
    "expired": r"Expired on .+\.",
    "voided": r"Withdrawn: this code is no longer valid\.",
    "elsewhere": r"Usable only at Playa, CERRADO\.",
    "reserved": r"Reserved until (.+, )?\d\d:\d\d at another till\.",
    "reserved for days": r"Reserved until .+, \d\d:\d\d at another till\.",
}


def _make_unusable(state: str, company: Company, granted: Compensation) -> None:
    code, market = code_of(granted), company.market
    now = timezone.now()
    match state:
        case "used" | "used before":
            redeem(
                code=code,
                external_transaction_id="1",
                market=market,
                location=company.location,
                by=company.cashier,
            )
        case "used at a till":
            redeem(code=code, external_transaction_id="1", market=market, by=company.till)
        case "expired":
            Coupon.objects.update(expires_at=now - dt.timedelta(seconds=1))
        case "voided":
            void(compensation=granted, reason="Slip", by=company.agent)
        case "elsewhere":
            Location.objects.create(market=market, code="PDC", name="Playa")
            Coupon.objects.update(usable_at=["PDC", "CERRADO"])
        case _:
            reserve(code=code, market=market, by=company.till)
    if state == "reserved for days":
        Coupon.objects.update(reserved_until=now + dt.timedelta(days=2))
    elif state == "used before":
        Redemption.objects.update(created_at=now - dt.timedelta(days=3))


@pytest.mark.parametrize("state", REASONS)
def test_a_cashier_hears_why_a_code_of_the_market_cannot_be_used(
    cashier: Client, company: Company, granted: Compensation, state: str
) -> None:
    code = code_of(granted)
    _make_unusable(state, company, granted)
    company.cashier.language = "en"
    company.cashier.location = company.location
    company.cashier.save()
    response = cashier.post(SCAN, {"code": code})
    assert response.status_code == 422
    assert re.fullmatch(REASONS[state], _said(response))
    page = response.content.decode()
    for name in (granted.customer.name, company.agent.name):
        assert name not in page


def test_a_till_hears_no_reason(company: Company, granted: Compensation) -> None:
    code = code_of(granted)
    void(compensation=granted, reason="Slip", by=company.agent)
    with pytest.raises(CouponNotValid) as refused:
        validate_coupon(code=code, market=company.market, by=company.till)
    assert str(refused.value) == str(CouponNotValid.default_message)


def test_hearing_why_is_counted_as_a_guess(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    code = code_of(granted)
    void(compensation=granted, reason="Slip", by=company.agent)
    statuses = [cashier.post(SCAN, {"code": code}).status_code for _try in range(6)]
    assert statuses[0] == 422
    assert statuses[-1] == 429


def test_a_code_used_since_the_check_says_so(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    reference = _check(cashier, code_of(granted))
    _make_unusable("used at a till", company, granted)
    company.cashier.language = "en"
    company.cashier.save()
    page = cashier.post(COUPON, {"reference": reference}).content.decode()
    assert re.search(REASONS["used at a till"], page)


def test_a_gift_card_gives_the_amount_typed_and_keeps_the_rest(
    cashier: Client, company: Company
) -> None:
    card = _card(company)
    reference = _check(cashier, code_of(card))
    for typed in ("", "0", "12,50", "mucho", "600.00"):
        assert cashier.post(COUPON, {"reference": reference, "amount": typed}).status_code == 422
    assert not Redemption.objects.exists()
    response = cashier.post(COUPON, {"reference": reference, "amount": "120.50"})
    assert response.status_code == 302
    assert Redemption.objects.get().amount_minor == 120_50
    coupon = Coupon.objects.get()
    assert (coupon.balance_minor, coupon.state) == (379_50, "issued")
    assert "$379.50" in cashier.get(response["Location"]).content.decode()


def test_sending_the_page_twice_redeems_once(cashier: Client, company: Company) -> None:
    card = _card(company)
    reference = _check(cashier, code_of(card))
    first = cashier.post(COUPON, {"reference": reference, "amount": "100.00"})
    again = cashier.post(COUPON, {"reference": reference, "amount": "100.00"})
    assert first["Location"] == again["Location"]
    assert Redemption.objects.count() == 1
    assert Coupon.objects.get().balance_minor == 400_00


def test_a_reference_that_is_altered_old_or_of_another_check_redeems_nothing(
    cashier: Client, company: Company, granted: Compensation, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _check(cashier, code_of(_card(company)))
    reference = _check(cashier, code_of(granted))
    for sent in ("", "x", reference[:-1] + "_", other):
        response = cashier.post(COUPON, {"reference": sent})
        assert (response.status_code, response["Location"]) == (302, SCAN), sent
    monkeypatch.setattr(checked, "LASTS", dt.timedelta(seconds=-1))
    assert cashier.post(COUPON, {"reference": reference})["Location"] == SCAN
    monkeypatch.undo()
    assert not Redemption.objects.exists()
    assert cashier.post(COUPON, {"reference": reference})["Location"] != SCAN


def test_a_page_whose_check_no_longer_holds_hears_the_true_reason(
    cashier: Client, company: Company, granted: Compensation, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.cashier.language = "en"
    company.cashier.save()

    def told(reference: str) -> str:
        response = cashier.post(COUPON, {"reference": reference}, follow=True)
        assert response.redirect_chain == [(SCAN, 302)]
        return str(response.content.decode())

    older = _check(cashier, code_of(granted))
    newer = _check(cashier, code_of(_card(company)))
    page = told(older)
    assert "Another code was checked after this one" in page
    assert "too old" not in page
    cashier.post(COUPON, {"reference": newer, "amount": "500.00"})
    assert "another coupon was redeemed or the place was changed" in told(older)
    last = _check(cashier, code_of(granted))
    monkeypatch.setattr(checked, "LASTS", dt.timedelta(seconds=-1))
    assert "This check is too old" in told(last)
    assert Redemption.objects.count() == 1


def test_undo_inside_the_window_restores_and_happens_once(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    address = cashier.post(COUPON, {"reference": _check(cashier, code_of(granted))})["Location"]
    assert 'data-due="' in cashier.get(address).content.decode()
    assert cashier.post(address).status_code == 302
    assert cashier.post(address).status_code == 302
    assert Reversal.objects.count() == 1
    assert Coupon.objects.get().state == "issued"
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    page = cashier.get(address).content.decode()
    assert 'data-due="' not in page
    _check(cashier, code_of(granted))


def test_undo_after_the_window_is_refused_in_words(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    address = cashier.post(COUPON, {"reference": _check(cashier, code_of(granted))})["Location"]
    company.market.undo_minutes = 0
    company.market.save()
    page = cashier.get(address).content.decode()
    assert 'data-due="' not in page
    response = cashier.post(address)
    assert response.status_code == 422
    assert not Reversal.objects.exists()
    assert Coupon.objects.get().state == "redeemed"


def test_another_cashiers_redemption_does_not_exist(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    address = cashier.post(COUPON, {"reference": _check(cashier, code_of(granted))})["Location"]
    cashier.force_login(person(company.market, "otra", Role.CASHIER))
    assert cashier.get(address).status_code == 404
    assert cashier.post(address).status_code == 404
    assert not Reversal.objects.exists()


@pytest.mark.parametrize("role", ["agent", "supervisor", "elena", "administrator"])
def test_nobody_but_a_cashier_stands_at_the_counter(
    client: Client, company: Company, granted: Compensation, role: str
) -> None:
    client.force_login(getattr(company, role))
    code = code_of(granted)
    assert client.get(SCAN).status_code == 403
    assert client.post(SCAN, {"code": code}).status_code == 403
    assert client.post(COUPON, {"reference": "x"}).status_code == 403
    assert client.get("/counter/place/").status_code == 403
    assert not Redemption.objects.exists()
    client.logout()
    assert client.get(SCAN)["Location"].endswith("?next=/counter/")


def test_a_coupon_of_another_place_is_not_usable_here(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    code = code_of(granted)
    Coupon.objects.update(usable_at=["PDC"])
    assert cashier.post(SCAN, {"code": code}).status_code == 422
    there = Location.objects.create(market=company.market, code="PDC", name="Playa")
    assert cashier.post("/counter/place/", {"location": there.pk})["Location"] == SCAN
    _check(cashier, code)
    assert escape("Playa") in cashier.get(COUPON).content.decode()


def test_a_place_is_asked_where_there_are_several(
    cashier: Client, company: Company, make_elsewhere: Callable[[], Location]
) -> None:
    Location.objects.create(market=company.market, code="PDC", name="Playa")
    assert cashier.get(SCAN)["Location"] == "/counter/place/"
    foreign = make_elsewhere()
    response = cashier.post("/counter/place/", {"location": foreign.pk})
    assert response.status_code == 422
    assert foreign.name not in cashier.get("/counter/place/").content.decode()
    company.cashier.location = company.location
    company.cashier.save()
    assert cashier.get(SCAN).status_code == 200


@pytest.fixture
def make_elsewhere(company: Company) -> Callable[[], Location]:
    """A location of a market where the cashier has no role."""

    def make() -> Location:
        market = company.market
        market.pk, market.code = None, "CO"
        market.save(force_insert=True)
        return Location.objects.create(market=market, code="BOG", name="Bogotá")

    return make


def test_guessing_is_stopped_for_good_codes_too_and_for_this_cashier_alone(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    code = code_of(granted)
    statuses = [cashier.post(SCAN, {"code": codes.new_code()}).status_code for _number in range(10)]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    assert cashier.post(SCAN, {"code": code}).status_code == 429
    cashier.force_login(person(company.market, "otra", Role.CASHIER))
    _check(cashier, code)


def test_a_slip_of_the_hand_is_no_guess(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    code = code_of(granted)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for _try in range(30):
        assert cashier.post(SCAN, {"code": wrong}).status_code == 422
    _check(cashier, code)


def test_how_long_to_wait_is_said_in_minutes(cashier: Client) -> None:
    for _number in range(10):
        answer = cashier.post(SCAN, {"code": codes.new_code()})
    assert "10 minut" in answer.content.decode()


def test_a_redemption_of_another_day_says_which(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    cashier.post(COUPON, {"reference": _check(cashier, code_of(granted))})
    row = Redemption.objects.get()
    zone = ZoneInfo(company.market.time_zone)
    today = timezone.localtime(row.created_at, zone)
    assert f">{today:%H:%M}</span>" in cashier.get(SCAN).content.decode()
    earlier = today - dt.timedelta(days=3)
    Redemption.objects.update(created_at=earlier)
    shown = cashier.get(SCAN).content.decode()
    assert date_format(earlier, "SHORT_DATETIME_FORMAT") in shown


def test_one_code_tried_again_and_again_looks_the_same_whether_it_exists_or_not(
    cashier: Client, company: Company, granted: Compensation
) -> None:
    """Each series by a cashier of its own, so that only the code's own count differs."""
    used = code_of(granted)
    cashier.post(COUPON, {"reference": _check(cashier, used)})
    series = []
    for code in (used, codes.new_code()):
        cashier.force_login(person(company.market, "otra", Role.CASHIER))
        series.append([cashier.post(SCAN, {"code": code}).status_code for _try in range(6)])
    assert series[0] == series[1]
    assert series[0][-1] == 429
