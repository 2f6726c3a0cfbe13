"""Who asks and writes in rig/random_faults: by what a request carries, as the origin and as Larder tell them."""

from rig.demo import token
from rig.http import bearer

NOBODY = "nobody"
KEY = "a key that Larder does not know, of thirty-two bytes or more"
ADA, BEN = bearer(token(1)), bearer(token(2))
# The origin is careless: it answers each of them, also those whom Larder must not take for Ada.
FIELDS = {
    NOBODY: {},
    "Ada": ADA,
    "Ada, by another token": bearer(token(1, expires_in=7200)),
    "Ben": BEN,
    "who forges Ada": bearer(token(1, key=KEY)),
    "who was Ada": bearer(token(1, expires_in=-60)),
    "Ada with a session": {**ADA, "Cookie": "sessionid=ben"},
}
VERIFIED = ("Ada", "Ben")  # whose answers are stored
_BY_FIELDS = {(fields.get("Authorization"), fields.get("Cookie")): name for name, fields in FIELDS.items()}


def person_of(name):
    """Different tokens of one user are one user."""
    return name.partition(", by")[0]


PERSONS = sorted({person_of(name) for name in FIELDS})


def who_sent(request):
    """As the origin sees it."""
    return person_of(_BY_FIELDS[request.field("authorization"), request.field("cookie")])
