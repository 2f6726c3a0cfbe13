"""The rules of rig/random_faults, and how those of /ruled/ are changed under its requests."""

from rig.larder import SECRET_KEY

RULES = """
rules:
  - {name: summary, path: /summary/, ttl: 1h, share: everyone, evict_on: [/things/, /admin/]}
  - {name: things, path: [/things/, "/things/<int:pk>/"], ttl: 1h, share: everyone, evict_on: [/admin/]}
  - {name: strict, path: [/strict/, "/strict/<int:pk>/"], ttl: 1h, share: everyone, coherence: strict}
  - {name: late, path: [/late/, "/late/<int:pk>/"], ttl: 1h, share: everyone, stale_while_revalidate: 1h}
  - {name: grouped, path: [/grouped/, "/grouped/<int:pk>/"], ttl: 1h, share: everyone}
  - {name: moody, path: [/moody/, "/moody/<int:pk>/"], ttl: 1h, share: everyone}
  - {name: varied, path: [/varied/, "/varied/<int:pk>/"], ttl: 1h, share: everyone}
  - {name: mine, path: [/mine/, "/mine/<int:pk>/"], ttl: 1h, share: per-user}
  - {name: own, path: [/own/, "/own/<int:pk>/"], ttl: 1h, share: per-user, written_by: owner}
"""
SETTINGS = f"""
settings:
  jwt: {{secret: "{SECRET_KEY}"}}
"""
BOTH = '[/ruled/, "/ruled/<int:pk>/"]'


class Variant:
    """What the rules say of /ruled/: `evicts`: which writes elsewhere make it old."""

    def __init__(self, name, evicts, rule, more="", has_query=True, is_per_user=False, has_details=True):
        self.name, self.evicts, self.has_query, self.is_per_user = name, evicts, has_query, is_per_user
        self._has_details = has_details
        self.text = f"  - {{name: ruled, ttl: 1h, {rule}}}\n{more}"

    def matches(self, path):
        return self._has_details or path == "/ruled/"


VARIANTS = [
    Variant("moved", {"/moved/"}, f"path: {BOTH}, share: everyone, evict_on: /moved/"),
    Variant("both", {"/moved/", "/extra/"}, f"path: {BOTH}, share: everyone, evict_on: [/moved/, /extra/]"),
    Variant("without query", {"/extra/"}, f'path: {BOTH}, share: everyone, evict_on: /extra/, key: "{{path}}"',
            has_query=False),
    Variant("per user", {"/extra/"}, f"path: {BOTH}, share: per-user, evict_on: /extra/", is_per_user=True),
    Variant("list alone", {"/moved/", "/extra/"}, "path: /ruled/, share: everyone, evict_on: [/moved/, /extra/]",
            has_details=False),
    Variant("tagged", {"/extra/"}, f"path: {BOTH}, share: everyone, tags: [ruled]",
            more="  - {name: extra, path: /extra/, mode: off, tags: [ruled]}\n"),
]


def rules_with(variant, rules=RULES):
    return rules + variant.text + SETTINGS
