"""Django REST framework with SimpleJWT, as its pages set it up for production, on SQLite.

In its favour: no admin, no sessions, no browsable API, persistent connections, write-ahead logging, and Argon2id with
the parameters that Portcullis uses (Django's own would be 102 MB, eight lanes).
"""

import os
from datetime import timedelta

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db.backends.signals import connection_created

SECRET_KEY = "bench-" * 8
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["BENCH_DATABASE"],
        "CONN_MAX_AGE": None,
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}


class SameArgon2(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19456
    parallelism = 1


def has_argon2():
    try:
        import argon2  # noqa: F401
    except ImportError:
        return False
    return True


PASSWORD_HASHERS = ["settings.SameArgon2" if has_argon2() else "django.contrib.auth.hashers.PBKDF2PasswordHasher"]


def write_ahead(connection, **_):
    with connection.cursor() as cursor:
        cursor.execute("pragma journal_mode = wal")
        cursor.execute("pragma synchronous = full")


connection_created.connect(write_ahead)
