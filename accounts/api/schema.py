"""What the description of the API says of every endpoint: ways to sign in, and how it refuses.

Kept apart from the authentication classes, which the framework loads before its own views exist.
"""

from typing import Any

from django.conf import settings
from django.utils import translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from .problems import CONTENT_TYPE

METHODS = ("get", "post", "put", "patch", "delete")


class Generator(SchemaGenerator):
    """Writes the description in English, whatever the reader's language: it is checked in."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


def with_problems(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Every refusal is a problem of one shape: said once, as each endpoint's default answer."""
    shape = {"$ref": "#/components/schemas/Problem"}
    for path in result["paths"].values():
        for method in METHODS:
            if method not in path:
                continue
            responses = path[method]["responses"]
            for status, response in responses.items():
                if status[0] in "45" and response.get("content", {}).get("application/json"):
                    body = response["content"].pop("application/json")
                    kind = CONTENT_TYPE if body["schema"] == shape else "application/json"
                    response["content"][kind] = body
            responses["default"] = {
                "description": "Refused or failed: problem details (RFC 9457).",
                "content": {CONTENT_TYPE: {"schema": shape}},
            }
    return result


class StaffKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.authentication.StaffTokenAuthentication"
    name = "staffKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A person's key, rst_..."}


class ClientKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.authentication.ClientKeyAuthentication"
    name = "clientKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A client's key, rck_..."}


class StaffSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.api.authentication.StaffSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
