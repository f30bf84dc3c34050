"""Addresses of the pages for supervisors, finance and auditors."""

from django.urls import URLPattern, URLResolver, include, path

from .views import dashboard, lists, money, nightly

urlpatterns: list[URLPattern | URLResolver] = [
    path("reports/issuance/", dashboard.issuance, name="issuance"),
    path("reports/issuance/list/", lists.issuance_list, name="issuance-list"),
    path("reports/issuance/me/", dashboard.own_issuance, name="issuance-me"),
    path("reports/nightly/", nightly.nightly_reports, name="nightly-reports"),
    path("reports/nightly/<str:code>/<str:date>/", nightly.nightly_report, name="nightly-report"),
    path("reports/nightly/<str:code>/<str:date>/sign/", nightly.nightly_sign, name="nightly-sign"),
    path(
        "reports/nightly/<str:code>/<str:date>/comment/",
        nightly.nightly_comment,
        name="nightly-comment",
    ),
    path("audit/", include("reporting.trail_urls")),
    path("finance/", money.what_is_owed, name="liability"),
    path("finance/open/", money.open_list, name="liability-list"),
    path("finance/journal/", money.journal, name="journal"),
    path("finance/journal/export/", money.journal_export, name="journal-export"),
    path("finance/reconciliation/", money.reconciliation, name="reconciliation"),
]
