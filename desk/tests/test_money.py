"""Granting and what follows: refusals with the room, the message's way, handing over, voiding."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format

from common.windows import local_date
from compensations.actions import grant
from compensations.models import Compensation, LimitCounter
from compensations.tests.scenario import Company, code_of
from delivery.models import Message
from delivery.states import Failure
from desk.selectors.way import way_of
from incidents.models import Incident

from .conftest import SignIn


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


@pytest.fixture
def path(incident: Incident) -> str:
    return f"/incidents/{incident.folio}/"


def offer(company: Company, name: str, **more: str) -> dict[str, str]:
    return {"offer": str(company.offers[name].pk), "once": "t", **more}


def amount(company: Company, name: str, text: str) -> dict[str, str]:
    pk = company.offers[name].pk
    return {"offer": str(pk), f"amount-{pk}": text, "once": "t"}


def test_an_offer_is_granted_with_its_default(company: Company, path: str, desk: Client) -> None:
    answer = desk.post(f"{path}grant/", offer(company, "coupon"))
    assert answer["Location"] == f"{path}#given"
    compensation = Compensation.objects.get()
    assert (compensation.face_minor, compensation.granted_by) == (200_00, company.agent)
    text = desk.get(path).content.decode()
    assert "Waiting to be sent" in text
    assert "every 2s" in text


def test_an_amount_typed_beside_the_offer_is_granted(
    company: Company, path: str, desk: Client
) -> None:
    desk.post(f"{path}grant/", amount(company, "coupon", "250.50"))
    assert Compensation.objects.get().face_minor == 250_50


def test_the_amount_of_another_offer_is_not_read(company: Company, path: str, desk: Client) -> None:
    other = company.offers["large"].pk
    desk.post(f"{path}grant/", {**offer(company, "coupon"), f"amount-{other}": "60.00"})
    assert Compensation.objects.get().face_minor == 200_00


def test_sent_twice_it_is_granted_once(company: Company, path: str, desk: Client) -> None:
    form = offer(company, "coupon")
    first, second = desk.post(f"{path}grant/", form), desk.post(f"{path}grant/", form)
    assert first["Location"] == second["Location"]
    assert Compensation.objects.count() == Message.objects.count() == 1
    again = desk.post(f"{path}grant/", {**form, "once": "another page"})
    assert again.status_code == 409
    assert "already granted" in again.content.decode()
    assert Compensation.objects.count() == 1


@pytest.mark.parametrize("text", ["250,50", "1.000,00", "mucho", "99.00", "300.01"])
def test_a_wrong_amount_is_refused_beside_its_box(
    text: str, company: Company, path: str, desk: Client
) -> None:
    answer = desk.post(f"{path}grant/", amount(company, "coupon", text))
    page = answer.content.decode()
    pk = company.offers["coupon"].pk
    assert answer.status_code == 422
    box = re.search(rf'<input[^>]*id="amount-{pk}"[^>]*>', page)
    assert box
    assert f'value="{text}"' in box[0]
    assert "autofocus" in box[0]
    assert page.count("autofocus") == 1
    assert re.search(rf'id="offer-{pk}"[^>]*checked', page)
    assert not Compensation.objects.exists()


def test_no_offer_chosen_leads_to_the_offers(path: str, desk: Client) -> None:
    page = desk.post(f"{path}grant/", {"once": "t"}).content.decode()
    assert "Choose an offer." in page
    assert re.search(r'<fieldset[^>]*id="id_offer"[^>]*autofocus', page)
    assert page.count("autofocus") == 1


def test_a_limit_says_which_how_much_is_left_and_what_to_do(
    company: Company, path: str, desk: Client
) -> None:
    company.limit("agent", "day", "amount", 450_00)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    page = desk.get(path).content.decode()
    # Drawn is what is used, as everywhere; what is left is said.
    assert "$400.00 of $450.00" in page
    assert "$50.00 left" in page
    assert re.search(r'class="bar bar-moderate" value="88" max="100"', page)
    answer = desk.post(f"{path}grant/", amount(company, "coupon", "150.00"))
    text = answer.content.decode()
    assert answer.status_code == 409
    # Nothing of an offer that begins at $100.00 is left to choose.
    assert "Your own limit today leaves $50.00 and this offer needs at least $100.00" in text
    assert "Ask for approval or choose another offer." in text
    assert "Choose up to" not in text
    assert 'name="fits"' not in text
    assert 'value="150.00"' in text
    assert LimitCounter.objects.get().used == 400_00
    assert Compensation.objects.count() == 2


def test_what_a_limit_leaves_is_granted_with_one_button(
    company: Company, path: str, desk: Client
) -> None:
    company.limit("agent", "day", "amount", 350_00)
    company.limit("team", "day", "amount", 320_00)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    pk = company.offers["coupon"].pk
    assert 'name="fits"' not in desk.get(path).content.decode()
    answer = desk.post(f"{path}grant/", amount(company, "coupon", "250.00"))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Choose up to $120.00" in text
    button = re.search(r'<button[^>]*type="submit"[^>]* name="fits" value="([^"]*)"', text)
    assert button is not None
    assert button[1] == f"{pk} 12000"
    assert "Grant $120.00 · coupon" in text
    # The last of the form, so that Enter in a box still means the first.
    form = text[text.index('id="offers"') : text.index("</form>", button.start())]
    assert form.rindex("<button") == form.index(button[0])
    once = re.search(r'name="once" value="([^"]*)"', form)
    assert once is not None
    sent = {"offer": str(pk), f"amount-{pk}": "250.00", "once": once[1], "fits": button[1]}
    assert desk.post(f"{path}grant/", sent)["Location"] == f"{path}#given"
    assert Compensation.objects.latest("id").face_minor == 120_00


def test_a_button_of_what_is_no_longer_left_is_refused_in_words(
    company: Company, path: str, desk: Client
) -> None:
    company.limit("team", "day", "amount", 110_00)
    pk = company.offers["coupon"].pk
    answer = desk.post(f"{path}grant/", {"once": "t", "fits": f"{pk} 12000"})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "leaves $110.00 and this needs $120.00" in text
    assert f'name="amount-{pk}" value="120.00"' in text
    assert f'name="fits" value="{pk} 11000"' in text
    for bad in ("", "x", f"{pk}", f"{pk} -1", f"{pk} 1 1"):
        answer = desk.post(f"{path}grant/", {"once": "t", "fits": bad})
        assert (answer.status_code, "Choose an offer." in answer.content.decode()) == (422, True)
    assert not Compensation.objects.exists()


def test_what_was_granted_under_another_version_is_shown_with_the_way_to_it(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    dearer = company.republish("coupon", maximum=350_00)
    page = desk.get(path).content.decode()
    assert "This offer was already granted on this case." in page
    assert f'href="#given-{made.pk}"' in page
    assert f'id="given-{made.pk}"' in page
    assert re.search(rf'id="offer-{dearer.pk}"[^>]* disabled', page)


def test_a_refund_above_what_was_at_stake_is_refused_before_it_is_chosen(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    grant(incident=incident, offer=company.offers["refund"], by=company.agent)
    words = "$1,500.00 of it is left"
    page = desk.get(path).content.decode()
    assert words in page
    assert re.search(rf'id="offer-{company.offers["statutory"].pk}"[^>]* disabled', page)
    answer = desk.post(f"{path}grant/", offer(company, "statutory", reason="Lo exige la ley."))
    assert answer.status_code == 409
    assert words in answer.content.decode()


def test_room_left_bounds_the_upper_end(company: Company, path: str, desk: Client) -> None:
    company.limit("team", "day", "amount", 250_00)
    text = desk.get(path).content.decode()
    assert f'data-min="{100_00}" data-max="{250_00}"' in text
    assert "Its upper end is bounded by the room left." in text


def test_ones_own_room_bounds_what_is_granted_alone(
    company: Company, path: str, desk: Client
) -> None:
    company.limit("agent", "day", "amount", 250_00)
    text = desk.get(path).content.decode()
    assert f'data-min="{100_00}" data-max="{300_00}"' in text
    assert f'data-alone="{250_00}"' in text
    assert "You can grant up to $250.00" in text


def test_an_offer_that_needs_approval_says_so(company: Company, path: str, desk: Client) -> None:
    assert "needs approval" in desk.get(path).content.decode()
    answer = desk.post(f"{path}grant/", offer(company, "large"))
    assert answer.status_code == 409
    assert not Compensation.objects.exists()


def test_a_share_of_an_unknown_amount_leads_to_the_correction(
    company: Company, desk: Client
) -> None:
    incident = company.incident(amount_at_stake_minor=None)
    text = desk.get(f"/incidents/{incident.folio}/").content.decode()
    assert "write that amount first" in text
    assert f"/incidents/{incident.folio}/change/#id_amount" in text


def test_no_offer_chosen_is_said(path: str, desk: Client) -> None:
    answer = desk.post(f"{path}grant/", {"once": "t"})
    assert answer.status_code == 422
    assert "Choose an offer." in answer.content.decode()


def test_keys_pick_only_what_may_be_granted(company: Company, path: str, desk: Client) -> None:
    desk.post(f"{path}grant/", offer(company, "coupon"))
    text = desk.get(path).content.decode()
    keys = dict(re.findall(r'id="offer-(\d+)"[^>]*data-key="(\d)"', text))
    assert str(company.offers["coupon"].pk) not in keys
    assert keys[str(company.offers["gift_card"].pk)] == "1"


def test_one_message_is_followed_until_it_is_final(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    message = Message.objects.get()
    way = f"{path}messages/{message.pk}/way/"
    seen = way_of(message).seen
    assert desk.get(way, {"seen": seen}).status_code == 204
    Message.objects.filter(pk=message.pk).update(state="sending", attempts=1)
    Message.objects.filter(pk=message.pk).update(state="sent", sent_at=timezone.now())
    text = desk.get(way, {"seen": seen}).content.decode()
    assert "Sent at" in text
    assert "every 10s" in text
    Message.objects.filter(pk=message.pk).update(state="bounced", failure="bounced")
    text = desk.get(way, {"seen": seen}).content.decode()
    assert "The address did not take it" in text
    assert "hand it over now" in text
    assert "hx-get" not in text


def test_looking_at_a_message_ends(company: Company, incident: Incident) -> None:
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    message = Message.objects.get()
    later = message.created_at + dt.timedelta(minutes=2)
    assert way_of(message, later).poll == 10
    assert way_of(message, message.created_at + dt.timedelta(hours=1)).poll == 0


def test_the_same_code_goes_out_again(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    code = code_of(compensation)
    form = {"channel": "email", "once": "t"}
    for _again in range(2):
        desk.post(f"{path}compensations/{compensation.pk}/send/", form)
    assert Message.objects.filter(ref=compensation.pk).count() == 2
    assert code_of(compensation) == code


def test_handing_over_shows_the_link_and_no_code(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    answer = desk.post(f"{path}grant/", offer(company, "coupon", channel="handover"))
    compensation = Compensation.objects.get()
    message = Message.objects.get()
    assert answer["Location"] == f"{path}messages/{message.pk}/"
    page = desk.get(answer["Location"])
    text = page.content.decode()
    link = re.search(r"http://[^\s\"<]+/p/[\w-]{43}/", text)
    assert link
    assert "<svg" in text
    assert code_of(compensation) not in text
    # Under no-referrer a browser sends no Origin either, and the confirmation would be refused.
    assert page["Referrer-Policy"] == "same-origin"
    assert desk.get(answer["Location"]).content.decode().count(link[0]) >= 2
    masked = desk.get("/p/" + link[0].rsplit("/p/", 1)[1])
    assert code_of(compensation) not in masked.content.decode()
    assert code_of(compensation) in Client().get(masked.request["PATH_INFO"]).content.decode()
    desk.post(f"{path}messages/{message.pk}/confirm/")
    message.refresh_from_db()
    assert message.state == "delivered"


def test_a_mail_has_no_page_to_hand_over(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    assert desk.get(f"{path}messages/{Message.objects.get().pk}/").status_code == 404


def test_voiding_asks_why_and_gives_the_room_back(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    company.limit("agent", "day", "amount", 450_00)
    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    void = f"{path}compensations/{compensation.pk}/void/"
    assert desk.post(void, {"reason": ""}).status_code == 422
    assert LimitCounter.objects.get().used == 200_00
    for _again in range(2):
        assert desk.post(void, {"reason": "Otra opción", "once": "t"}).status_code == 302
    compensation.refresh_from_db()
    assert compensation.state == "voided"
    assert LimitCounter.objects.get().used == 0


def test_after_ten_minutes_only_the_supervisor_voids(
    company: Company, path: str, incident: Incident, desk: Client, signed_in: SignIn
) -> None:
    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    Compensation.objects.filter(pk=compensation.pk).update(
        created_at=timezone.now() - dt.timedelta(minutes=11)
    )
    void = f"{path}compensations/{compensation.pk}/void/"
    assert "Void it" not in desk.get(path).content.decode()
    answer = desk.post(void, {"reason": "Tarde"})
    assert answer.status_code == 403
    assert "ten minutes are over" in answer.content.decode()
    compensation.refresh_from_db()
    assert compensation.state == "issued"
    assert signed_in(company.supervisor).post(void, {"reason": "Tarde"}).status_code == 302
    compensation.refresh_from_db()
    assert compensation.state == "voided"


def test_a_new_code_replaces_the_old_one(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    old = code_of(compensation)
    desk.post(
        f"{path}compensations/{compensation.pk}/void/", {"reason": "La perdió", "then": "again"}
    )
    fresh = Compensation.objects.get(state="issued")
    assert fresh.reissue_of == compensation
    assert code_of(fresh) != old


def test_self_dealing_is_refused_in_words(company: Company, desk: Client) -> None:
    incident = company.incident(company.customer(email=company.colleague.email))
    answer = desk.post(f"/incidents/{incident.folio}/grant/", offer(company, "coupon"))
    assert answer.status_code == 409
    assert "belongs to somebody who works here" in answer.content.decode()
    assert not Compensation.objects.exists()


def stuck(company: Company, incident: Incident, state: str, failure: str = "") -> Message:
    """The message of a grant, as a provider left it."""
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    Message.objects.update(state="sending", attempts=5)
    Message.objects.update(state=state, failure=failure)
    return Message.objects.get()


@pytest.mark.parametrize(("state", "failure"), [("failed", "gave_up"), ("unknown", "")])
def test_a_stuck_message_is_tried_again_from_the_case(
    state: str, failure: str, company: Company, path: str, incident: Incident, desk: Client
) -> None:
    message = stuck(company, incident, state, failure)
    text = desk.get(path).content.decode()
    assert "Try it again" in text
    with translation.override("en"):
        assert (str(Failure(failure).label) if failure else "did not say") in text
    answer = desk.post(f"{path}messages/{message.pk}/again/")
    assert answer["Location"] == f"{path}#given"
    message.refresh_from_db()
    assert (message.state, message.failure, message.attempts_before) == ("queued", "", 5)
    assert "Try it again" not in desk.get(path).content.decode()


def test_where_the_address_changed_the_same_message_is_not_tried_again(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    message = stuck(company, incident, "failed", "address_changed")
    text = desk.get(path).content.decode()
    assert "Try it again" not in text
    assert "Write it off" in text
    desk.post(f"{path}messages/{message.pk}/again/")
    message.refresh_from_db()
    assert message.state == "failed"


def test_writing_a_message_off_asks_why(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    message = stuck(company, incident, "unknown")
    off = f"{path}messages/{message.pk}/write-off/"
    desk.post(off, {"reason": "  "})
    message.refresh_from_db()
    assert message.state == "unknown"
    assert "Say why." in desk.get(path).content.decode()
    desk.post(off, {"reason": "Ya lo recibió por teléfono"})
    message.refresh_from_db()
    assert (message.state, message.failure) == ("failed", "written_off")
    assert "Write it off" not in desk.get(path).content.decode()


def test_the_case_says_the_last_day_that_the_customer_reads(
    company: Company, path: str, incident: Incident, desk: Client
) -> None:
    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    assert compensation.expires_at is not None
    zone = incident.market.time_zone
    after = local_date(compensation.expires_at, zone)
    last = local_date(compensation.expires_at - dt.timedelta(seconds=1), zone)
    assert after == last + dt.timedelta(days=1)
    text = desk.get(path).content.decode()
    with translation.override("en"):
        assert f"until {date_format(last, 'SHORT_DATE_FORMAT')}" in text
