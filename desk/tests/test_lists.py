"""Lists: cases and their quick views, taking over, promises; the palette and the markets."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import RoleGrant, Staff
from accounts.states import Role
from compensations.tests.scenario import Company, build
from desk.places import Desk
from desk.selectors import lists
from incidents.actions import make_promise, resolve_incident
from incidents.models import Incident

from .conftest import SignIn


def shown(client: Client, query: str = "") -> str:
    return client.get(f"/incidents/{query}").content.decode()


@pytest.fixture
def cases(company: Company) -> dict[str, Incident]:
    found = {
        "mine": company.incident(narrative="La alberca estaba cerrada."),
        "critical": company.incident(
            company.customer(name="Íñigo Ñandú", phone="998 777 1234"),
            severity="critical",
            severity_reason="Hay un bebé",
            channel="whatsapp",
            location=company.location,
            order_ref="H-77",
        ),
        "done": company.incident(),
    }
    resolve_incident(incident=found["done"], resolution="Listo.", by=company.agent)
    return found


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", {"mine", "critical", "done"}),
        ("?state=active", {"mine", "critical"}),
        ("?state=resolved", {"done"}),
        ("?severity=critical", {"critical"}),
        ("?channel=whatsapp", {"critical"}),
        ("?view=critical", {"critical"}),
        ("?view=mine", {"mine", "critical"}),
        ("?view=team", {"mine", "critical"}),
        ("?view=due", {"mine", "critical"}),
        ("?view=overdue", set()),
        ("?view=unassigned", set()),
        ("?owner=me", {"mine", "critical", "done"}),
        ("?owner=nobody", set()),
        ("?view=promises", set()),
        ("?period=1", {"mine", "critical", "done"}),
        ("?q=alberca", {"mine"}),
        ("?q=inigo nandu", {"critical"}),
        ("?q=7771234", {"critical"}),
        ("?q=H-77", {"critical"}),
        ("?q=nothing at all", set()),
        ("?severity=nonsense&view=nonsense&category=x&after=zzz", {"mine", "critical", "done"}),
    ],
)
def test_the_address_is_the_state(
    query: str, there: set[str], cases: dict[str, Incident], desk: Client
) -> None:
    text = shown(desk, query)
    assert {name for name, row in cases.items() if row.folio in text} == there


def test_a_reason_brings_its_sub_reasons(
    company: Company, cases: dict[str, Incident], desk: Client
) -> None:
    parent = company.category.parent_id
    assert cases["mine"].folio in shown(desk, f"?category={parent}")
    assert cases["mine"].folio in shown(desk, f"?category={company.category.pk}")


def test_pages_go_by_key_and_come_back(company: Company, desk: Client) -> None:
    customer = company.customer()
    folios = [company.incident(customer).folio for _number in range(55)]
    first = desk.get("/incidents/")
    assert folios[-1] in first.content.decode()
    assert folios[0] not in first.content.decode()
    second = desk.get(first.context["next_url"])
    assert folios[0] in second.content.decode()
    assert second.context["next_url"] == ""
    back = desk.get(second.context["previous_url"])
    assert folios[-1] in back.content.decode()
    assert back.context["previous_url"] == ""


def test_filters_travel_with_the_pages(company: Company, desk: Client) -> None:
    customer = company.customer()
    for _number in range(52):
        company.incident(customer)
    page = desk.get("/incidents/?state=active&q=cuarto")
    assert "state=active" in page.context["next_url"]
    assert "q=cuarto" in page.context["next_url"]


def test_counts_are_bounded(company: Company) -> None:
    customer = company.customer()
    for _number in range(4):
        company.incident(customer)
    desk = Desk(company.agent, company.market, [company.market])
    wanted = {"mine": lists.mine(desk), "none": lists.mine(desk).none()}
    assert lists.bounded_counts(wanted, most=3) == {"mine": "3+", "none": "0"}
    assert lists.bounded_counts(wanted) == {"mine": "4", "none": "0"}


def test_taking_over_is_previewed_and_told_row_by_row(
    company: Company, signed_in: SignIn, elsewhere: Company
) -> None:
    first, second = company.incident(), company.incident()
    hidden = elsewhere.incident()
    client = signed_in(company.colleague)
    marked = {"case": [str(first.pk), str(second.pk), str(hidden.pk), "nonsense"]}
    preview = client.post("/incidents/take-over/", marked).content.decode()
    assert "2 cases" in preview
    first.refresh_from_db()
    assert first.owner == company.agent
    assert hidden.folio not in preview
    done = client.post("/incidents/take-over/", {**marked, "confirmed": "1"}).content.decode()
    assert done.count("Yours now") == 2
    for row in (first, second, hidden):
        row.refresh_from_db()
    assert first.owner == second.owner == company.colleague
    assert hidden.owner == elsewhere.agent


def test_taking_nothing_over_goes_back(desk: Client) -> None:
    assert desk.post("/incidents/take-over/", {}).status_code == 302


def test_home_shows_what_runs_out_next_and_the_room(company: Company, desk: Client) -> None:
    company.limit("agent", "day", "amount", 450_00)
    minor = company.incident(severity="minor", severity_reason="Menor")
    critical = company.incident(severity="critical", severity_reason="Hay un bebé")
    make_promise(
        incident=minor,
        kind="call",
        due_at=timezone.now() + dt.timedelta(minutes=30),
        by=company.agent,
    )
    page = desk.get("/")
    order = [row.incident.pk for row in page.context["rows"]]
    assert order == [critical.pk, minor.pk]
    text = page.content.decode()
    assert "$0.00 of $450.00" in text
    assert "$450.00 left" in text
    assert "What I owe" in text
    assert "Call" in text


def test_an_empty_home_teaches_the_next_act(desk: Client) -> None:
    assert "Press C" in desk.get("/").content.decode()


@pytest.mark.parametrize(("whose", "seen"), [("mine", False), ("team", True), ("all", True)])
def test_promises_are_mine_my_teams_or_all(
    whose: str, seen: bool, company: Company, signed_in: SignIn
) -> None:
    make_promise(
        incident=company.incident(),
        kind="letter",
        due_at=timezone.now() + dt.timedelta(hours=1),
        detail="Carta firmada",
        by=company.agent,
    )
    text = signed_in(company.colleague).get(f"/promises/?whose={whose}").content.decode()
    assert ("Carta firmada" in text) is seen


def test_the_palette_finds_people_cases_and_pages_in_both_languages(
    company: Company, desk: Client
) -> None:
    incident = company.incident(company.customer(name="Íñigo Ñandú"))
    rows = {"HX-Request": "true"}
    text = desk.get("/find/", {"q": "inigo"}, headers=rows).content.decode()
    assert f"/customers/{incident.customer_id}/" in text
    assert f"/incidents/{incident.folio}/" in text
    text = desk.get("/find/", {"q": incident.folio}, headers=rows).content.decode()
    assert f"/incidents/{incident.folio}/" in text
    assert "/promises/" in desk.get("/find/", {"q": "promises"}, headers=rows).content.decode()
    assert (
        "/administration/" not in desk.get("/find/", {"q": "admin"}, headers=rows).content.decode()
    )


def found(client: Client, text: str) -> str:
    return client.get("/find/", {"q": text}, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize(
    ("who", "text", "address"),
    [
        ("agent", "scale", "/scales/"),
        ("agent", "escala", "/scales/"),
        ("agent", "mis cifras", "/reports/issuance/me/"),
        ("agent", "MY FIGURES", "/reports/issuance/me/"),
        ("agent", "solicitudes", "/requests/"),
        ("agent", "new incident", "/incidents/new/"),
        ("agent", "sign out", "/accounts/logout/"),
        ("supervisor", "approvals", "/approvals/"),
        ("supervisor", "autorizaciones", "/approvals/"),
        ("supervisor", "limites", "/limits/"),
        ("supervisor", "límites", "/limits/"),
        ("supervisor", "issuance", "/reports/issuance/"),
        ("supervisor", "proponer limite", "/limits/new/"),
        ("auditor", "audit", "/audit/"),
        ("auditor", "conciliacion", "/finance/reconciliation/"),
    ],
)
def test_the_palette_finds_every_page_whatever_the_readers_language(
    who: str, text: str, address: str, company: Company, auditor: Staff, signed_in: SignIn
) -> None:
    person = {"agent": company.agent, "supervisor": company.supervisor, "auditor": auditor}[who]
    client = signed_in(person)
    for language in ("es", "en"):
        Staff.objects.filter(pk=person.pk).update(language=language)
        assert f'data-href="{address}"' in found(client, text), language


def test_the_palette_offers_no_page_of_others(desk: Client) -> None:
    for text in ("approvals", "limits", "audit", "administracion", "counter", "journal"):
        assert "data-href" not in found(desk, text), text


def test_the_rail_and_the_palette_are_one_list(company: Company, signed_in: SignIn) -> None:
    client = signed_in(company.supervisor)
    for item in client.get("/").context["nav"]:
        assert f'data-href="{item["url"]}"' in found(client, item["label"]), item


def test_a_whole_folio_opens_the_case(company: Company, desk: Client) -> None:
    incident = company.incident()
    for text in (incident.folio.lower(), incident.folio[-6:], incident.folio.replace("-", "")):
        answer = desk.get("/find/", {"q": text})
        assert answer["Location"] == f"/incidents/{incident.folio}/", text


def test_a_folio_in_small_letters_leads_to_the_case(company: Company, desk: Client) -> None:
    incident = company.incident()
    market, year, number = incident.folio.split("-")
    for text in (
        incident.folio.lower(),
        f"{market}-{year}-{int(number)}",
        f"{market}{year}{number}",
    ):
        assert desk.get(f"/incidents/{text}/")["Location"] == f"/incidents/{incident.folio}/", text
    assert desk.get(f"/incidents/{market.lower()}-{year}-999999/").status_code == 404


def test_a_person_in_two_markets_switches(
    company: Company, elsewhere: Company, signed_in: SignIn
) -> None:
    RoleGrant.objects.create(staff=company.agent, market=elsewhere.market, role=Role.AGENT)
    desk = signed_in(company.agent)
    here, there = company.incident(), elsewhere.incident()
    assert here.folio in shown(desk)
    assert there.folio not in shown(desk)
    data = {"market": str(elsewhere.market.pk), "next": "https://evil.example/"}
    assert desk.post("/market/", data)["Location"] == "/"
    assert there.folio in shown(desk)
    assert here.folio not in shown(desk)
    assert desk.get(f"/incidents/{here.folio}/").status_code == 200


@pytest.mark.parametrize("typed", ["{folio}", "{lower}", "{code} {year} {number}"])
def test_a_folio_is_found_in_any_market_that_one_reads(
    company: Company, elsewhere: Company, auditor: Staff, signed_in: SignIn, typed: str
) -> None:
    RoleGrant.objects.create(staff=auditor, market=elsewhere.market, role=Role.AUDITOR)
    cases = [company.incident(), elsewhere.incident()]
    browser = signed_in(auditor)
    for case, _other in (cases, cases[::-1]):
        code, year, number = case.folio.split("-")
        words = typed.format(
            folio=case.folio, lower=case.folio.lower(), code=code, year=year, number=int(number)
        )
        answer = browser.get("/incidents/", {"q": words})
        assert [row.incident for row in answer.context["rows"]] == [case]
        # Other filters hold there too, a view is of one market, and the rest of what is
        # searched for stays in the market that one is in.
        for narrowed in ({"state": "closed"}, {"view": "unassigned"}):
            found = browser.get("/incidents/", {"q": words, **narrowed}).context["rows"]
            assert case not in [row.incident for row in found]
    found = browser.get("/incidents/", {"q": "cuarto"}).context["rows"]
    assert len(found) == 1


def test_a_folio_of_a_market_that_one_does_not_read_is_not_found(
    company: Company, elsewhere: Company, auditor: Staff, signed_in: SignIn
) -> None:
    third = build("PE")
    RoleGrant.objects.create(staff=auditor, market=elsewhere.market, role=Role.AUDITOR)
    answer = signed_in(auditor).get("/incidents/", {"q": third.incident().folio})
    assert answer.context["rows"] == []


def test_a_market_of_others_is_not_switched_to(elsewhere: Company, desk: Client) -> None:
    desk.post("/market/", {"market": str(elsewhere.market.pk)})
    assert elsewhere.market.name not in shown(desk)


def test_the_rail_knows_the_role(company: Company, desk: Client, signed_in: SignIn) -> None:
    company.incident(severity="critical", severity_reason="Hay un bebé")
    labels = [item["label"] for item in desk.get("/").context["nav"]]
    assert "Critical" not in labels
    assert labels[-1] == "Mailbox"
    nav = {item["label"]: item for item in signed_in(company.supervisor).get("/").context["nav"]}
    assert nav["Critical"]["count"] == "1"
    assert nav["Team"]["count"] == "1"
    assert nav["My cases"]["current"]
