"""The scenarios, a module for each group; SCENARIOS has them all, by name."""

from faultrig.scenario import SCENARIOS
from scenarios import clients, gunicorn, operation, origin, redis_away, redis_failover, redis_refusing, redis_storing

__all__ = ["SCENARIOS", "clients", "gunicorn", "operation", "origin", "redis_away", "redis_failover",
           "redis_refusing", "redis_storing"]
