"""Addresses of the desk. Cases are named by their folio, everything else by an opaque id."""

from django.urls import include, path

from .views import (
    acts,
    approvals,
    case,
    customers,
    find,
    home,
    identify,
    incidents,
    intake,
    money,
    presence,
    promises,
)

on_case = [
    path("", case.case, name="incident"),
    path("change/", case.change, name="incident-change"),
    path("customer/", identify.identify, name="incident-identify"),
    path("customer/look-up/", identify.look_up, name="identify-look-up"),
    path("others/", presence.others, name="incident-others"),
    path("add/", intake.add_to, name="incident-add-to"),
    path("notes/", acts.note, name="incident-note"),
    path("promises/", acts.promise, name="incident-promise"),
    path("steps/", acts.step, name="incident-step"),
    path("resolve/", acts.resolve, name="incident-resolve"),
    path("close/", acts.close, name="incident-close"),
    path("reopen/", acts.reopen, name="incident-reopen"),
    path("playbooks/<int:pk>/read/", acts.read_playbook, name="playbook-read"),
    path("grant/", money.grant_offer, name="incident-grant"),
    path("compensations/<uuid:pk>/send/", money.send, name="compensation-send"),
    path("compensations/<uuid:pk>/void/", money.take_back, name="compensation-void"),
    path("requests/<uuid:pk>/", approvals.request_way, name="request-way"),
    path("requests/<uuid:pk>/withdraw/", approvals.withdraw_request, name="request-withdraw"),
    path("messages/<uuid:pk>/", money.handover, name="handover"),
    path("messages/<uuid:pk>/way/", money.way, name="message-way"),
    path("messages/<uuid:pk>/confirm/", money.confirm, name="handover-confirm"),
    path("messages/<uuid:pk>/again/", money.try_again, name="message-again"),
    path("messages/<uuid:pk>/write-off/", money.give_up, name="message-write-off"),
]

on_customer = [
    path("", customers.customer_page, name="customer"),
    path("change/", customers.customer_edit, name="customer-change"),
    path("contacts/", customers.contact_add, name="contact-add"),
    path("contacts/<uuid:contact_pk>/correct/", customers.contact_correct, name="contact-correct"),
    path("contacts/<uuid:contact_pk>/remove/", customers.contact_remove, name="contact-remove"),
    path("contacts/<uuid:contact_pk>/reveal/", customers.contact_reveal, name="contact-reveal"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("market/", home.switch_market, name="switch-market"),
    path("find/", find.find, name="find"),
    path("approvals/", approvals.approvals, name="approvals"),
    path("approvals/decided/", approvals.approvals_decided, name="approvals-decided"),
    path("approvals/<uuid:pk>/", approvals.approval, name="approval"),
    path("approvals/<uuid:pk>/decide/", approvals.decide, name="approval-decide"),
    path("requests/", approvals.own_requests, name="requests"),
    path("promises/", promises.promise_list, name="promises"),
    path("promises/<uuid:pk>/end/", promises.end_promise, name="promise-end"),
    path("incidents/", incidents.incident_list, name="incidents"),
    path("incidents/take-over/", incidents.take_over, name="incidents-take-over"),
    path("incidents/new/", intake.intake, name="incident-new"),
    path("incidents/new/look-up/", intake.look_up, name="intake-look-up"),
    path("incidents/new/customer/", intake.new_customer, name="intake-new-customer"),
    path("incidents/new/panel/", intake.panel, name="intake-panel"),
    path("incidents/new/draft/", intake.draft, name="intake-draft"),
    path("incidents/new/start-over/", intake.start_over, name="intake-start-over"),
    path("incidents/<folio:folio>/", include(on_case)),
    path("customers/", customers.customer_list, name="customers"),
    path("customers/new/", customers.customer_new, name="customer-new"),
    path("customers/alike/", customers.alike, name="customer-alike"),
    path("customers/<uuid:pk>/", include(on_customer)),
]
