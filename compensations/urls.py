"""Addresses of this app's pages: counter, limits, stop switch. No code is ever in one."""

from django.urls import include, path

from .views import counter, limits, scale_editing, scale_reviewing, scales, stopping

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
    path("scales/", scales.index, name="scales"),
    path("scales/new/", scale_editing.draft_new, name="scale-new"),
    path("scales/<str:code>/<int:number>/", scales.version, name="scale"),
    path("scales/<str:code>/<int:number>/edit/", scale_editing.edit, name="scale-edit"),
    path("scales/<str:code>/<int:number>/cells/", scale_editing.cells, name="scale-cells"),
    path("scales/<str:code>/<int:number>/cells/<str:key>/", scale_editing.cell, name="scale-cell"),
    path("scales/<str:code>/<int:number>/delete/", scale_editing.delete, name="scale-delete"),
    path("scales/<str:code>/<int:number>/changes/", scale_reviewing.changes, name="scale-changes"),
    path("scales/<str:code>/<int:number>/submit/", scale_reviewing.submit, name="scale-submit"),
    path("scales/<str:code>/<int:number>/approve/", scale_reviewing.approve, name="scale-approve"),
    path("scales/<str:code>/<int:number>/return/", scale_reviewing.send_back, name="scale-return"),
    path("scales/<str:code>/<int:number>/publish/", scale_reviewing.publish, name="scale-publish"),
]
