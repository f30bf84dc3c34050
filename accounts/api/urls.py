"""Addresses of this app's part of the API."""

from django.urls import path

from .views import LiveView, MeView, ReadyView

urlpatterns = [
    path("me", MeView.as_view(), name="api-me"),
    path("health/live", LiveView.as_view(), name="api-live"),
    path("health/ready", ReadyView.as_view(), name="api-ready"),
]
