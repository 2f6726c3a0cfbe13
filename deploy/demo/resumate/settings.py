"""Settings of the ResuMate API. Whatever differs between machines comes from the environment."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django

BASE_DIR = Path(__file__).resolve().parent.parent


def env_flag(name, default):
    return os.environ.get(name, default).strip().lower() in ("1", "true", "yes", "on")


def env_list(name, default):
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


SECRET_KEY = os.environ.get("SECRET_KEY") or "resumate-development-key-never-used-in-production"
DEBUG = env_flag("DEBUG", "off")

# Who may address us, and which hop before us ended TLS.
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", "")
if django.VERSION < (4, 0):  # there they are hosts, from 4.0 on they are origins with a scheme
    CSRF_TRUSTED_ORIGINS = [urlsplit(o).netloc or o for o in CSRF_TRUSTED_ORIGINS]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = False
APPEND_SLASH = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "accounts.apps.AccountsConfig",
    "ai.apps.AiConfig",
    "jobs.apps.JobsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "resumate.urls"
WSGI_APPLICATION = "resumate.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# PostgreSQL where it is configured, a file otherwise.
if os.environ.get("POSTGRES_HOST"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["POSTGRES_HOST"],
            "PORT": os.environ.get("POSTGRES_PORT", "5432"),
            "NAME": os.environ.get("POSTGRES_DB", "resumate"),
            "USER": os.environ.get("POSTGRES_USER", "resumate"),
            "PASSWORD": os.environ.get("POSTGRES_PASSWORD", ""),
        }
    }
else:
    # accounts.apps switches on write-ahead logging, so that readers do not wait for a writer.
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("SQLITE_PATH") or str(BASE_DIR / "db.sqlite3"),
            "OPTIONS": {"timeout": 20},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The caching inside the views (resumate/view_cache.py), as it was before it was switched off.
VIEW_CACHE = env_flag("VIEW_CACHE", "off")
VIEW_CACHE_SECONDS = 3600
if VIEW_CACHE:
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://{}:{}/{}".format(
                os.environ.get("REDIS_HOST", "127.0.0.1"),
                os.environ.get("REDIS_PORT", "6379"),
                os.environ.get("REDIS_DB", "1"),
            ),
        }
    }

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "USER_ID_CLAIM": "user_id",
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
}

# Off, the backend knows nothing of Larder. On, it tells Larder of what changes without passing it: in a
# shell, a command, a task (../django/README.md).
if env_flag("LARDER_BRIDGE", "off"):
    sys.path.insert(0, str(BASE_DIR.parent / "django"))  # elsewhere it is installed
    INSTALLED_APPS.append("larder_django")
    LARDER = {
        "REDIS": os.environ.get("REDIS_URL"),
        "ADMIN": env_list("LARDER_ADMIN_URLS", ""),
        "TOKEN": os.environ.get("LARDER_ADMIN_TOKEN", ""),
        "OUTBOX": env_flag("LARDER_OUTBOX", "off"),
        "TIMEOUT": float(os.environ.get("LARDER_BRIDGE_TIMEOUT", "0.25")),
        "RULES": BASE_DIR.parents[1] / "rules" / "resumate.yaml",
        "MODELS": {
            "ai.AIModel": "/api/ai/models/",
            "jobs.ExampleJobApplication": "/api/example-job-applications/{pk}/",
            "jobs.JobApplication": "/api/job-applications/{pk}/",
            "jobs.Notice": "/api/notices/{pk}/",
        },
    }

# How long POST /api/ai/generate/ thinks. The real one waits for a language model.
GENERATE_SECONDS = float(os.environ.get("GENERATE_SECONDS", "3"))

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # A refused request (401, 404) is the client's affair and stands in the access log.
    "loggers": {"django.request": {"level": "ERROR"}},
}
