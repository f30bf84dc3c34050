"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from common.collector import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recovery.settings")
application = get_wsgi_application()

# All views, before workers are forked.
get_resolver().url_patterns  # noqa: B018  reading it loads them
settle()
