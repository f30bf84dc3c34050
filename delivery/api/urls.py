"""Addresses of this app's part of the API."""

from django.urls import path

from .views import ReceiptView

urlpatterns = [
    path("receipts/<slug:provider>", ReceiptView.as_view(), name="api-receipts"),
]
