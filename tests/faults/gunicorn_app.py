"""A WSGI application for real gunicorn: bodies that say what they are; POSTs leave their id in a file.

Several workers run it, so it keeps no state but that file (named by POSTS), to which each line is one write.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from faultrig import content  # noqa: E402

_really_sleep = time.sleep  # as it was before gevent replaced it: stops the whole worker


def application(environ, start_response):
    url = environ["PATH_INFO"]
    environ["wsgi.input"].read()
    if environ["REQUEST_METHOD"] == "POST":
        descriptor = os.open(os.environ["POSTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, environ.get("HTTP_X_ID", "none").encode() + b"\n")
        os.close(descriptor)
    if url == "/stick/":
        _stop_the_worker()
    body = content.make(url, 0, os.getpid(), 1500)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def _stop_the_worker():
    from gevent import monkey
    monkey.get_original("time", "sleep")(60)
