"""The page of one case and the acts that move no value."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Staff
from audit.models import AuditEvent
from compensations.actions import grant, void
from compensations.tests.scenario import Company
from incidents.actions import add_note, change_incident, make_promise
from incidents.models import (
    Incident,
    Note,
    Playbook,
    PlaybookAcknowledgement,
    PlaybookStep,
    Promise,
    RecoveryStep,
)
from incidents.states import Step

from .conftest import SignIn


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident(order_ref="H-88213")


@pytest.fixture
def path(incident: Incident) -> str:
    return f"/incidents/{incident.folio}/"


def test_the_page_tells_the_whole_story_in_local_time(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    add_note(incident=incident, body="El gerente sube.", by=company.agent)
    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    void(compensation=compensation, reason="Otra opción", by=company.agent)
    text = desk.get(path).content.decode()
    for words in (
        incident.narrative,
        "Customer, by phone",
        "Severity as suggested: Moderate",
        "El gerente sube.",
        "Granted: coupon, $200.00",
        "Voided: coupon, \u2212$200.00. Otra opción",
        "Message by email to",
    ):
        assert words in text, words
    local = incident.logged_at.astimezone(ZoneInfo(company.market.time_zone))
    assert f"{local:%H:%M}" in text


@pytest.mark.parametrize(
    ("show", "there", "away"),
    [
        ("notes", "El gerente sube.", "Granted:"),
        ("money", "Granted:", "El gerente sube."),
        ("system", "Severity as suggested", "El gerente sube."),
    ],
)
def test_the_timeline_is_filtered_by_its_address(
    show: str, there: str, away: str, company: Company, incident: Incident, desk: Client
) -> None:
    add_note(incident=incident, body="El gerente sube.", by=company.agent)
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    text = desk.get(f"/incidents/{incident.folio}/", {"show": show}).content.decode()
    assert there in text
    assert away not in text


def test_who_audits_goes_from_the_case_to_its_trail_and_nobody_else_is_led_there(
    company: Company, incident: Incident, path: str, auditor: Staff, signed_in: SignIn
) -> None:
    link = f'href="/audit/?thing={incident.folio}"'
    for staff in (company.agent, company.supervisor):
        assert link not in signed_in(staff).get(path).content.decode()
    browser = signed_in(auditor)
    assert link in browser.get(path).content.decode()
    assert (
        f"Logged case {incident.folio}"
        in browser.get("/audit/", {"thing": incident.folio}).content.decode()
    )


def test_contacts_are_masked(company: Company, desk: Client) -> None:
    customer = company.customer(email="mariana.solis@example.com", phone="998 123 4567")
    text = desk.get(f"/incidents/{company.incident(customer).folio}/").content.decode()
    assert "m•••@example.com" in text
    assert "mariana.solis" not in text
    assert "1234567" not in text


def test_a_code_is_never_on_the_page(company: Company, incident: Incident, desk: Client) -> None:
    from compensations.tests.scenario import code_of

    compensation = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    code = code_of(compensation)
    text = desk.get(f"/incidents/{incident.folio}/").content.decode()
    assert code[-4:] in text
    assert code not in text
    assert code.replace("-", "") not in text


def test_a_note_is_added_once(path: str, desk: Client) -> None:
    form = {"body": "El gerente sube.", "once": "t"}
    desk.post(f"{path}notes/", form)
    answer = desk.post(f"{path}notes/", form)
    assert answer.status_code == 302
    assert Note.objects.count() == 1
    desk.post(f"{path}notes/", {**form, "body": "Y el chef."})
    assert Note.objects.count() == 2


def test_an_empty_note_keeps_the_page(path: str, desk: Client) -> None:
    answer = desk.post(f"{path}notes/", {"body": " "})
    assert answer.status_code == 422
    assert not Note.objects.exists()


def test_a_promise_is_read_in_the_markets_time(company: Company, path: str, desk: Client) -> None:
    due = (timezone.localtime(timezone=ZoneInfo(company.market.time_zone))) + dt.timedelta(days=1)
    form = {"kind": "call", "due_at": f"{due:%Y-%m-%dT%H:%M}", "owner": "", "detail": "Avisar"}
    assert desk.post(f"{path}promises/", form).status_code == 302
    promise = Promise.objects.get()
    assert promise.due_at == due.replace(second=0, microsecond=0)
    assert promise.owner == company.agent


def test_the_story_says_who_owes_what_was_promised(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    company.agent.language = "en"
    company.agent.save()
    promise = make_promise(
        incident=incident,
        kind="call",
        due_at=timezone.now() + dt.timedelta(hours=2),
        owner=company.colleague,
        detail="Avisar",
        by=company.agent,
    )
    page = desk.get(path).content.decode()
    assert "Promise: call" in page
    assert f"Avisar · Owed by {company.colleague.name}" in page
    desk.post(f"/promises/{promise.pk}/end/", {"end": "kept"})
    assert f"Owed by {company.colleague.name}" in desk.get(path).content.decode()


def test_a_promise_in_the_past_is_refused_and_kept(path: str, desk: Client) -> None:
    answer = desk.post(
        f"{path}promises/", {"kind": "call", "due_at": "2020-01-01T10:00", "detail": "Avisar"}
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Avisar"' in text
    assert re.search(r'<details class="disclosure" open', text)
    assert not Promise.objects.exists()


@pytest.mark.parametrize("end", ["kept", "broken", "cancelled"])
def test_a_promise_ends_once(end: str, company: Company, incident: Incident, desk: Client) -> None:
    promise = make_promise(
        incident=incident,
        kind="call",
        due_at=timezone.now() + dt.timedelta(hours=1),
        by=company.agent,
    )
    for _again in range(2):
        desk.post(f"/promises/{promise.pk}/end/", {"end": end, "reason": "No contesta"})
    promise.refresh_from_db()
    assert promise.state == end
    assert AuditEvent.objects.filter(act=f"promise.{end}").count() == 1


def test_ending_a_promise_never_leaves_the_site(
    company: Company, incident: Incident, desk: Client
) -> None:
    promise = make_promise(
        incident=incident,
        kind="call",
        due_at=timezone.now() + dt.timedelta(hours=1),
        by=company.agent,
    )
    answer = desk.post(
        f"/promises/{promise.pk}/end/", {"end": "kept", "next": "https://evil.example/"}
    )
    assert answer["Location"] == f"/incidents/{incident.folio}/"


def test_steps_tick_by_hand_once(incident: Incident, path: str, desk: Client) -> None:
    for _again in range(2):
        desk.post(f"{path}steps/", {"step": "apologise"})
    steps = RecoveryStep.objects.filter(incident=incident)
    assert set(steps.values_list("step", flat=True)) == {"listen", "apologise"}
    desk.post(f"{path}steps/", {"step": "nonsense"})
    assert steps.count() == 2


def test_the_life_of_a_case(incident: Incident, path: str, desk: Client) -> None:
    form = {"resolution": "Se cambió el cuarto.", "once": "a"}
    assert desk.post(f"{path}resolve/", form).status_code == 302
    assert desk.post(f"{path}resolve/", form).status_code == 302
    text = desk.get(path).content.decode()
    assert "Close the case" in text
    assert "Approved offers" not in text
    desk.post(f"{path}close/")
    incident.refresh_from_db()
    assert incident.state == "closed"
    desk.post(f"{path}reopen/", {"reason": "Volvió a llamar."})
    incident.refresh_from_db()
    assert incident.state == "in_recovery"
    assert "Volvió a llamar." in desk.get(path).content.decode()


def test_resolving_asks_how(path: str, incident: Incident, desk: Client) -> None:
    assert desk.post(f"{path}resolve/", {"resolution": ""}).status_code == 422
    incident.refresh_from_db()
    assert incident.state == "open"


def test_a_promise_still_due_stops_the_closing(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    promise = make_promise(
        incident=incident,
        kind="call",
        due_at=timezone.now() + dt.timedelta(hours=1),
        by=company.agent,
    )
    desk.post(f"{path}resolve/", {"resolution": "Listo."})
    answer = desk.post(f"{path}close/")
    text = answer.content.decode()
    assert answer.status_code == 409
    refusal = re.search(r'<div id="unclosed" tabindex="-1" autofocus>(.*?)</ul>', text, re.S)
    assert refusal is not None
    assert "A promise to the customer is still due" in refusal[1]
    assert f'href="#promise-{promise.pk}"' in refusal[1]
    assert f'<li id="promise-{promise.pk}"' in text
    assert 'aria-describedby="unclosed"' in text
    assert text.count("autofocus") == 1
    incident.refresh_from_db()
    assert incident.state == "resolved"


def change_form(incident: Incident, **changed: str) -> dict[str, str]:
    return {
        "version": str(incident.version),
        "category": str(incident.category_id),
        "severity": incident.severity,
        "severity_reason": "",
        "narrative": incident.narrative,
        "kind": incident.kind,
        "channel": incident.channel,
        "location": "",
        "order_ref": incident.order_ref,
        "amount": "2,000.00",
        "occurred_at": "",
        "owner": str(incident.owner_id),
        **changed,
    }


def test_a_case_is_corrected(incident: Incident, path: str, desk: Client) -> None:
    form = change_form(
        incident, severity="critical", severity_reason="Hay un bebé", amount="2,500.00"
    )
    assert desk.post(f"{path}change/", form).status_code == 302
    incident.refresh_from_db()
    assert (incident.severity, incident.amount_at_stake_minor) == ("critical", 2_500_00)
    text = desk.get(path).content.decode()
    assert "severity from Moderate to Critical" in text
    assert "amount at stake from $2,000.00 to $2,500.00" in text


def test_no_less_is_at_stake_than_is_refunded(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    grant(incident=incident, offer=company.offers["refund"], by=company.agent)
    incident.refresh_from_db()
    answer = desk.post(f"{path}change/", change_form(incident, amount="499.99"))
    assert answer.status_code == 422
    (error,) = answer.context["form"].errors["amount"]
    assert "$500.00 of this case is refunded already" in error
    assert 'value="499.99"' in answer.content.decode()


def test_a_stale_save_shows_what_changed_and_keeps_the_text(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    mine = change_form(incident, narrative="Lo que yo escribí.")
    change_incident(
        incident=incident, version=incident.version, by=company.colleague, order_ref="H-99"
    )
    answer = desk.post(f"{path}change/", mine)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "\nLo que yo escribí.</textarea>" in text
    assert "H-99" in text
    assert "Saved in the meantime" in text
    incident.refresh_from_db()
    assert incident.narrative != "Lo que yo escribí."
    again = change_form(incident, narrative="Lo que yo escribí.")
    assert f'name="version" value="{incident.version}"' in text
    assert desk.post(f"{path}change/", again).status_code == 302


def opened(desk: Client, path: str, **changed: str) -> dict[str, str]:
    """The form of a page as a browser sends it once it was opened and `changed` was typed."""
    form = desk.get(path).context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | changed


def test_a_field_left_alone_takes_what_somebody_else_saved(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    mine = opened(desk, f"{path}change/", narrative="Lo que yo escribí.")
    change_incident(
        incident=incident, version=incident.version, by=company.colleague, order_ref="H-99"
    )
    answer = desk.post(f"{path}change/", mine)
    assert answer.status_code == 409
    assert answer.context["differences"] == []
    assert [(row.label, row.now) for row in answer.context["taken"]] == [("Order", "H-99")]
    again = {name: str(answer.context["form"][name].value() or "") for name in mine}
    assert again["order_ref"] == "H-99"
    assert desk.post(f"{path}change/", again).status_code == 302
    incident.refresh_from_db()
    assert (incident.order_ref, incident.narrative) == ("H-99", "Lo que yo escribí.")


def test_only_what_both_changed_is_shown_as_a_conflict(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    mine = opened(desk, f"{path}change/", narrative="Lo mío.", amount="1,500.00", channel="email")
    change_incident(
        incident=incident,
        version=incident.version,
        by=company.colleague,
        narrative="Lo suyo.",
        amount_at_stake_minor=90_000,
        channel="email",
    )
    answer = desk.post(f"{path}change/", {**mine, "amount": "2,000.00"})
    told = [(row.label, row.now, row.typed) for row in answer.context["differences"]]
    assert told == [("What happened", "Lo suyo.", "Lo mío.")]
    assert [row.now for row in answer.context["taken"]] == ["900.00"]
    assert "\nLo mío.</textarea>" in answer.content.decode()


def test_a_form_whose_mark_is_broken_keeps_all_of_its_text(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    mine = opened(desk, f"{path}change/", narrative="Lo mío.", opened="[" * 50)
    change_incident(
        incident=incident, version=incident.version, by=company.colleague, order_ref="H-99"
    )
    answer = desk.post(f"{path}change/", mine)
    assert len(answer.context["differences"]) == 2
    assert answer.context["taken"] == []


def test_playbook_words_and_their_acknowledgement(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    playbook = Playbook.objects.create(
        market=company.market, category=company.category, severity="moderate", version=3
    )
    for step in Step.values:
        PlaybookStep.objects.create(
            playbook=playbook, step=step, say_es=f"Diga {step}", say_en=f"Say {step}"
        )
    text = desk.get(path).content.decode()
    assert "Say apologise" in text
    assert "I have read it" in text
    desk.post(f"{path}playbooks/{playbook.pk}/read/")
    assert PlaybookAcknowledgement.objects.filter(staff=company.agent).count() == 1
    assert "I have read it" not in desk.get(path).content.decode()


def test_a_playbook_of_another_market_is_not_there(
    elsewhere: Company, path: str, desk: Client
) -> None:
    playbook = Playbook.objects.create(market=elsewhere.market, severity="moderate", version=1)
    assert desk.post(f"{path}playbooks/{playbook.pk}/read/").status_code == 404


def test_two_people_in_one_case_see_each_other(
    company: Company, path: str, desk: Client, signed_in: SignIn
) -> None:
    colleague = signed_in(company.colleague)
    assert desk.get(f"{path}others/").content.strip() == b""
    assert company.agent.name in colleague.get(f"{path}others/").content.decode()
    assert company.colleague.name in desk.get(f"{path}others/").content.decode()
    one = desk.get(f"{path}others/").content.decode()
    assert f"{company.colleague.name} has this case open" in one
    signed_in(company.supervisor).get(f"{path}others/")
    assert " have this case open" in desk.get(f"{path}others/").content.decode()


def test_without_a_scale_rule_the_page_says_what_to_do(company: Company, desk: Client) -> None:
    incident = company.incident(severity="critical", severity_reason="Hay un bebé")
    text = desk.get(f"/incidents/{incident.folio}/").content.decode()
    assert "The live scale holds nothing" in text


@pytest.mark.parametrize("folio", ["a%00", "x" * 31, "MX 1", "%F0%9F%98%80"])
def test_what_is_no_folio_is_not_found(client: Client, folio: str, db: None) -> None:
    for address in (f"/incidents/{folio}/", f"/api/v1/incidents/{folio}"):
        assert client.get(address).status_code == 404, address
