"""Addresses of the pages. Each app lists its own; the API's are in `api_urls`."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, register_converter
from django.views.i18n import JavaScriptCatalog

from common.converters import Folio
from common.gallery import gallery

handler500 = "recovery.middleware.broken"

# Before the apps' own addresses, which use it.
register_converter(Folio, "folio")

urlpatterns = [
    # First: programs ask most often, and each pattern before theirs costs every one of their calls.
    path("api/v1/", include("recovery.api_urls")),
    path("", include("desk.urls")),
    path("p/", include("portal.urls")),
    path("", include("compensations.urls")),
    path("", include("reporting.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("i18n.js", JavaScriptCatalog.as_view(), name="javascript-catalog"),
]
if settings.RECOVERY_EMBEDDED or settings.RECOVERY_TESTING:
    from .sign_in import sign_in

    # After the API, for speed; before the page of the library, which it stands in for.
    urlpatterns.insert(1, path("accounts/login/", sign_in, name="account_login"))
    urlpatterns += [
        path("mailbox/", include("recovery.mailbox_urls")),
        path("_gallery/", gallery, name="gallery"),
    ]
