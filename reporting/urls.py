"""Addresses of the pages for supervisors, finance and auditors."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
