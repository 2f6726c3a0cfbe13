"""The scenarios, a module for each group; SCENARIOS has them all, by name."""

from faultrig.scenario import SCENARIOS
from scenarios import clients, gunicorn, operation, origin

__all__ = ["SCENARIOS", "clients", "gunicorn", "operation", "origin"]
