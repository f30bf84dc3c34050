"""Addresses of the pages for supervisors, finance and auditors."""

from django.urls import URLPattern, URLResolver, include, path

from .views import dashboard, lists, money

urlpatterns: list[URLPattern | URLResolver] = [
    path("reports/issuance/", dashboard.issuance, name="issuance"),
    path("reports/issuance/list/", lists.issuance_list, name="issuance-list"),
    path("reports/issuance/me/", dashboard.own_issuance, name="issuance-me"),
    path("audit/", include("reporting.trail_urls")),
    path("finance/", money.what_is_owed, name="liability"),
    path("finance/open/", money.open_list, name="liability-list"),
    path("finance/journal/", money.journal, name="journal"),
    path("finance/journal/export/", money.journal_export, name="journal-export"),
    path("finance/reconciliation/", money.reconciliation, name="reconciliation"),
]
