"""Every route of the URLconf with who may use it, and with what.

A route with a `Row` is used by `who` for things of their own market; a request that names a thing
of another market, in the address, the query or the body, is answered as if it did not exist. A
route in `OPEN` answers anybody, and changes and tells nothing. One in neither fails the sweep.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from tests.access.world import Side

Named = Callable[[Side], dict[str, Any]]

READERS = frozenset({"agent", "supervisor", "finance", "auditor"})
WORKERS = frozenset({"agent", "supervisor"})
STAFF = frozenset(
    {"agent", "supervisor", "finance", "auditor", "administrator", "cashier", "roleless"}
)
COMMENTERS = frozenset({"agent", "supervisor", "finance"})
LOOKERS = frozenset({"supervisor", "finance", "auditor"})
DECIDERS = frozenset({"supervisor", "finance"})
AGENT = frozenset({"agent"})
OVERSEERS = DECIDERS | {"auditor"}
ADMIN = frozenset({"administrator"})
AUDITOR = frozenset({"auditor"})
CASHIER = frozenset({"cashier"})
TILL = frozenset({"till"})


def nothing(_side: Side) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Act:
    """One method of a route. `who` may use it; `ok` is what they then see for their own."""

    method: str
    who: frozenset[str]
    ok: tuple[int, ...] = (200,)
    body: Named = nothing
    query: Named = nothing
    # Whether the act, done on one's own, leaves something behind; else the body may be wrong.
    changes: bool = False


@dataclass(frozen=True)
class Row:
    acts: tuple[Act, ...]
    kwargs: Named = nothing
    # Whether it moves value and so asks for an Idempotency-Key.
    moves_value: bool = False


def see(
    who: frozenset[str], kwargs: Named = nothing, *, ok: int = 200, query: Named = nothing
) -> Row:
    """A page to read."""
    return Row((Act("GET", who, (ok,), query=query),), kwargs)


def do(
    who: frozenset[str],
    body: Named = nothing,
    kwargs: Named = nothing,
    *,
    ok: int = 302,
    changes: bool = True,
) -> Row:
    """A page that only takes a POST."""
    return Row((Act("POST", who, (ok,), body, changes=changes),), kwargs)


def form(
    who: frozenset[str],
    body: Named,
    kwargs: Named = nothing,
    *,
    ok: int = 302,
    changes: bool = True,
    get: int = 200,
    query: Named = nothing,
) -> Row:
    """A page with a form."""
    acts = (
        Act("GET", who, (get,), query=query),
        Act("POST", who, (ok,), body, changes=changes),
    )
    return Row(acts, kwargs)


def of(**names: str) -> Named:
    """Fields whose values are the side's things: `of(pk="customer")`."""
    return lambda side: {key: getattr(side, name) for key, name in names.items()}


def plus(named: Named, **plain: Any) -> Named:
    """The same with fields that say the same for every side."""
    return lambda side: {**named(side), **plain}


def plain(**values: Any) -> Named:
    return lambda _side: dict(values)


FOLIO = of(folio="folio")
CASE = plus(
    of(category="category", location="location"),
    narrative="Esperó dos horas.",
    kind="claim",
    channel="phone",
)

TOMORROW = (timezone.now() + dt.timedelta(days=1)).strftime("%Y-%m-%dT10:00")

DESK: dict[str, Row] = {
    "home": Row(
        (
            Act("GET", WORKERS),
            Act("GET", (READERS | CASHIER | ADMIN) - WORKERS, (302,)),
        )
    ),
    "switch-market": do(READERS, of(market="market"), changes=False),
    "find": Row((Act("GET", STAFF, (200, 302), query=of(q="folio")),)),
    "approvals": see(OVERSEERS),
    "approvals-decided": see(OVERSEERS),
    "approval": see(OVERSEERS, of(pk="approval")),
    "approval-decide": do(DECIDERS, plain(decision="approve"), of(pk="approval")),
    "requests": see(WORKERS),
    "request-way": see(READERS, of(folio="asked_folio", pk="approval"), ok=204),
    "request-withdraw": do(AGENT, nothing, of(folio="asked_folio", pk="approval")),
    "promises": see(READERS),
    "promise-end": do(WORKERS, plain(end="kept"), of(pk="promise")),
    "incidents": see(READERS, query=of(location="location", category="category", q="folio")),
    "incidents-take-over": do(
        WORKERS, plus(of(case="fresh_incident"), confirmed="1"), ok=200, changes=False
    ),
    "incident-new": form(
        WORKERS,
        plus(CASE, severity="moderate"),
        query=of(customer="customer"),
        ok=422,
        changes=False,
    ),
    "intake-look-up": see(WORKERS, query=of(customer_text="customer_name")),
    "intake-new-customer": do(WORKERS, plain(customer_text="Ana Ruiz"), ok=200, changes=False),
    "intake-panel": do(
        WORKERS,
        of(customer="customer", category="category", location="location"),
        ok=200,
        changes=False,
    ),
    "intake-draft": do(WORKERS, plain(narrative="otro"), ok=204),
    "intake-start-over": do(WORKERS, changes=False),
    "incident": see(READERS, FOLIO),
    "incident-others": see(READERS, FOLIO),
    "incident-change": form(
        WORKERS,
        plus(CASE, severity="moderate", version="1", narrative="Corregido."),
        of(folio="fresh_folio"),
    ),
    # A case whose customer is known keeps them.
    "incident-identify": form(
        WORKERS,
        plain(version="1", new_name="Ana Ruiz"),
        of(folio="fresh_folio"),
        get=302,
        ok=422,
        changes=False,
    ),
    "identify-look-up": see(WORKERS, FOLIO, query=of(customer_text="customer_name")),
    "incident-add-to": do(WORKERS, plain(narrative="otra vez"), FOLIO),
    "incident-note": do(COMMENTERS, plain(body="nota"), FOLIO),
    "incident-promise": do(WORKERS, plus(of(owner="person"), kind="call", due_at=TOMORROW), FOLIO),
    "incident-step": do(WORKERS, plain(step="explain"), FOLIO),
    "incident-resolve": do(WORKERS, plain(resolution="listo"), FOLIO),
    "incident-close": do(WORKERS, nothing, of(folio="resolved_folio")),
    "incident-reopen": do(WORKERS, plain(reason="volvió"), of(folio="resolved_folio")),
    "playbook-read": do(READERS, nothing, of(folio="folio", pk="playbook"), changes=False),
    "incident-grant": do(WORKERS, of(offer="offer"), of(folio="fresh_folio")),
    "compensation-send": do(
        WORKERS, plain(channel="handover"), of(folio="folio", pk="compensation")
    ),
    "compensation-void": do(
        WORKERS, plain(reason="por error"), of(folio="folio", pk="compensation")
    ),
    "handover": see(WORKERS, of(folio="folio", pk="handed_message")),
    "message-way": see(READERS, of(folio="folio", pk="message")),
    "handover-confirm": do(WORKERS, nothing, of(folio="folio", pk="handed_message"), changes=False),
    "message-again": do(WORKERS, nothing, of(folio="folio", pk="message"), changes=False),
    "message-write-off": do(WORKERS, nothing, of(folio="folio", pk="message"), changes=False),
    "customers": see(READERS, query=of(q="customer_name")),
    "customer-alike": do(WORKERS, plain(phone="998 123 4567"), ok=200, changes=False),
    "customer-new": form(WORKERS, plain(name="Ana Ruiz", language="es", preferred_channel="email")),
    "customer": see(READERS, of(pk="customer")),
    "customer-change": form(
        WORKERS,
        plain(version="1", name="Otro Nombre", language="es", preferred_channel="email"),
        of(pk="customer"),
    ),
    "contact-add": do(WORKERS, plain(kind="email", value="b@example.com"), of(pk="customer")),
    "contact-correct": do(
        WORKERS,
        plain(version="1", value="c@example.com"),
        of(pk="customer", contact_pk="contact"),
    ),
    "contact-remove": do(WORKERS, plain(version="1"), of(pk="customer", contact_pk="contact")),
    "contact-reveal": do(
        COMMENTERS, plain(reason="llamar"), of(pk="customer", contact_pk="contact"), ok=200
    ),
}

TRAIL: dict[str, Row] = {
    "audit-trail": see(AUDITOR, query=of(thing="folio", market="market_code")),
    "audit-life": see(AUDITOR, plus(of(key="incident"), kind="incident")),
    "audit-verify": do(AUDITOR, ok=200),
}

COUNTER: dict[str, Row] = {
    "counter": form(CASHIER, of(code="code"), changes=False),
    "counter-place": form(CASHIER, of(location="location"), changes=False),
    "counter-coupon": form(CASHIER, plain(reference="x"), get=302, changes=False),
    "counter-redemption": form(CASHIER, nothing, of(pk="redemption")),
}

OVERSEEING = frozenset({"supervisor", "finance", "auditor"})
BOOKKEEPERS = frozenset({"finance", "auditor"})
FINANCE = frozenset({"finance"})
WHY = plain(reason="porque sí")

LIMITS: dict[str, Row] = {
    "limits": see(OVERSEEING, query=of(team="team")),
    "limits-general": see(OVERSEEING),
    "limit-person": see(OVERSEEING, of(pk="person")),
    "limit": see(OVERSEEING, of(pk="limit")),
    "limit-propose": Row(
        (
            Act("GET", OVERSEEING - {"auditor"}, query=of(person="person", limit="limit")),
            Act(
                "POST",
                OVERSEEING - {"auditor"},
                (302,),
                plain(kind="agent.day.amount", cap="500", reason="temporada"),
                of(person="person", limit="limit"),
                changes=True,
            ),
        )
    ),
    # A supervisor has proposed it: another person decides, the supervisor takes it back.
    "limit-confirm": do(FINANCE, nothing, of(pk="proposal")),
    "limit-reject": do(FINANCE, WHY, of(pk="proposal")),
    "limit-withdraw": do(frozenset({"supervisor"}), nothing, of(pk="proposal")),
    "limit-lift": do(FINANCE, WHY, of(pk="own_limit")),
    "stop-switch": Row(
        (
            Act("GET", BOOKKEEPERS),
            Act("POST", FINANCE, (302,), plus(WHY, act="stop"), changes=True),
        )
    ),
}

NIGHT = of(code="market_code", date="night")

NIGHTS: dict[str, Row] = {
    "nightly-reports": see(LOOKERS),
    "nightly-report": see(LOOKERS, NIGHT),
    "nightly-sign": do(
        frozenset({"supervisor"}), plus(of(team="team"), revision="1", note="visto"), NIGHT
    ),
    "nightly-comment": do(LOOKERS, plain(body="lluvia"), NIGHT),
}

MONEY: dict[str, Row] = {
    "liability": see(BOOKKEEPERS),
    "liability-list": see(BOOKKEEPERS, query=plain(kind="gift_card", age="30")),
    "journal": see(BOOKKEEPERS, query=plain(account="outstanding_liability")),
    "journal-export": do(BOOKKEEPERS, plain(delimiter="semicolon"), ok=200),
    "reconciliation": see(BOOKKEEPERS, query=plain(check="1")),
}

ON_LIVE = of(code="market_code", number="live_number")
ON_DRAFT = of(code="market_code", number="draft_number")
IN_REVIEW = of(code="market_code", number="review_number")
ON_SCHEDULED = of(code="market_code", number="scheduled_number")
FINANCE = frozenset({"finance"})
INSIDERS = frozenset({"finance", "auditor"})


def _cell(side: Side) -> dict[str, Any]:
    return {**ON_DRAFT(side), "key": f"{side.category}-minor-any"}


SCALE: dict[str, Row] = {
    "scales": see(READERS),
    "scale": see(READERS, ON_LIVE, query=plain(segment="vip", q="vale")),
    "scale-new": do(FINANCE, of(based_on="scale")),
    "scale-edit": see(FINANCE, ON_DRAFT),
    # Takes JSON; what a form sends is not a change.
    "scale-cells": do(FINANCE, nothing, ON_DRAFT, ok=422, changes=False),
    "scale-cell": form(
        FINANCE,
        plain(
            **{
                "count": "1",
                "revision": "0",
                "o0-kind": "gesture",
                "o0-basis": "fixed",
                "o0-name_es": "Flores",
                "o0-name_en": "Flowers",
                "o0-default": "100",
            }
        ),
        _cell,
    ),
    "scale-delete": do(FINANCE, nothing, ON_DRAFT),
    "scale-changes": see(INSIDERS, IN_REVIEW),
    "scale-submit": do(FINANCE, plain(note="x", when="approved", revision="0"), ON_DRAFT),
    "scale-approve": do(FINANCE, plus(of(against="live_number"), revision="0"), IN_REVIEW),
    "scale-return": do(FINANCE, plain(reason="falta el tope"), IN_REVIEW),
    "scale-publish": do(FINANCE, nothing, ON_SCHEDULED),
}

MARKET_BODY = plain(
    name="Otro",
    brand="B",
    locale="es-MX",
    language="es",
    sender_email="a@example.com",
    undo_minutes="10",
    request_minutes="90",
    is_active="on",
)

ADMINISTRATION: dict[str, Row] = {
    "administration": see(ADMIN, ok=302),
    "markets": see(ADMIN),
    "market-new": form(
        ADMIN,
        plus(
            of(administrator="person"),
            code="PE",
            name="Perú",
            brand="B",
            country="PE",
            currency="PEN",
            time_zone="America/Lima",
            locale="es-PE",
            language="es",
            sender_email="a@example.com",
            undo_minutes="10",
        ),
    ),
    "market": form(ADMIN, MARKET_BODY, of(code="market_code")),
    "locations": see(ADMIN),
    "location-new": form(ADMIN, plus(of(market="market"), code="NEW", name="Nuevo")),
    "location": form(ADMIN, plain(name="Otro", is_active="on"), of(pk="location")),
    "teams": see(ADMIN),
    "team-new": form(ADMIN, plus(of(market="market"), name="Nuevo")),
    "team": form(ADMIN, plain(name="Otro", is_active="on"), of(pk="team")),
    "people": see(ADMIN, query=plus(nothing, q="a")),
    "person-new": form(
        ADMIN,
        plus(
            of(market="market", team="team", location="location"),
            name="Nora",
            username="nora",
            email="nora@example.com",
            roles="agent",
            language="es",
        ),
        ok=200,
    ),
    "person": form(
        ADMIN,
        plus(of(location="location"), name="Otro", email="otro@example.com"),
        of(pk="person"),
    ),
    "person-role": do(ADMIN, plus(of(market="market"), role="cashier"), of(pk="person")),
    "person-role-end": do(ADMIN, of(grant="grant"), of(pk="person")),
    "person-team": do(ADMIN, of(team="team"), of(pk="person"), changes=False),
    "person-active": do(ADMIN, plain(active="no"), of(pk="person")),
    "person-password": do(ADMIN, nothing, of(pk="person"), ok=200),
    "api-clients": see(ADMIN),
    "api-client-new": form(
        ADMIN,
        plus(of(market="market"), name="Nueva", scopes="coupons:redeem", valid_days="30"),
        ok=200,
    ),
    "api-client": see(ADMIN, of(pk="client")),
    "api-client-rotate": do(ADMIN, nothing, of(pk="client"), ok=200),
    "api-client-revoke": do(ADMIN, nothing, of(pk="client")),
    "preferences": form(STAFF, plain(language="es", theme="dark")),
    "token-new": do(STAFF, plain(valid_days="30"), ok=200),
    "token-revoke": do(frozenset({"agent"}), nothing, of(pk="token")),
}

API: dict[str, Row] = {
    "api-me": see(STAFF | TILL),
    "api-customers": Row(
        (
            Act("GET", READERS | TILL, query=of(email="customer_email")),
            Act(
                "POST",
                WORKERS | TILL,
                (201,),
                plus(of(market="market_code"), name="Ana"),
                changes=True,
            ),
        )
    ),
    "api-customer": Row(
        (
            Act("GET", READERS | TILL),
            Act("PATCH", WORKERS | TILL, body=plain(version=1, name="Otro"), changes=True),
        ),
        of(key="customer"),
    ),
    "api-incidents": Row(
        (
            Act("GET", READERS | TILL),
            Act(
                "POST",
                WORKERS | TILL,
                (201,),
                plus(
                    of(customer="customer", category="category_code"),
                    narrative="Esperó.",
                    channel="phone",
                ),
                changes=True,
            ),
        )
    ),
    "api-nightly-reports": see(LOOKERS, query=of(market="market_code")),
    "api-nightly-report": see(LOOKERS, of(market="market_code", date="night")),
    "api-incident": Row(
        (
            Act("GET", READERS),
            Act("PATCH", WORKERS, body=plain(version=1, narrative="Otro."), changes=True),
        ),
        of(folio="fresh_folio"),
    ),
    "api-offers": see(READERS, FOLIO),
    "api-grant": Row(
        (Act("POST", WORKERS, (201,), lambda s: {"offer": int(s.offer)}, changes=True),),
        of(folio="fresh_folio"),
        moves_value=True,
    ),
    "api-compensations": see(READERS),
    "api-scales": see(READERS, query=of(market="market_code")),
    "api-scale": see(READERS, of(version="scale")),
    "api-void": Row(
        (Act("POST", WORKERS, (200,), plain(reason="por error"), changes=True),),
        of(id="compensation"),
        moves_value=True,
    ),
    "api-approvals": see(READERS),
    "api-decide": Row(
        (
            Act("POST", DECIDERS, (200,), plain(decision="approve"), changes=True),
            Act("POST", DECIDERS, (200,), plain(decision="reject", reason="no"), changes=True),
        ),
        of(id="approval"),
        moves_value=True,
    ),
    "api-withdraw": Row(
        (Act("POST", AGENT, (200,), changes=True),), of(id="approval"), moves_value=True
    ),
    "api-validate": Row(
        (Act("POST", CASHIER | TILL, body=of(code="code", location="location_code")),)
    ),
    "api-reserve": Row(
        (Act("POST", TILL, body=of(code="code"), changes=True),),
        moves_value=True,
    ),
    "api-redeem": Row(
        (
            Act(
                "POST",
                CASHIER | TILL,
                (200, 201),
                plus(of(code="code", location="location_code"), external_transaction_id="sale-9"),
                changes=True,
            ),
        ),
        moves_value=True,
    ),
    "api-release": Row(
        (Act("POST", TILL, (200, 404, 409, 422), of(code="reserved_code")),), moves_value=True
    ),
    "api-reverse": Row(
        (
            Act(
                "POST",
                CASHIER,
                (200, 201),
                of(external_transaction_id="transaction", location="location_code"),
                changes=True,
            ),
            Act(
                "POST",
                TILL,
                (404, 409, 422),
                of(external_transaction_id="transaction", location="location_code"),
            ),
        ),
        moves_value=True,
    ),
}

ISSUANCE = plus(
    of(team="team", location="location", category="category", staff="person"), period="30"
)
API_ISSUANCE = of(
    market="market_code", team="team", location="location_code", category="category_code"
)
REPORTS: dict[str, Row] = {
    "issuance": Row(
        (
            Act("GET", LOOKERS, query=ISSUANCE),
            Act("GET", frozenset({"agent"}), (302,), query=ISSUANCE),
        )
    ),
    "issuance-list": see(
        READERS,
        query=lambda side: {**ISSUANCE(side), "customer": side.customer, "measure": "repeat"},
    ),
    "issuance-me": see(WORKERS, query=ISSUANCE),
    "api-issuance": Row(
        (
            Act("GET", LOOKERS, query=plus(API_ISSUANCE, period="30")),
            Act("GET", frozenset({"agent"}), query=of(market="market_code")),
        )
    ),
}

# Answer anybody; the address names nothing of a market, or a secret that is its own key.
OPEN: dict[str, dict[str, Any]] = {
    # Addresses that nothing answers at: any path stands for all.
    "api-nothing": {"path": "/api/v1/nothing-here"},
    "admin/(?P<url>.*)$": {"path": "/admin/nothing-here/"},
    "portal-coupon": {"token": "x" * 43},
    "portal-picture": {"token": "x" * 43},
    "set_language": {},
    "own-password": {},
    "own-email": {},
    "account_login": {},
    "account_logout": {},
    "account_inactive": {},
    "account_signup": {},
    "account_reauthenticate": {},
    "account_email": {},
    "account_email_verification_sent": {},
    "account_change_password": {},
    "account_set_password": {},
    "account_reset_password": {},
    "account_confirm_login_code": {},
    "account_confirm_email": {"key": "x"},
    "account_reset_password_from_key_done": {},
    "account_reset_password_from_key": {"uidb36": "1", "key": "x"},
    "account_reset_password_done": {},
    "mfa_index": {},
    "mfa_authenticate": {},
    "mfa_reauthenticate": {},
    "mfa_activate_totp": {},
    "mfa_deactivate_totp": {},
    "mfa_view_recovery_codes": {},
    "mfa_generate_recovery_codes": {},
    "mfa_download_recovery_codes": {},
    "api-live": {},
    "api-ready": {},
    "api-receipts": {"provider": "smtp"},
    "api-schema": {},
    "api-docs": {},
    "javascript-catalog": {},
    # The two below exist in embedded mode and tests only.
    "mailbox": {},
    "mailbox-message": {"key": "x"},
    "mailbox-part": {"key": "x"},
    "gallery": {},
    "admin:index": {},
    "admin:login": {},
    "admin:logout": {},
    "admin:password_change": {},
    "admin:password_change_done": {},
    "admin:autocomplete": {},
    "admin:jsi18n": {},
    "admin:view_on_site": {"content_type_id": "1", "object_id": "1"},
    "admin:app_list": {"app_label": "accounts"},
}

ROWS: dict[str, Row] = {
    **DESK,
    **TRAIL,
    **COUNTER,
    **LIMITS,
    **MONEY,
    **NIGHTS,
    **ADMINISTRATION,
    **REPORTS,
    **API,
    **SCALE,
}
