"""Addresses of this app's pages: counter, limits, stop switch. No code is ever in one."""

from django.urls import include, path

from .views import counter, limits, stopping

on_limit = [
    path("", limits.limit, name="limit"),
    path("confirm/", limits.confirm, name="limit-confirm"),
    path("reject/", limits.reject, name="limit-reject"),
    path("withdraw/", limits.withdraw, name="limit-withdraw"),
    path("lift/", limits.lift, name="limit-lift"),
]

urlpatterns = [
    path("counter/", counter.scan, name="counter"),
    path("counter/place/", counter.place, name="counter-place"),
    path("counter/coupon/", counter.coupon, name="counter-coupon"),
    path("counter/redemptions/<uuid:pk>/", counter.redemption, name="counter-redemption"),
    path("limits/", limits.limits, name="limits"),
    path("limits/general/", limits.general, name="limits-general"),
    path("limits/new/", limits.propose, name="limit-propose"),
    path("limits/people/<uuid:pk>/", limits.person, name="limit-person"),
    path("limits/<int:pk>/", include(on_limit)),
    path("finance/stop/", stopping.stop_switch, name="stop-switch"),
]
