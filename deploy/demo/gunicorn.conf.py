# gunicorn's settings, as in production.
#
# psycopg2 waits inside libpq and holds its worker for the length of a query, a millisecond here.
# That is on purpose: with cooperative waiting (psycogreen) every greenlet would bring its own
# connection, and a burst of requests would pass PostgreSQL's max_connections.
import os

bind = os.environ.get("BIND", "0.0.0.0:8000")
worker_class = "gevent"
workers = int(os.environ.get("WEB_CONCURRENCY", "3"))
keepalive = 2
timeout = 120
graceful_timeout = 10
