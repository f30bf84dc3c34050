"""Addresses of this app's pages: the cashier's counter. No code is ever in one."""

from django.urls import path

from .views import counter

urlpatterns = [
    path("counter/", counter.scan, name="counter"),
    path("counter/place/", counter.place, name="counter-place"),
    path("counter/coupon/", counter.coupon, name="counter-coupon"),
    path("counter/redemptions/<uuid:pk>/", counter.redemption, name="counter-redemption"),
]
