"""Addresses of the auditor's pages."""

from django.urls import path

from .views import trail

urlpatterns = [
    path("", trail.audit_trail, name="audit-trail"),
    path("verify/", trail.audit_verify, name="audit-verify"),
    path("<slug:kind>/<str:key>/", trail.audit_life, name="audit-life"),
]
