"""Addresses of this app's part of the API."""

from django.urls import path

from . import approvals, coupons, granting, scales

urlpatterns = [
    path("coupons/redeem", coupons.RedeemView.as_view(), name="api-redeem"),
    path("coupons/validate", coupons.ValidateView.as_view(), name="api-validate"),
    path("coupons/reserve", coupons.ReserveView.as_view(), name="api-reserve"),
    path("coupons/release", coupons.ReleaseView.as_view(), name="api-release"),
    path("coupons/reverse", coupons.ReverseView.as_view(), name="api-reverse"),
    path("incidents/<folio:folio>/offers", granting.OffersView.as_view(), name="api-offers"),
    path("incidents/<folio:folio>/compensations", granting.GrantView.as_view(), name="api-grant"),
    path("compensations", granting.CompensationsView.as_view(), name="api-compensations"),
    path("compensations/<uuid:id>/void", granting.VoidView.as_view(), name="api-void"),
    path("approvals", approvals.ApprovalsView.as_view(), name="api-approvals"),
    path("approvals/<uuid:id>/decide", approvals.DecideView.as_view(), name="api-decide"),
    path("approvals/<uuid:id>/withdraw", approvals.WithdrawView.as_view(), name="api-withdraw"),
    path("scales", scales.ScalesView.as_view(), name="api-scales"),
    path("scales/<int:version>", scales.ScaleView.as_view(), name="api-scale"),
]
