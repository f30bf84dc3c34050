"""Addresses of the mailbox page, included in embedded mode and in tests."""

from django.urls import path

from . import mailbox_views

urlpatterns = [
    path("", mailbox_views.inbox, name="mailbox"),
    path("<str:key>/", mailbox_views.message, name="mailbox-message"),
    path("<str:key>/html/", mailbox_views.part, name="mailbox-part"),
]
