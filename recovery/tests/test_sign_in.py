"""The demo's people on the sign-in page: there in embedded mode with the demo, nowhere else."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Staff
from recovery.demo.logins import DEMO_PASSWORD

pytestmark = pytest.mark.django_db


def _person(email: str) -> Staff:
    staff = Staff(username="lucia", name="Lucía Cordero", email=email)
    staff.set_password(DEMO_PASSWORD)
    staff.save()
    return staff


@pytest.fixture
def lucia(db: None) -> Staff:
    return _person("lucia@quetzara.example")


def _page(client: Client) -> str:
    return client.get(reverse("account_login"), headers={"accept-language": "en"}).content.decode()


def test_the_demo_company_s_people_are_named_and_one_click_signs_in(
    client: Client, lucia: Staff, settings: Settings
) -> None:
    settings.RECOVERY_EMBEDDED = True
    text = _page(client)
    assert "Agent, hotels, day shift" in text
    assert 'name="login" value="lucia"' in text
    # Only who is there.
    assert 'value="tomas"' not in text
    answer = client.post(
        reverse("account_login"), {"login": "lucia", "password": DEMO_PASSWORD, "next": "/find/"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/find/")


def test_nobody_is_named_outside_embedded_mode(
    client: Client, lucia: Staff, settings: Settings
) -> None:
    settings.RECOVERY_EMBEDDED = False
    text = _page(client)
    assert DEMO_PASSWORD not in text
    assert 'value="lucia"' not in text


def test_a_company_of_ones_own_is_not_the_demo(client: Client, settings: Settings) -> None:
    settings.RECOVERY_EMBEDDED = True
    _person("lucia@hotels.com")
    assert DEMO_PASSWORD not in _page(client)
