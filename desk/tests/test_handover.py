"""What goes by hand is said as it is, and seen until somebody says that the customer has it."""

import pytest
from django.test import Client

from compensations.actions import approve, grant, request, resend, void
from compensations.handovers import to_hand_over
from compensations.models import Compensation
from compensations.tests.scenario import Company
from delivery.actions import confirm_handover
from delivery.models import Message
from incidents.models import Incident

from .conftest import SignIn


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


def _post(company: Company, name: str, **more: str) -> dict[str, str]:
    return {"offer": str(company.offers[name].pk), "once": "t", **more}


def _by_hand(company: Company, incident: Incident) -> Compensation:
    return grant(
        incident=incident, offer=company.offers["coupon"], channel="handover", by=company.agent
    )


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("email", "Granted. Its message is on the way."),
        ("handover", "Granted. Hand it over now: the customer does not have it yet."),
    ],
)
def test_a_grant_says_what_is_true_of_its_message(
    channel: str, words: str, company: Company, incident: Incident, desk: Client
) -> None:
    form = _post(company, "coupon", channel=channel)
    page = desk.post(f"/incidents/{incident.folio}/grant/", form, follow=True).content.decode()
    assert words in page


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("email", "Asked. It is granted and sent the moment"),
        ("handover", "Asked. It is granted the moment somebody approves it; then you hand it over"),
    ],
)
def test_so_does_asking(
    channel: str, words: str, company: Company, incident: Incident, desk: Client
) -> None:
    form = _post(company, "large", channel=channel, reason="Lo vale.")
    page = desk.post(f"/incidents/{incident.folio}/grant/", form, follow=True).content.decode()
    assert words in page


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("email", "Approved. The customer&#x27;s message is on the way."),
        (
            "handover",
            "Approved. The customer does not have it yet: Colleague has to hand it over.",
        ),
    ],
)
def test_so_does_a_yes(
    channel: str, words: str, company: Company, incident: Incident, signed_in: SignIn
) -> None:
    """By hand it is the work of whoever owns the case, whoever asked."""
    Incident.objects.filter(pk=incident.pk).update(owner=company.colleague)
    made = request(
        incident=incident,
        offer=company.offers["large"],
        reason="Lo vale.",
        channel=channel,
        by=company.agent,
    )
    page = signed_in(company.supervisor).post(
        f"/approvals/{made.approvals.get().pk}/decide/", {"decision": "approve"}, follow=True
    )
    assert words in page.content.decode()


def test_an_approved_one_is_on_the_agents_home_until_it_is_confirmed(
    company: Company, incident: Incident, desk: Client
) -> None:
    made = request(
        incident=incident,
        offer=company.offers["large"],
        reason="Lo vale.",
        channel="handover",
        by=company.agent,
    )
    approve(approval=made.approvals.get(), by=company.supervisor)
    message = Message.objects.get()
    address = f"/incidents/{incident.folio}/messages/{message.pk}/"
    page = desk.get("/").content.decode()
    # On its row, and beside the list with the way to its page.
    assert page.count("To hand over") == 2
    assert f'href="{address}"' in page
    desk.post(f"{address}confirm/")
    assert "To hand over" not in desk.get("/").content.decode()


def test_what_nobody_waits_for_is_not_listed(company: Company) -> None:
    cases = Incident.objects.filter(market=company.market)
    sent, over, done, waits = (_by_hand(company, company.incident()) for _ in range(4))
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    resend(compensation=sent, channel="email", by=company.agent)
    void(compensation=over, reason="Era otro.", by=company.agent)
    confirm_handover(message=Message.objects.get(ref=done.pk), by=company.agent)
    assert [row.compensation for row in to_hand_over(cases)] == [waits]
    Compensation.objects.filter(pk=waits.pk).update(expires_at="2020-01-01T00:00:00Z")
    assert to_hand_over(cases) == []


def test_resolving_warns_and_does_not_stop(
    company: Company, incident: Incident, desk: Client
) -> None:
    path = f"/incidents/{incident.folio}/"
    words = "Nobody confirmed that the customer has “coupon”."
    assert words not in desk.get(path).content.decode()
    _by_hand(company, incident)
    assert words in desk.get(path).content.decode()
    desk.post(f"{path}resolve/", {"resolution": "Se cambió de cuarto.", "once": "r"})
    incident.refresh_from_db()
    assert incident.state == "resolved"
