"""The WSGI entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recovery.settings")
application = get_wsgi_application()

# All views, before workers are forked. What is loaded by now stays, so the collector leaves it
# alone: going through it takes a tenth of a second out of somebody's request, and copies pages of
# memory that the workers share.
get_resolver().url_patterns  # noqa: B018  reading it loads them
gc.collect()
gc.freeze()
