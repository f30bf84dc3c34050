"""Addresses of administration, of one's own preferences and of the language switch."""

from django.urls import path
from django.views.generic import RedirectView

from .views import clients, own, people, places

urlpatterns = [
    path("administration/", places.administration, name="administration"),
    path("administration/markets/", places.markets, name="markets"),
    path("administration/markets/new/", places.new_market, name="market-new"),
    path("administration/markets/<str:code>/", places.market, name="market"),
    path("administration/locations/", places.locations, name="locations"),
    path("administration/locations/new/", places.new_location, name="location-new"),
    path("administration/locations/<int:pk>/", places.location, name="location"),
    path("administration/teams/", places.teams, name="teams"),
    path("administration/teams/new/", places.new_team, name="team-new"),
    path("administration/teams/<int:pk>/", places.team, name="team"),
    path("administration/people/", people.people, name="people"),
    path("administration/people/new/", people.new_person, name="person-new"),
    path("administration/people/<uuid:pk>/", people.person, name="person"),
    path("administration/people/<uuid:pk>/roles/", people.grant_role, name="person-role"),
    path("administration/people/<uuid:pk>/roles/end/", people.end_role, name="person-role-end"),
    path("administration/people/<uuid:pk>/team/", people.move, name="person-team"),
    path("administration/people/<uuid:pk>/active/", people.activity, name="person-active"),
    path("administration/people/<uuid:pk>/password/", people.password, name="person-password"),
    path("administration/clients/", clients.clients, name="api-clients"),
    path("administration/clients/new/", clients.new_client, name="api-client-new"),
    path("administration/clients/<uuid:pk>/", clients.client, name="api-client"),
    path("administration/clients/<uuid:pk>/rotate/", clients.rotate, name="api-client-rotate"),
    path("administration/clients/<uuid:pk>/revoke/", clients.revoke, name="api-client-revoke"),
    path("preferences/", own.preferences, name="preferences"),
    path("preferences/keys/", own.new_token, name="token-new"),
    path("preferences/keys/<int:pk>/revoke/", own.revoke_token, name="token-revoke"),
    path("language/", own.set_language, name="set_language"),
    # Passwords are changed where the change is audited, also from the look-up pages.
    path(
        "admin/password_change/",
        RedirectView.as_view(pattern_name="account_change_password"),
        name="own-password",
    ),
    # An address is changed by an administrator, with its audit; the library's page would go around.
    path("accounts/email/", RedirectView.as_view(pattern_name="preferences"), name="own-email"),
]
