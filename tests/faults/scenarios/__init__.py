"""The scenarios, a module for each group; importing this one registers them all."""

from scenarios import clients, gunicorn, operation, origin  # noqa: F401
