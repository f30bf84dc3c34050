"""Invariants 14 and 25: nobody edits their own roles; each act leaves one audit row, or nothing."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import actions
from accounts.keys import key_hash
from accounts.models import ApiClient, Market, RoleGrant, Staff
from accounts.states import Role
from audit.actions import SYSTEM, Actor
from audit.models import AuditEvent
from audit.states import ActorKind
from common.errors import InvalidInput, NotAllowed

from .factories import MarketFactory, StaffFactory, TeamFactory
from .scenario import ACTIONS, OWN_ACTIONS, Company, build, snapshot

pytestmark = pytest.mark.django_db
EVERY = {**ACTIONS, **OWN_ACTIONS}
# One page saves a team's name and its supervisors: two acts.
ROWS = {"save_team": 2}


@pytest.fixture
def company() -> Company:
    return build()


def actor(company: Company, name: str) -> Staff:
    return company.agent if name in OWN_ACTIONS else company.admin


def test_every_action_is_in_the_table() -> None:
    assert sorted(EVERY) == sorted(actions.__all__)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_an_act_leaves_one_audit_row(company: Company, name: str) -> None:
    EVERY[name](company, actor(company, name))
    rows = list(AuditEvent.objects.all())
    assert len(rows) == ROWS.get(name, 1)
    for row in rows:
        assert row.actor_id == str(actor(company, name).pk)
        assert row.act
        assert row.object_id


@pytest.mark.parametrize("name", sorted(EVERY))
def test_an_act_rolled_back_leaves_none(company: Company, name: str) -> None:
    before = snapshot()
    with transaction.atomic():
        EVERY[name](company, actor(company, name))
        transaction.set_rollback(True)
    assert snapshot() == before


def full(execute: Any, sql: str, *rest: Any) -> Any:
    """A database whose audit trail takes no row."""
    if sql.lstrip().startswith("INSERT") and AuditEvent._meta.db_table in sql:
        raise RuntimeError("the trail is full")
    return execute(sql, *rest)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_an_act_that_cannot_be_recorded_does_not_happen(
    company: Company, name: str, settings: Any
) -> None:
    # A prepared statement would not show its table to the wrapper below.
    settings.PREPARED_STATEMENTS = False
    before = snapshot()
    with (
        connection.execute_wrapper(full),
        pytest.raises(RuntimeError, match="the trail is full"),
    ):
        EVERY[name](company, actor(company, name))
    assert snapshot() == before


@pytest.mark.parametrize("role", [*(role for role in Role if role != Role.ADMINISTRATOR), None])
@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_other_roles_are_refused_and_nothing_changes(
    company: Company, name: str, role: Role | None
) -> None:
    by = StaffFactory.create(market=company.market, roles=[role] if role else [])
    before = snapshot()
    with pytest.raises(NotAllowed):
        ACTIONS[name](company, by)
    assert snapshot() == before


@pytest.mark.parametrize("name", sorted(set(ACTIONS) - {"create_market"}))
def test_an_administrator_of_another_market_is_refused(company: Company, name: str) -> None:
    by = StaffFactory.create(market=MarketFactory.create(), roles=[Role.ADMINISTRATOR])
    before = snapshot()
    with pytest.raises(NotAllowed):
        ACTIONS[name](company, by)
    assert snapshot() == before


@pytest.mark.parametrize("name", ["create_access_token", "revoke_access_token"])
def test_keys_of_a_person_are_made_and_ended_by_that_person(company: Company, name: str) -> None:
    before = snapshot()
    with pytest.raises(NotAllowed):
        OWN_ACTIONS[name](company, company.admin)
    assert snapshot() == before


# Ending a role takes a member of staff by its type, since the row keeps who ended it.
@pytest.mark.parametrize("name", sorted(set(ACTIONS) - {"end_role"}))
def test_neither_client_nor_customer_administers(company: Company, name: str) -> None:
    before = snapshot()
    for by in (Actor(ActorKind.CUSTOMER), company.client.as_actor()):
        with pytest.raises(NotAllowed):
            ACTIONS[name](company, by)
    assert snapshot() == before


class TestOwnRoles:
    """Invariant 14, by code and by constraint."""

    def test_granting(self, company: Company) -> None:
        before = snapshot()
        with pytest.raises(NotAllowed) as refusal:
            actions.grant_role(
                staff=company.admin, market=company.market, role=Role.FINANCE, by=company.admin
            )
        assert refusal.value.code == "own_roles"
        assert snapshot() == before

    def test_ending(self, company: Company) -> None:
        grant = RoleGrant.objects.get(staff=company.admin)
        with pytest.raises(NotAllowed) as refusal:
            actions.end_role(grant=grant, by=company.admin)
        assert refusal.value.code == "own_roles"
        grant.refresh_from_db()
        assert grant.ended_at is None

    def test_becoming_administrator_of_a_new_market(self, company: Company) -> None:
        with pytest.raises(NotAllowed):
            actions.create_market(
                code="PE",
                name="Perú",
                brand="Alameda",
                country="PE",
                currency="PEN",
                locale="es-PE",
                language="es",
                time_zone="America/Lima",
                sender_email="hola@example.com",
                administrator=company.admin,
                by=company.admin,
            )
        assert Market.objects.count() == 1

    @pytest.mark.parametrize(
        "act",
        [
            lambda staff, team: actions.move_to_team(staff=staff, team=team, by=staff),
            lambda staff, team: actions.deactivate_staff(staff=staff, by=staff),
            lambda staff, team: actions.change_staff(staff=staff, name="Otra", by=staff),
        ],
        ids=["team", "deactivate", "details"],
    )
    def test_own_account(self, company: Company, act: Any) -> None:
        before = snapshot()
        with pytest.raises(NotAllowed):
            act(company.admin, company.team)
        assert snapshot() == before

    def test_the_constraint_refuses_a_grant_to_oneself(self, company: Company) -> None:
        with pytest.raises(IntegrityError, match="role_not_self_granted"):
            RoleGrant.objects.create(
                staff=company.admin,
                market=company.market,
                role=Role.FINANCE,
                granted_by=company.admin,
            )

    def test_the_constraint_refuses_ending_ones_own(self, company: Company) -> None:
        with pytest.raises(IntegrityError, match="role_not_self_ended"):
            RoleGrant.objects.filter(staff=company.admin).update(
                ended_at=timezone.now(), ended_by=company.admin
            )


class TestPeople:
    def test_who_works_elsewhere_is_not_taken_over(self, company: Company) -> None:
        """An administrator of one market must not reset another market's administrator."""
        elsewhere = MarketFactory.create()
        both = StaffFactory.create(market=company.market, roles=[Role.AGENT])
        RoleGrant.objects.create(staff=both, market=elsewhere, role=Role.ADMINISTRATOR)
        before = snapshot()
        for act in (
            lambda: actions.set_new_password(
                staff=both, password="una clave bastante larga", by=company.admin
            ),
            lambda: actions.change_staff(staff=both, email="x@example.com", by=company.admin),
            lambda: actions.deactivate_staff(staff=both, by=company.admin),
        ):
            with pytest.raises(NotAllowed):
                act()
        assert snapshot() == before

    def test_contacts_are_masked_in_the_audit(self, company: Company) -> None:
        ACTIONS["create_staff"](company, company.admin)
        actions.change_staff(staff=company.agent, phone="55 8765 4321", by=company.admin)
        kept = str(list(AuditEvent.objects.values("before", "after", "actor_name")))
        assert "nora@example.com" not in kept
        assert "5512345678" not in kept
        assert "5587654321" not in kept
        assert "n•••@example.com" in kept

    def test_deactivating_ends_keys(self, company: Company) -> None:
        actions.deactivate_staff(staff=company.agent, by=company.admin)
        company.token.refresh_from_db()
        assert company.token.revoked_at is not None

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"username": "ñora"}, "username"),
            ({"username": "PERSON"}, "username"),
            ({"email": "no"}, "email"),
            ({"phone": "12"}, "phone"),
            ({"roles": []}, "roles"),
            ({"roles": ["king"]}, "roles"),
            ({"password": "corta"}, "password"),
            ({"name": "x" * 121}, "name"),
            ({"language": "xx"}, "language"),
        ],
    )
    def test_bounds(self, company: Company, changes: dict[str, Any], field: str) -> None:
        StaffFactory.create(username="person")
        values: dict[str, Any] = {
            "username": "nora",
            "name": "Nora",
            "email": "nora@example.com",
            "market": company.market,
            "roles": [Role.AGENT],
            "password": "una clave bastante larga",
            "by": company.admin,
        }
        before = snapshot()
        with pytest.raises(InvalidInput) as refusal:
            actions.create_staff(**{**values, **changes})
        assert refusal.value.field == field
        assert snapshot() == before

    def test_a_foreign_team_is_refused(self, company: Company) -> None:
        team = TeamFactory.create(market=MarketFactory.create())
        with pytest.raises(NotAllowed):
            actions.move_to_team(staff=company.agent, team=team, by=company.admin)

    def test_the_same_email_twice_is_refused_in_words(self, company: Company) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.change_staff(
                staff=company.agent, email=company.supervisor.email.upper(), by=company.admin
            )
        assert refusal.value.field == "email"


class TestKeys:
    def test_the_key_is_not_kept(self, company: Company) -> None:
        client, key = actions.create_api_client(
            market=company.market, name="Caja 9", scopes=["coupons:redeem"], by=SYSTEM
        )
        assert key.startswith("rck_")
        assert len(key.split("_", 2)[2]) == 43
        stored = ApiClient.objects.get(pk=client.pk)
        assert bytes(stored.key_hash) == key_hash(key)
        assert key.split("_", 2)[2] not in str(snapshot())

    def test_rotating_ends_the_old_key(self, company: Company) -> None:
        key = actions.rotate_api_client_key(client=company.client, by=company.admin)
        company.client.refresh_from_db()
        assert bytes(company.client.key_hash) == key_hash(key)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"scopes": []}, "scopes"),
            ({"scopes": ["everything"]}, "scopes"),
            ({"valid_days": 0}, "valid_days"),
            ({"valid_days": 731}, "valid_days"),
            ({"name": ""}, "name"),
            ({"name": "x" * 81}, "name"),
        ],
    )
    def test_bounds(self, company: Company, changes: dict[str, Any], field: str) -> None:
        values: dict[str, Any] = {
            "market": company.market,
            "name": "Caja",
            "scopes": ["coupons:redeem"],
            "by": company.admin,
        }
        with pytest.raises(InvalidInput) as refusal:
            actions.create_api_client(**{**values, **changes})
        assert refusal.value.field == field

    def test_a_name_is_free_again_after_revoking(self, company: Company) -> None:
        def again() -> Any:
            return actions.create_api_client(
                market=company.market,
                name=company.client.name,
                scopes=["coupons:redeem"],
                by=company.admin,
            )

        with pytest.raises(InvalidInput):
            again()
        actions.revoke_api_client(client=company.client, by=company.admin)
        again()


class TestPlaces:
    @pytest.mark.parametrize("name", ["code", "currency", "time_zone", "country"])
    def test_what_never_changes(self, company: Company, name: str) -> None:
        with pytest.raises(TypeError):
            actions.change_market(market=company.market, by=company.admin, **{name: "XX"})

    def test_the_database_keeps_the_currency(self, company: Company) -> None:
        with pytest.raises(IntegrityError, match="never changes"):
            Market.objects.filter(pk=company.market.pk).update(currency="EUR")

    def test_saving_without_a_change_records_nothing(self, company: Company) -> None:
        actions.change_market(market=company.market, name=company.market.name, by=company.admin)
        assert AuditEvent.objects.count() == 0

    def test_only_supervisors_supervise(self, company: Company) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.set_team_supervisors(
                team=company.team, supervisors=[company.agent], by=company.admin
            )
        assert refusal.value.field == "supervisors"


def test_how_long_requests_wait_is_changed_with_its_trail(company: Company) -> None:
    changed = actions.change_market(market=company.market, request_minutes=90, by=company.admin)
    assert changed.request_minutes == 90
    row = AuditEvent.objects.latest("id")
    assert (row.act, row.before, row.after) == (
        "market.change",
        {"request_minutes": 1440},
        {"request_minutes": 90},
    )
