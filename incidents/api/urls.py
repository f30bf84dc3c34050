"""Addresses of this app's part of the API."""

from django.urls import path

from .views import CustomersView, CustomerView, IncidentsView, IncidentView

urlpatterns = [
    path("customers", CustomersView.as_view(), name="api-customers"),
    path("customers/<uuid:key>", CustomerView.as_view(), name="api-customer"),
    path("incidents", IncidentsView.as_view(), name="api-incidents"),
    path("incidents/<folio:folio>", IncidentView.as_view(), name="api-incident"),
]
