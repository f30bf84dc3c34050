"""Settings: one module for every place. What differs between places comes from `env.py`."""

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from . import env
from .databases import cache_location, database, smtp

BASE_DIR: Path = env.BASE_DIR
RECOVERY_EMBEDDED = env.flag("RECOVERY_EMBEDDED")
RECOVERY_TESTING = env.flag("RECOVERY_TESTING")
VAR_DIR = Path(env.text("RECOVERY_VAR", str(BASE_DIR / "var")))
DEBUG = env.flag("DEBUG")

SECRET_KEY = env.text("SECRET_KEY")
CODE_HASH_KEYS = env.keyring("CODE_HASH_KEYS")
CODE_CIPHER_KEYS = env.keyring("CODE_CIPHER_KEYS")
AUDIT_SEAL_KEYS = env.keyring("AUDIT_SEAL_KEYS")
AUDIT_SEAL_OLD_KEYS = env.keyring("AUDIT_SEAL_OLD_KEYS", optional=True)
FINGERPRINT_KEY = env.key("FINGERPRINT_KEY")
PORTAL_KEY = env.key("PORTAL_KEY")
RECEIPT_SECRET = env.key("RECEIPT_SECRET")
PUBLIC_BASE_URL = env.text("PUBLIC_BASE_URL").rstrip("/")
SECURE = PUBLIC_BASE_URL.startswith("https://")

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_filters",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "common",
    "audit",
    "accounts",
    "delivery",
    "incidents",
    "compensations",
    "desk",
    "portal",
    "reporting",
    "recovery",
]

MIDDLEWARE = [
    "recovery.middleware.RequestIdMiddleware",
    "recovery.middleware.DatabaseDownMiddleware",
    "recovery.programs.ProgramsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "recovery.middleware.PermissionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.ReaderLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "recovery.middleware.PageMethodMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "recovery.urls"
WSGI_APPLICATION = "recovery.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "desk.navigation.navigation",
            ],
        },
    }
]

DATABASES = {"default": database(env.text("DATABASE_URL"))}
# Off behind a pooler that hands connections on between transactions.
PREPARED_STATEMENTS = env.flag("PREPARED_STATEMENTS", default=True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The role that serves requests and works tasks; it may only insert and read audit and ledger rows.
RUNNING_ROLE = env.text("RUNNING_ROLE", "recovery_app")

REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "common.cache.SteadyRedisCache",
        "LOCATION": cache_location(REDIS_URL),
        "KEY_PREFIX": env.text("CACHE_PREFIX", "recovery"),
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = False
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = SECURE and env.flag("SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.flag("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

AUTH_USER_MODEL = "accounts.Staff"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
    if RECOVERY_TESTING
    else "django.contrib.auth.hashers.PBKDF2PasswordHasher"
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapters.ClosedSignupAdapter"
ACCOUNT_FORMS = {"login": "accounts.sign_in.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_DISPLAY = str
ACCOUNT_RATE_LIMITS = {"login_failed": "10/5m/ip,5/5m/key"}
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

LANGUAGE_CODE = "es"
LANGUAGES = [("es", _("Spanish")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "recovery.formats"
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if RECOVERY_EMBEDDED or RECOVERY_TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = RECOVERY_EMBEDDED or RECOVERY_TESTING
WHITENOISE_AUTOREFRESH = RECOVERY_TESTING

globals().update(smtp(env.text("EMAIL_URL")))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "recovery@localhost")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.StaffSessionAuthentication",
        "accounts.api.authentication.StaffTokenAuthentication",
        "accounts.api.authentication.ClientKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.Authenticated"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.api.negotiation.JsonNegotiation",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.KeyPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.problems.handle",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Recovery",
    "DESCRIPTION": "Service-recovery case management.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "DEFAULT_GENERATOR_CLASS": "accounts.api.schema.Generator",
    "ENUM_NAME_OVERRIDES": {
        "ApprovalState": "compensations.states.ApprovalState",
        "ClientScope": "accounts.states.Scope",
        "CompensationState": "compensations.states.CompensationState",
        "ContactChannel": "incidents.states.ContactChannel",
        "ContactKind": "incidents.states.ContactKind",
        "CouponState": "compensations.states.CouponState",
        "IncidentKind": "incidents.states.IncidentKind",
        "IncidentState": "incidents.states.IncidentState",
        "LimitScope": "compensations.states.LimitScope",
        "LimitWindow": "compensations.states.LimitWindow",
        "MessageChannel": "delivery.states.Channel",
        "OfferKind": "compensations.states.OfferKind",
        "ScaleState": "compensations.states.ScaleState",
        "Segment": "incidents.states.Segment",
        "Severity": "incidents.states.Severity",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.api.schema.with_problems",
    ],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_DEFAULT_QUEUE = env.text("CELERY_QUEUE", "deliver")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    # A dead broker costs a page at most this: the outbox sweep delivers what the wake missed.
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.1,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "seal-audit": {"task": "audit.periodic.seal", "schedule": 60.0},
    "sweep-outbox": {"task": "delivery.periodic.sweep_outbox", "schedule": 30.0},
    "forget-answers": {"task": "accounts.periodic.forget_answers", "schedule": 3600.0},
    "forget-failures": {"task": "accounts.periodic.forget_failures", "schedule": 3600.0},
    "forget-codes": {"task": "compensations.periodic.forget_codes", "schedule": 600.0},
    "lapse-requests": {"task": "compensations.periodic.lapse_requests", "schedule": 60.0},
    "publish-due-scales": {
        "task": "compensations.periodic.publish_due_scales",
        "schedule": 30.0,
    },
    "expire": {"task": "compensations.periodic.expire", "schedule": 60.0},
    "night": {"task": "reporting.periodic.night", "schedule": 300.0},
    "close-ledger": {"task": "compensations.periodic.close_ledger_days", "schedule": 600.0},
}

# A line for each new seal, best where the database's owner cannot reach; empty means none.
AUDIT_CHECKPOINT_FILE = env.text(
    "AUDIT_CHECKPOINT_FILE", str(VAR_DIR / "audit-checkpoints") if RECOVERY_EMBEDDED else ""
)

# A change of the scale that touches this share of its cells takes two approvers.
SCALE_LARGE_CHANGE_PERCENT = env.number("SCALE_LARGE_CHANGE_PERCENT", 20, 1, 100)

# Guards a race test switches off to prove that it would notice; refused outside tests.
GUARDS_OFF = frozenset(env.words("RECOVERY_GUARDS_OFF", "")) if RECOVERY_TESTING else frozenset()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "recovery.logs.RequestIdFilter"}},
    "formatters": {"line": {"()": "recovery.logs.LineFormatter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
