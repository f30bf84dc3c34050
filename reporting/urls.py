"""Addresses of the pages for supervisors, finance and auditors."""

from django.urls import URLPattern, URLResolver, include, path

from .views import dashboard, lists

urlpatterns: list[URLPattern | URLResolver] = [
    path("reports/issuance/", dashboard.issuance, name="issuance"),
    path("reports/issuance/list/", lists.issuance_list, name="issuance-list"),
    path("reports/issuance/me/", dashboard.own_issuance, name="issuance-me"),
    path("audit/", include("reporting.trail_urls")),
]
