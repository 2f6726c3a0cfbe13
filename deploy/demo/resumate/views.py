"""What belongs to no app: health, and files as raw bodies."""

import hashlib

from django.db import connection
from django.http import HttpResponseBadRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

CHUNK = 64 * 1024
LARGEST_DOWNLOAD = 1 << 30


@require_GET
def healthz(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_POST
def upload(request):
    """Takes a raw body of any size and says what arrived; holds one chunk of it at a time."""
    # Django reads no more than Content-Length. A chunked body has none; the server knows its end.
    stream = request.environ["wsgi.input"] if request.environ.get("wsgi.input_terminated") else request
    digest, size = hashlib.sha256(), 0
    while True:
        chunk = stream.read(CHUNK)
        if not chunk:
            break
        digest.update(chunk)
        size += len(chunk)
    expected = request.META.get("CONTENT_LENGTH")
    if expected and size != int(expected):
        return HttpResponseBadRequest("the body ended early\n")
    return JsonResponse({"size": size, "sha256": digest.hexdigest()}, status=201)


@require_GET
def download(request, size):
    """`size` bytes, the same ones each time. `?chunked=1` leaves out the Content-Length."""
    if size > LARGEST_DOWNLOAD:
        return HttpResponseBadRequest("too large\n")
    response = StreamingHttpResponse(numbered_blocks(size), content_type="application/octet-stream")
    if request.GET.get("chunked") != "1":
        response["Content-Length"] = str(size)
    return response


def numbered_blocks(size):
    """Each block starts with its number, so that a lost or doubled one shows in the hash."""
    filler = hashlib.sha256(b"resumate").digest() * (CHUNK // 32)
    for number in range((size + CHUNK - 1) // CHUNK):
        block = number.to_bytes(8, "big") + filler[8:]
        yield block[: size - number * CHUNK]
