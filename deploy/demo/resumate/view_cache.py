"""The caching inside the views, as it was before stale lists made the team switch it off.

VIEW_CACHE=on brings it back: the serialized list or row stays in Redis for an hour. Off, the
answers still carry the X-Cache-Status that clients and dashboards came to expect.
"""

from django.conf import settings
from django.core.cache import cache
from rest_framework.response import Response


class ViewCacheMixin:
    """For generic views with `list` and/or `retrieve`: remembers what they answered."""

    def list(self, request, *args, **kwargs):
        return self._answer(super().list, request, *args, **kwargs)

    def retrieve(self, request, *args, **kwargs):
        return self._answer(super().retrieve, request, *args, **kwargs)

    @staticmethod
    def _answer(view, request, *args, **kwargs):
        if not settings.VIEW_CACHE:
            response = view(request, *args, **kwargs)
            response["X-Cache-Status"] = "MISS"
            return response

        # `next` and `previous` hold the host, so the key is the whole URL.
        key = "view:" + request.build_absolute_uri()
        data = cache.get(key)
        if data is not None:
            return Response(data, headers={"X-Cache-Status": "HIT"})
        response = view(request, *args, **kwargs)
        if response.status_code == 200:
            cache.set(key, response.data, settings.VIEW_CACHE_SECONDS)
        response["X-Cache-Status"] = "MISS"
        return response
