"""Addresses of the API, version 1. Each app lists its own; the rest is a problem answer."""

from django.urls import include, path, re_path

from accounts.api.views import Docs, NothingHere, Schema

urlpatterns = [
    # First what tills and desks wait for: each pattern before theirs costs all of their calls.
    path("", include("compensations.api.urls")),
    path("", include("incidents.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("delivery.api.urls")),
    path("", include("reporting.api.urls")),
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
    re_path(r"", NothingHere.as_view(), name="api-nothing"),
]
