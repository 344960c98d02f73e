"""Makes the tables and the users, and prints the versions in use."""

import os
import platform
import sys
from importlib.metadata import version

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402

call_command("migrate", verbosity=0)
password = make_password(sys.argv[2])
User = get_user_model()
User.objects.bulk_create(
    [User(username=f"bench{i}", email=f"bench{i}@example.com", password=password) for i in range(int(sys.argv[1]))]
)
versions = {
    "Python": platform.python_version(),
    "Django": django.get_version(),
    "REST framework": version("djangorestframework"),
    "SimpleJWT": version("djangorestframework-simplejwt"),
    "gunicorn": version("gunicorn"),
}
hasher = settings.PASSWORD_HASHERS[0].split(".")[-1]
print(", ".join(f"{name} {number}" for name, number in versions.items()) + f"; hasher {hasher}")
