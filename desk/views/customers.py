"""Customers: the list, the page of one, creating, correcting, and their contacts."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from common.errors import Refusal, Stale
from common.posting import post_only
from delivery.channels import available_channels
from incidents.actions import (
    add_contact,
    change_customer,
    correct_contact,
    create_customer,
    remove_contact,
    reveal_contact,
)
from incidents.models import ContactPoint, Customer
from incidents.selectors import (
    active_contacts,
    customer_summary,
    key_page,
    listed_rows,
    search_customers,
    visible_contacts,
    visible_customers,
    visible_incidents,
    with_email,
    with_phone,
)
from incidents.states import ContactKind

from ..actions import once
from ..filters import read_key
from ..forms import (
    ChangeCustomerForm,
    ContactForm,
    CorrectionForm,
    NewCustomerForm,
    ReasonForm,
    show_refusal,
)
from ..places import WORKERS, Desk, desk_page
from ..selectors.given import given_in_year, given_to, live_coupons
from ..stale import Difference, Merge, opened_with, show_stale
from .intake import contact_line
from .rows import case_row, customer_or_404

SHOWN = 20
ALIKE = 3


def _channels(desk: Desk) -> list[tuple[str, str]]:
    return [(str(channel), str(channel.label)) for channel in available_channels(desk.market)]


@require_safe
@desk_page()
def customer_list(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Customers of the market, the newest first, or those that fit what is typed."""
    text = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:120]
    rows = visible_customers(desk.staff).filter(market=desk.market)
    if text:
        rows = search_customers(rows, text)
    page = key_page(
        rows.prefetch_related("contacts"),
        after=read_key(request.GET.get("after", "")),
        before=read_key(request.GET.get("before", "")),
    )

    def address(name: str, key: uuid.UUID | None) -> str:
        query = request.GET.copy()
        query.pop("after", None)
        query.pop("before", None)
        if key is None:
            return ""
        query[name] = str(key)
        return f"{request.path}?{query.urlencode()}"

    return render(
        request,
        "desk/customers.html",
        {
            "rows": [(row, contact_line(row)) for row in page.rows],
            "text": text,
            "previous_url": address("before", page.before),
            "next_url": address("after", page.after),
            "can_work": desk.can_work,
        },
    )


def _customer_page(
    request: HttpRequest,
    desk: Desk,
    customer: Customer,
    *,
    status: int = 200,
    **extra: object,
) -> HttpResponse:
    cases = visible_incidents(desk.staff).filter(customer=customer).order_by("-id")[:SHOWN]
    return render(
        request,
        "desk/customer.html",
        {
            "customer": customer,
            "market_locale": customer.market.locale,
            "contacts": active_contacts(customer),
            "summary": customer_summary(customer),
            "year": given_in_year(customer),
            "coupons": live_coupons(customer),
            "rows": [case_row(row) for row in listed_rows(cases)],
            "compensations": given_to(customer, desk.staff).order_by("-id")[:SHOWN],
            "can_work": desk.works_in(customer.market_id),
            "can_reveal": desk.comments_in(customer.market_id),
            "contact_form": ContactForm(auto_id="contact_%s"),
            "correction": CorrectionForm(auto_id="correct_%s"),
            "reason": ReasonForm(auto_id="reveal_%s"),
            "token": uuid.uuid4().hex,
            **extra,
        },
        status=status,
    )


@require_safe
@desk_page()
def customer_page(request: HttpRequest, desk: Desk, pk: uuid.UUID) -> HttpResponse:
    """One customer: how to reach them, their cases, what they were given."""
    return _customer_page(request, desk, customer_or_404(desk, pk))


@require_http_methods(["GET", "HEAD", "POST"])
@desk_page(*WORKERS)
def customer_new(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Creates a customer."""
    initial = {"language": desk.market.language, "name": request.GET.get("name", "")[:120]}
    form = NewCustomerForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        channels=_channels(desk),
        country=desk.market.country,
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():

            def run() -> str:
                made = create_customer(market=desk.market, by=desk.staff, **form.cleaned_data)
                return reverse("customer", args=[made.pk])

            try:
                address = once(staff=desk.staff, path=request.path, data=request.POST, act=run)
            except Refusal as refusal:
                show_refusal(form, refusal)
            else:
                messages.success(request, _("The customer is created."))
                return redirect(address)
    context = {"form": form, "token": uuid.uuid4().hex}
    return render(request, "desk/customer_form.html", context, status=status)


@post_only("customers")
@desk_page(*WORKERS)
def alike(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Customers who have the phone or email that is typed for a new one: asked, never refused.

    A form, since contacts do not belong into addresses; it changes nothing.
    """
    at_intake = "new_phone" in request.POST
    phone = request.POST.get("new_phone" if at_intake else "phone", "")[:40]
    email = request.POST.get("new_email" if at_intake else "email", "")[:120]
    rows = visible_customers(desk.staff).filter(market=desk.market)
    same: dict[uuid.UUID, Customer] = {}
    for typed, found in (
        (phone, with_phone(rows, phone, [desk.market])),
        (email, with_email(rows, email)),
    ):
        if typed.strip():
            same.update({row.pk: row for row in found.prefetch_related("contacts")[:ALIKE]})
    context = {
        "rows": [(row, contact_line(row)) for row in list(same.values())[:ALIKE]],
        "at_intake": at_intake,
    }
    return render(request, "desk/_alike.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_page(*WORKERS)
def customer_edit(request: HttpRequest, desk: Desk, pk: uuid.UUID) -> HttpResponse:
    """Corrects who the customer is; the segment is never an agent's to set.

    A stale save shows what both changed, and keeps the text.
    """
    customer = customer_or_404(desk, pk)
    form = ChangeCustomerForm(
        request.POST if request.method == "POST" else None,
        initial=opened_with(ChangeCustomerForm.of(customer)),
        channels=_channels(desk),
    )
    merge = Merge()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                change_customer(customer=customer, by=desk.staff, **form.changes())
            except Stale as refusal:
                status = 409
                customer = customer_or_404(desk, pk)
                merge = show_stale(form, refusal, opened_with(ChangeCustomerForm.of(customer)))
            except Refusal as refusal:
                show_refusal(form, refusal)
            else:
                messages.success(request, _("The customer is corrected."))
                return redirect("customer", customer.pk)
    context = {
        "form": form,
        "customer": customer,
        "differences": merge.differences,
        "taken": merge.taken,
    }
    return render(request, "desk/customer_form.html", context, status=status)


@post_only("customer", "pk")
@desk_page(*WORKERS)
def contact_add(request: HttpRequest, desk: Desk, pk: uuid.UUID) -> HttpResponse:
    """One more way to reach the customer."""
    customer = customer_or_404(desk, pk)
    form = ContactForm(request.POST, auto_id="contact_%s")
    if form.is_valid():
        data = form.cleaned_data
        try:
            add_contact(customer=customer, kind=data["kind"], value=data["value"], by=desk.staff)
        except Refusal as refusal:
            show_refusal(form, refusal, dict.fromkeys(ContactKind.values, "value"))
        else:
            messages.success(request, _("The contact is added."))
            return redirect("customer", customer.pk)
    return _customer_page(request, desk, customer, status=422, contact_form=form)


def _contact(desk: Desk, customer: Customer, pk: uuid.UUID) -> ContactPoint:
    found = visible_contacts(desk.staff).filter(pk=pk, customer=customer, is_active=True).first()
    if found is None:
        raise Http404
    return found


@post_only("customer", "pk")
@desk_page(*WORKERS)
def contact_correct(
    request: HttpRequest, desk: Desk, pk: uuid.UUID, contact_pk: uuid.UUID
) -> HttpResponse:
    """Puts the right value in; what waited for the old one is sent afresh.

    A stale save says what is there now, masked, and keeps what was typed.
    """
    customer = customer_or_404(desk, pk)
    contact = _contact(desk, customer, contact_pk)
    form = CorrectionForm(request.POST, auto_id="correct_%s")
    differences: list[Difference] = []
    status = 422
    if form.is_valid():
        try:
            correct_contact(contact=contact, by=desk.staff, **form.cleaned_data)
        except Stale as refusal:
            status = 409
            contact = _contact(desk, customer, contact_pk)
            saved = {"version": contact.version, "value": contact.masked}
            differences = show_stale(form, refusal, saved).differences
        except Refusal as refusal:
            show_refusal(form, refusal, dict.fromkeys(ContactKind.values, "value"))
        else:
            messages.success(
                request, _("The contact is corrected; what waited for it is sent afresh.")
            )
            return redirect("customer", customer.pk)
    return _customer_page(
        request,
        desk,
        customer,
        status=status,
        correction=form,
        correcting=contact.pk,
        differences=differences,
    )


@post_only("customer", "pk")
@desk_page(*WORKERS)
def contact_remove(
    request: HttpRequest, desk: Desk, pk: uuid.UUID, contact_pk: uuid.UUID
) -> HttpResponse:
    """The contact is no longer used, unless somebody corrected it since it was looked at."""
    customer = customer_or_404(desk, pk)
    contact = _contact(desk, customer, contact_pk)
    seen = request.POST.get("version", "")
    version = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0
    try:
        remove_contact(contact=contact, version=version, by=desk.staff)
    except Stale:
        messages.error(
            request, _("Somebody changed this contact while you were working. Look at it again.")
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The contact is no longer used."))
    return redirect("customer", customer.pk)


@post_only("customer", "pk")
@never_cache
@desk_page()
def contact_reveal(
    request: HttpRequest, desk: Desk, pk: uuid.UUID, contact_pk: uuid.UUID
) -> HttpResponse:
    """The whole contact for a stated reason, shown once; the act is on record."""
    customer = customer_or_404(desk, pk)
    contact = _contact(desk, customer, contact_pk)
    form = ReasonForm(request.POST, auto_id="reveal_%s")
    if form.is_valid():
        try:
            value = reveal_contact(
                contact=contact, reason=form.cleaned_data["reason"], by=desk.staff
            )
        except Refusal as refusal:
            show_refusal(form, refusal)
            status = refusal.status
        else:
            return _customer_page(
                request, desk, customer, revealed=contact.pk, revealed_value=value
            )
    else:
        status = 422
    return _customer_page(request, desk, customer, status=status, reason=form, revealing=contact.pk)
