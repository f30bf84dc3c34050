"""The gallery draws without a database, and error pages without a context."""

import pytest
from django.http import Http404
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from common.gallery import gallery


@pytest.mark.parametrize("status", ["400", "403", "403_csrf", "404", "429", "500", "503"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_an_error_page_needs_nothing(status: str, language: str) -> None:
    with translation.override(language):
        html = render_to_string(f"errors/{status}.html")
    assert f'lang="{language}"' in html
    assert "<h1>" in html
    assert "<main" in html
    assert "style=" not in html


@pytest.mark.urls("common.tests.gallery_urls")
def test_the_gallery_has_no_inline_style_or_script(rf: RequestFactory) -> None:
    html = gallery(rf.get("/_gallery/")).content.decode()
    assert " style=" not in html
    assert "<style" not in html
    assert " onclick" not in html
    assert html.count("<script") == html.count("<script src=")
    assert "http://" not in html.replace("http://www.w3.org/", "")


def test_the_gallery_is_closed_in_production(rf: RequestFactory, settings: object) -> None:
    for door in ("DEBUG", "RECOVERY_EMBEDDED", "RECOVERY_TESTING"):
        setattr(settings, door, False)
    with pytest.raises(Http404):
        gallery(rf.get("/_gallery/"))
