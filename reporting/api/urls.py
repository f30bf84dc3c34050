"""Addresses of this app's part of the API."""

from django.urls import path

from . import issuance, nightly

urlpatterns = [
    path("reports/issuance", issuance.IssuanceView.as_view(), name="api-issuance"),
    path("reports/nightly", nightly.NightlyReportsView.as_view(), name="api-nightly-reports"),
    path(
        "reports/nightly/<str:market>/<str:date>",
        nightly.NightlyReportView.as_view(),
        name="api-nightly-report",
    ),
]
