"""The administration pages and preferences: they work without script, keep what was typed, and

show a key or first password once.
"""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.keys import key_hash
from accounts.models import AccessToken, ApiClient, Location, Market, RoleGrant, Staff, Team
from accounts.states import Role
from audit.models import AuditEvent

from .factories import PASSWORD, MarketFactory, StaffFactory
from .scenario import Company, build, snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return build()


@pytest.fixture
def pages(company: Company) -> Client:
    client = Client()
    client.force_login(company.admin)
    return client


def secret(answer: Any) -> str:
    found = re.search(r'id="secret">([^<]+)<', answer.content.decode())
    assert found
    return found[1]


def addresses(company: Company) -> list[str]:
    return [
        reverse("markets"),
        reverse("market-new"),
        reverse("market", args=[company.market.code]),
        reverse("locations"),
        reverse("location-new"),
        reverse("location", args=[company.location.pk]),
        reverse("teams"),
        reverse("team-new"),
        reverse("team", args=[company.team.pk]),
        reverse("people"),
        reverse("person-new"),
        reverse("person", args=[company.agent.pk]),
        reverse("person", args=[company.admin.pk]),
        reverse("person", args=[company.leaver.pk]),
        reverse("api-clients"),
        reverse("api-client-new"),
        reverse("api-client", args=[company.client.pk]),
        reverse("preferences"),
    ]


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_page_opens_in_both_languages(company: Company, pages: Client, language: str) -> None:
    Staff.objects.filter(pk=company.admin.pk).update(language=language)
    for address in addresses(company):
        answer = pages.get(address)
        assert answer.status_code == 200, address
        assert f'<html lang="{language}"' in answer.content.decode()
        assert answer["Content-Language"] == language


def test_a_page_costs_the_same_whatever_the_rows(company: Company, pages: Client) -> None:
    lists = ["markets", "locations", "teams", "people", "api-clients"]
    counts: list[list[int]] = []
    for more in (0, 12):
        for number in range(more):
            StaffFactory.create(
                market=company.market, roles=[Role.AGENT, Role.CASHIER], team=company.team
            )
            Team.objects.create(market=company.market, name=f"T{number}")
            Location.objects.create(market=company.market, code=f"X{number}", name=f"X{number}")
        counts.append([])
        for name in lists:
            with CaptureQueriesContext(connection) as queries:
                pages.get(reverse(name))
            counts[-1].append(len(queries))
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 12


class TestPlaces:
    def test_a_market_needs_somebody_else(self, company: Company, pages: Client) -> None:
        data = {
            "code": "pe",
            "name": "Perú",
            "brand": "Alameda",
            "country": "pe",
            "currency": "PEN",
            "time_zone": "America/Lima",
            "locale": "es-PE",
            "language": "es",
            "sender_email": "hola@example.com",
            "undo_minutes": "30",
        }
        address = reverse("market-new")
        alone = pages.post(address, {**data, "administrator": str(company.admin.pk)})
        assert alone.status_code == 422
        assert "Alameda" in alone.content.decode()
        answer = pages.post(address, {**data, "administrator": str(company.supervisor.pk)})
        assert answer.status_code == 302
        market = Market.objects.get(code="PE")
        assert RoleGrant.objects.get(market=market).staff == company.supervisor

    def test_what_a_market_keeps_cannot_be_posted(self, company: Company, pages: Client) -> None:
        page = reverse("market", args=[company.market.code])
        data = {
            "name": "Nuevo",
            "brand": "B",
            "locale": "es-MX",
            "language": "es",
            "sender_email": "a@example.com",
            "undo_minutes": "10",
            "request_minutes": "90",
            "is_active": "on",
            "currency": "EUR",
        }
        assert pages.post(page, data).status_code == 302
        company.market.refresh_from_db()
        assert (company.market.name, company.market.currency) == ("Nuevo", "MXN")

    def test_a_code_in_use_is_said_beside_the_field(self, company: Company, pages: Client) -> None:
        answer = pages.post(
            reverse("location-new"),
            {"market": company.market.pk, "code": company.location.code, "name": "Otro"},
        )
        assert answer.status_code == 422
        assert answer.context["form"].errors["code"]
        assert Location.objects.count() == 1

    def test_a_team_and_its_supervisors(self, company: Company, pages: Client) -> None:
        answer = pages.post(
            reverse("team", args=[company.team.pk]),
            {"name": "Noche", "supervisors": [str(company.supervisor.pk)], "is_active": "on"},
        )
        assert answer.status_code == 302
        company.team.refresh_from_db()
        assert company.team.name == "Noche"
        assert list(company.team.supervisors.all()) == [company.supervisor]


class TestPeople:
    def test_a_person_is_created_and_can_sign_in(self, company: Company, pages: Client) -> None:
        answer = pages.post(
            reverse("person-new"),
            {
                "market": company.market.pk,
                "name": "Nora Díaz",
                "username": "nora",
                "email": "nora@example.com",
                "roles": ["agent"],
                "team": company.team.pk,
                "language": "es",
            },
        )
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        password = secret(answer)
        visitor = Client()
        signed_in = visitor.post(reverse("account_login"), {"login": "nora", "password": password})
        assert signed_in.status_code == 302
        inside = visitor.get(reverse("preferences"))
        assert inside.status_code == 200
        # A greeting would be in the language of the browser that the password was typed in.
        assert list(inside.context["messages"]) == []
        assert password not in str(snapshot())

    def test_roles_are_given_and_ended(self, company: Company, pages: Client) -> None:
        page = reverse("person-role", args=[company.agent.pk])
        data = {"market": company.market.pk, "role": "cashier"}
        assert pages.post(page, data).status_code == 302
        assert pages.post(page, data).status_code == 422
        grant = RoleGrant.objects.get(staff=company.agent, role="cashier")
        end = reverse("person-role-end", args=[company.agent.pk])
        assert pages.post(end, {"grant": grant.pk}).status_code == 302
        grant.refresh_from_db()
        assert grant.ended_by == company.admin

    def test_nobody_gives_themselves_a_role(self, company: Company, pages: Client) -> None:
        answer = pages.post(
            reverse("person-role", args=[company.admin.pk]),
            {"market": company.market.pk, "role": "finance"},
        )
        assert answer.status_code == 422
        assert "Nobody changes their own roles" in answer.content.decode()
        assert not RoleGrant.objects.filter(staff=company.admin, role="finance").exists()

    def test_a_deactivated_person_is_out_at_once(self, company: Company, pages: Client) -> None:
        inside = Client()
        inside.force_login(company.agent)
        assert inside.get(reverse("preferences")).status_code == 200
        pages.post(reverse("person-active", args=[company.agent.pk]), {"active": "no"})
        assert inside.get(reverse("preferences")).status_code == 302
        again = Client()
        again.post(
            reverse("account_login"), {"login": company.agent.username, "password": PASSWORD}
        )
        assert again.get(reverse("preferences")).status_code == 302

    def test_a_new_password_ends_sessions(self, company: Company, pages: Client) -> None:
        inside = Client()
        inside.force_login(company.agent)
        answer = pages.post(reverse("person-password", args=[company.agent.pk]))
        assert inside.get(reverse("preferences")).status_code == 302
        company.agent.refresh_from_db()
        assert company.agent.check_password(secret(answer))

    def test_search_folds_accents(self, company: Company, pages: Client) -> None:
        StaffFactory.create(market=company.market, roles=[Role.AGENT], name="Verónica Núñez")
        rows = pages.get(reverse("people"), {"q": "veronica nunez"}).context["rows"]
        assert [row.name for row in rows] == ["Verónica Núñez"]
        assert pages.get(reverse("people"), {"q": "zzz"}).context["rows"] == []

    def test_pages_by_key(self, company: Company, pages: Client) -> None:
        StaffFactory.create_batch(120, market=company.market, roles=[Role.AGENT], name="Ana")
        seen: list[Any] = []
        url: str = reverse("people")
        while url:
            answer = pages.get(url)
            seen += [row.pk for row in answer.context["rows"]]
            url = answer.context["next_url"]
            url = reverse("people") + url if url else ""
        assert len(seen) == len(set(seen)) == 124

    def test_people_of_other_markets_are_not_listed(self, company: Company, pages: Client) -> None:
        StaffFactory.create(market=MarketFactory.create(), roles=[Role.AGENT], name="Ajena")
        assert "Ajena" not in pages.get(reverse("people")).content.decode()


class TestClients:
    def test_the_key_is_shown_once(self, company: Company, pages: Client) -> None:
        answer = pages.post(
            reverse("api-client-new"),
            {
                "market": company.market.pk,
                "name": "Caja 9",
                "scopes": ["coupons:redeem"],
                "valid_days": "30",
            },
        )
        key = secret(answer)
        client = ApiClient.objects.get(name="Caja 9")
        assert bytes(client.key_hash) == key_hash(key)
        assert answer["Cache-Control"] == "no-store"
        page = pages.get(reverse("api-client", args=[client.pk])).content.decode()
        assert key not in page
        assert client.key_prefix in page

    def test_a_new_key_and_the_end(self, company: Company, pages: Client) -> None:
        key = secret(pages.post(reverse("api-client-rotate", args=[company.client.pk])))
        company.client.refresh_from_db()
        assert bytes(company.client.key_hash) == key_hash(key)
        pages.post(reverse("api-client-revoke", args=[company.client.pk]))
        company.client.refresh_from_db()
        assert company.client.revoked_by == company.admin
        again = pages.post(reverse("api-client-rotate", args=[company.client.pk]), follow=True)
        assert "was revoked before" in again.content.decode()


class TestPreferences:
    def test_saved_and_in_force(self, company: Company) -> None:
        pages = Client()
        pages.force_login(company.agent)
        answer = pages.post(
            reverse("preferences"), {"language": "es", "theme": "dark", "single_keys": ""}
        )
        assert answer.status_code == 302
        company.agent.refresh_from_db()
        assert (company.agent.language, company.agent.theme) == ("es", "dark")
        assert company.agent.single_keys is False
        assert pages.get(reverse("preferences"))["Content-Language"] == "es"

    def test_a_key_of_ones_own(self, company: Company) -> None:
        pages = Client()
        pages.force_login(company.agent)
        key = secret(pages.post(reverse("token-new"), {"valid_days": "30"}))
        token = AccessToken.objects.get(key_hash=key_hash(key))
        assert token.staff == company.agent
        pages.post(reverse("token-revoke", args=[token.pk]))
        token.refresh_from_db()
        assert token.revoked_at is not None

    def test_somebody_elses_key_does_not_exist(self, company: Company, pages: Client) -> None:
        answer = pages.post(reverse("token-revoke", args=[company.token.pk]))
        assert answer.status_code == 404
        company.token.refresh_from_db()
        assert company.token.revoked_at is None

    def test_a_visitor_switches_language_and_comes_back(self) -> None:
        visitor = Client()
        answer = visitor.post(
            reverse("set_language"), {"language": "en", "next": "/accounts/login/"}
        )
        assert answer["Location"] == "/accounts/login/"
        assert visitor.get("/accounts/login/")["Content-Language"] == "en"
        assert AuditEvent.objects.count() == 0

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:1"])
    def test_the_switch_leads_nowhere_else(self, target: str) -> None:
        answer = Client().post(reverse("set_language"), {"language": "en", "next": target})
        assert answer["Location"] == "/"


class TestSignIn:
    def test_nobody_signs_up(self) -> None:
        Client().post(
            reverse("account_signup"),
            {"username": "x", "email": "x@example.com", "password1": "una clave muy larga"},
        )
        assert Staff.objects.count() == 0

    def test_ones_own_password_is_audited(self, company: Company) -> None:
        pages = Client()
        pages.force_login(company.agent)
        answer = pages.post(
            reverse("account_change_password"),
            {
                "oldpassword": PASSWORD,
                "password1": "otra clave bien larga",
                "password2": "otra clave bien larga",
            },
        )
        assert answer.status_code == 302
        assert AuditEvent.objects.get().act == "staff.password"

    def test_an_address_is_not_changed_around_the_audit(self, company: Company) -> None:
        pages = Client()
        pages.force_login(company.agent)
        before = company.agent.email
        pages.post("/accounts/email/", {"action_add": "", "email": "new@example.com"}, follow=True)
        company.agent.refresh_from_db()
        assert company.agent.email == before

    def test_the_look_up_pages_have_no_door_of_their_own(self, company: Company) -> None:
        answer = Client().post(
            "/admin/login/", {"username": company.admin.username, "password": PASSWORD}
        )
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))

    @pytest.mark.parametrize("known", [True, False])
    def test_a_mail_server_that_is_away_is_said(
        self, company: Company, settings: Any, known: bool
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        email = company.agent.email if known else "nobody@example.com"
        answer = Client().post(reverse("account_reset_password"), {"email": email})
        assert answer.status_code == 503
        assert answer["Retry-After"] == "60"
        assert company.agent.email not in answer.content.decode()
