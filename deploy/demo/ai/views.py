import json
import time

from django.conf import settings
from django.db import connections
from django.http import HttpResponseBadRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET
from rest_framework import generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from ai.models import AIModel
from resumate.view_cache import ViewCacheMixin


class AIModelSerializer(serializers.ModelSerializer):
    class Meta:
        model = AIModel
        fields = ["id", "name", "identifier", "provider", "description", "context_window"]


class AIModelListView(ViewCacheMixin, generics.ListAPIView):
    """The models one may choose from. They change in the admin."""

    queryset = AIModel.objects.filter(is_active=True)
    serializer_class = AIModelSerializer
    permission_classes = [permissions.AllowAny]


class GenerateSerializer(serializers.Serializer):
    prompt = serializers.CharField(max_length=10_000)


class GenerateView(APIView):
    """Writes a text. Slow, as its model would be; there is none behind it."""

    permission_classes = [permissions.AllowAny]

    def post(self, request):
        serializer = GenerateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        connections.close_all()  # no database connection is held while we wait
        time.sleep(settings.GENERATE_SECONDS)
        prompt = serializer.validated_data["prompt"]
        return Response({"text": f"Dear hiring team, {prompt}", "seconds": settings.GENERATE_SECONDS})


@require_GET
def stream(request):
    """Server-sent events: `events` of them, `interval` seconds apart."""
    try:
        events = int(request.GET.get("events", "5"))
        interval = float(request.GET.get("interval", "1"))
    except ValueError:
        return HttpResponseBadRequest("events and interval are numbers\n")
    if not (1 <= events <= 1000 and 0 <= interval <= 10):
        return HttpResponseBadRequest("1 to 1000 events, 0 to 10 seconds apart\n")

    def produce():
        for number in range(1, events + 1):
            if number > 1:
                time.sleep(interval)
            yield "id: {}\ndata: {}\n\n".format(number, json.dumps({"token": number, "of": events}))

    response = StreamingHttpResponse(produce(), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response
