"""Django with a database in a file, a real Redis, and nothing in place of either.

    /usr/bin/python3 -m pytest deploy/django/tests -p no:cacheprovider
"""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
for folder in (HERE, HERE.parent, REPOSITORY / "tests" / "e2e"):
    sys.path.insert(0, str(folder))

import django  # noqa: E402
from django.conf import settings  # noqa: E402

from rig.redis_server import RedisServer  # noqa: E402

MODELS = {
    "shop.Article": ["/api/articles/{pk}/", "/pages/{slug}/"],
    "shop.Category": "/api/articles/",
    "shop.Label": [],
    "shop.Price": ["tag:price-{article.slug}", "shop.targets.of_price"],
}


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    return tmp_path_factory.mktemp("larder-django")


@pytest.fixture(scope="session", autouse=True)
def tables():
    from django.core.management import call_command

    for alias in ("default", "other"):
        call_command("migrate", run_syncdb=True, verbosity=0, database=alias)


def pytest_configure(config):
    folder = tempfile.mkdtemp(prefix="larder-django-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 20}}
    settings.configure(
        SECRET_KEY="of the tests", ROOT_URLCONF="shop.urls", USE_TZ=True, ALLOWED_HOSTS=["testserver"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                        "django.contrib.messages", "django.contrib.sessions", "rest_framework", "larder_django",
                        "shop"],
        DATABASES={"default": {**sqlite, "NAME": f"{folder}/default.sqlite3"},
                   "other": {**sqlite, "NAME": f"{folder}/other.sqlite3"}},
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                    "django.contrib.auth.middleware.AuthenticationMiddleware",
                    "django.contrib.messages.middleware.MessageMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                    "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                                                       "django.contrib.auth.context_processors.auth",
                                                       "django.contrib.messages.context_processors.messages"]}}],
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
        LARDER={"MODELS": MODELS},
    )
    django.setup()


@pytest.fixture(autouse=True)
def empty_tables(tables):
    yield
    from django.apps import apps
    from django.db import connections

    for alias in ("default", "other"):
        with connections[alias].constraint_checks_disabled():
            for label in ("shop", "larder_django"):
                for model in apps.get_app_config(label).get_models(include_auto_created=True):
                    if not model._meta.proxy:
                        model._base_manager.using(alias).all()._raw_delete(alias)


@pytest.fixture
def larder():
    """larder(REDIS=...): the settings of one test, beside MODELS."""
    from django.test import override_settings

    overrides = []

    def set_up(**given):
        override = override_settings(LARDER={"MODELS": MODELS, **given})
        override.enable()
        overrides.append(override)

    yield set_up
    for override in reversed(overrides):
        override.disable()


@pytest.fixture(scope="session")
def redis_server(files):
    server = RedisServer(files)
    yield server
    server.stop()


@pytest.fixture
def redis(redis_server):
    """Running and empty, whatever the test before did to it."""
    redis_server.make_new()
    yield redis_server
    redis_server.process.resume()
