"""The sign-in page of the embedded mode: it names the demo company's people, by role.

Their password is public, so one click signs in. Anywhere else the page is the library's.
"""

from itertools import groupby
from typing import NamedTuple

from allauth.account.views import LoginView
from django.conf import settings
from django.utils.translation import get_language

from accounts.models import Staff
from accounts.states import Role

from .demo.logins import DEMO_PASSWORD, LOGINS, Login


class DemoPerson(NamedTuple):
    username: str
    market: str
    words: str


def demo_people() -> list[tuple[str, list[DemoPerson]]]:
    """Who may be signed in as, under each role; nobody outside embedded mode.

    Only those who are there: an embedded installation can hold a company of its own. Invented
    people have addresses that no real one has.
    """
    if not settings.RECOVERY_EMBEDDED:
        return []
    known = set(
        Staff.objects.filter(
            username__in=[login.username for login in LOGINS],
            email__endswith=".example",
            is_active=True,
        ).values_list("username", flat=True)
    )
    there = [login for login in LOGINS if login.username in known]
    ranked = sorted(there, key=lambda login: Role.values.index(login.role))
    return [
        (str(Role(role).label), [_person(login) for login in people])
        for role, people in groupby(ranked, key=lambda login: login.role)
    ]


def _person(login: Login) -> DemoPerson:
    words = login.en if get_language() == "en" else login.es
    return DemoPerson(login.username, login.market.replace("+", " + "), words)


sign_in = LoginView.as_view(
    extra_context={"demo_people": demo_people, "demo_password": DEMO_PASSWORD}
)
