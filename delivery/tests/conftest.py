"""What delivery's tests share: a mail server and the tests' own topic."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.support.smtp import MailServer

from . import topics


@pytest.fixture(autouse=True)
def _topic() -> Iterator[None]:
    topics.register()
    yield
    topics.corrected.clear()
    topics.gone.clear()
    topics.outdated.clear()


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """A real SMTP server that this process's mail goes to."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server
