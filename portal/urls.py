"""Addresses of the customer's pages. The token is the only thing in them."""

from django.urls import path

from . import views

urlpatterns = [
    path("<str:token>/", views.coupon, name="portal-coupon"),
    path("<str:token>/coupon.png", views.picture, name="portal-picture"),
]
