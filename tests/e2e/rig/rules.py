"""Rules for tests that need others than rules/resumate.yaml."""

# Whatever a scripted origin says under /things/, for an hour and for everyone.
THINGS = """
rules:
  - name: things
    path: [/things/, /things/<int:pk>/]
    ttl: 1h
    share: everyone
"""

# A public resource with writes of its own. The demo's notices.
NOTICES = """
rules:
  - name: notices
    path: [/api/notices/, /api/notices/<int:pk>/]
    ttl: 1h
    share: everyone
"""


def with_settings(rules, **settings):
    return rules + "\nsettings:\n" + "".join(f"  {name}: {value}\n" for name, value in settings.items())
