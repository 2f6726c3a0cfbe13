"""A WSGI application that notes each request as gunicorn took it: one line of JSON in the file $RECORD.

Noted when its content has been read to its end, or has turned out to have none.
"""

import json
import os
import threading

_lock = threading.Lock()


def application(environ, start_response):
    length = environ.get("CONTENT_LENGTH")
    is_whole = True
    try:
        body = environ["wsgi.input"].read()
        is_whole = not length or len(body) == int(length)
    except Exception:  # noqa: BLE001  (whatever gunicorn thinks of content that breaks off)
        body, is_whole = b"", False
    record = {"method": environ["REQUEST_METHOD"], "target": environ["RAW_URI"], "whole": is_whole,
              "body": body.decode("latin-1")}
    with _lock, open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps(record) + "\n")
    answer = f"{record['method']} {record['target']} HTTP/1.1\r\n".encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [] if record["method"] == "HEAD" else [answer]
