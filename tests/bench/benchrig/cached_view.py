"""A Django of one view that answers from django-redis what the origin answered once."""

import os
import urllib.request

import django
from django.conf import settings
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import re_path

settings.configure(
    SECRET_KEY="bench", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["BENCH_REDIS"]}})


def view(request):
    path = request.get_full_path()
    content = cache.get(path)
    if content is None:
        url = f"http://127.0.0.1:{os.environ['BENCH_ORIGIN']}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            content = answer.read()
        cache.set(path, content, 3600)
    return HttpResponse(content, content_type="application/octet-stream")


urlpatterns = [re_path("", view)]
django.setup()
application = get_wsgi_application()
