"""share: per-user: what a user gets is cached for that user, and nobody else ever gets it.

Every body carries a canary: whose it is. The real backend where it can show it, a scripted origin where
answers must be held back or counted.
"""

import base64
import hashlib
import hmac
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from rig.demo import SECRET_KEY, token
from rig.http import CHROME, FETCH, bearer, cache_status, receive, state
from rig.rules import with_settings
from rig.waiting import Background, eventually, in_parallel

LIST = "/api/job-applications/"
PRIVATE = """
rules:
  - name: mine
    path: [/mine/, /mine/<int:pk>/]
    ttl: 1h
    share: per-user
"""
JWT = f'{{secret: "{SECRET_KEY}"}}'
OWNED = PRIVATE + "    written_by: owner\n"


def user_of(request):
    """Whom the scripted origin takes a request for: by its token, unverified, or by its session."""
    authorization, cookie = request.field("authorization"), request.field("cookie")
    if authorization:
        return str(jwt.decode(authorization.split()[1], options={"verify_signature": False})["user_id"])
    return cookie or "nobody"


def canary(exchange):
    exchange.answer(body=f"of {user_of(exchange.request)}".encode(),
                    fields={"Vary": "Accept, Authorization, Cookie"})


@pytest.fixture
def private(start_larder, origin_of):
    """private(script, settings) -> (client, origin): a Larder with the rule above."""
    def make(script=canary, rules=PRIVATE, jwt=JWT, **options):
        settings = options.pop("settings", {})
        origin = origin_of(script)
        text = with_settings(rules, **({"jwt": jwt} if jwt else {}), **settings)
        larder = start_larder(origin.url, rules=text, **options)
        client = larder.client()
        client.larder = larder
        return client, origin
    return make


def companies(client, user, **kwargs):
    response = client.get(LIST + "?page_size=100", headers=user, **kwargs)
    assert response.status_code == 200
    return {row["company"] for row in response.json()["results"]}, response


# --- the real backend ---

def test_each_user_hits_their_own(start_larder, demo, tier, alice, bob):
    client = start_larder(demo.url, **tier).client()
    for user in (alice, bob):
        mine = client.post(LIST, json={"company": f"Canary {user['Authorization'][-8:]}", "position": "p"},
                           headers=user)
        assert mine.status_code == 201
    for user, other in ((alice, bob), (bob, alice)):
        seen, first = companies(client, user)
        again, second = companies(client, user)
        assert (state(first), state(second)) == ("MISS", "HIT")
        assert seen == again
        assert f"Canary {user['Authorization'][-8:]}" in seen
        assert f"Canary {other['Authorization'][-8:]}" not in seen
        head = client.head(LIST + "?page_size=100", headers=user)
        assert (state(head), head.headers["Content-Length"]) == ("HIT", second.headers["Content-Length"])
    assert client.get(LIST + "?page_size=100").status_code == 401


def test_tokens_of_one_user_share_and_a_detail_is_not_anothers(larder, demo, alice, bob):
    client = larder.client()
    created = client.post(LIST, json={"company": "Canary A", "position": "p"}, headers=alice)
    detail = f"{LIST}{created.json()['id']}/"
    user_id = jwt.decode(alice["Authorization"].split()[1], options={"verify_signature": False})["user_id"]
    assert state(client.get(detail, headers=alice)) == "MISS"
    anew = client.get(detail, headers=bearer(token(user_id, expires_in=60)))
    assert (anew.status_code, state(anew)) == (200, "HIT")
    for _ in range(2):
        theirs = client.get(detail, headers=bob)
        assert theirs.status_code == 404 and state(theirs) != "HIT"


def test_a_write_evicts_what_everybody_has_since_staff_may_write_it(larder, demo, alice, bob):
    client = larder.client()
    detail = f"{LIST}{client.post(LIST, json={'company': 'Before', 'position': 'p'}, headers=alice).json()['id']}/"
    for user in (alice, bob):
        companies(client, user)
        assert state(companies(client, user)[1]) == "HIT"
    assert client.get(detail, headers=alice).json()["company"] == "Before"
    assert client.patch(detail, json={"company": "After"}, headers=alice).status_code == 200
    assert client.get(detail, headers=alice).json()["company"] == "After"
    seen, response = companies(client, alice)
    assert "After" in seen and state(response) == "MISS"
    assert state(companies(client, bob)[1]) == "MISS"


def test_with_written_by_owner_the_others_keep_theirs(start_larder, demo, tier, alice, bob, staff):
    rules = f"""
rules:
  - path: [{LIST}, "{LIST}<int:pk>/"]
    ttl: 1h
    share: per-user
    written_by: owner
    evict_on: /admin/jobs/jobapplication/
settings:
  jwt: {JWT}
"""
    client = start_larder(demo.url, rules=rules, **tier).client()
    detail = f"{LIST}{client.post(LIST, json={'company': 'Before', 'position': 'p'}, headers=alice).json()['id']}/"

    def warm():
        for user in (alice, bob):
            companies(client, user)
            assert state(companies(client, user)[1]) == "HIT"
        client.get(detail, headers=alice)

    warm()
    assert client.patch(detail, json={"company": "Owned"}, headers=alice).status_code == 200
    assert client.get(detail, headers=alice).json()["company"] == "Owned"
    seen, response = companies(client, alice)
    assert "Owned" in seen and state(response) == "MISS"
    assert state(companies(client, bob)[1]) == "HIT"
    warm()
    # A 4xx evicts nothing: bob cannot empty what is alice's, nor can a stranger.
    assert client.delete(detail, headers=bob).status_code == 404
    assert client.delete(detail).status_code == 401
    assert state(companies(client, alice)[1]) == "HIT"
    assert client.delete(detail, headers=alice).status_code == 204
    assert "Owned" not in companies(client, alice)[0]
    assert client.get(detail, headers=alice).status_code == 404


def test_the_html_of_the_api_browser_is_not_taken_for_the_json(larder, alice):
    client = larder.client()
    for _ in range(2):
        page = client.get(LIST, headers={**alice, "Accept": CHROME})
        assert page.headers["Content-Type"].startswith("text/html")
        data = client.get(LIST, headers={**alice, "Accept": FETCH})
        assert data.headers["Content-Type"].startswith("application/json")


# --- tokens that are not to be believed ---

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_by_hand(header, claims, key=SECRET_KEY.encode(), digest=hashlib.sha256):
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + b64(hmac.new(key, text.encode(), digest).digest())


def claims(**more):
    return {"token_type": "access", "user_id": 7, "jti": "x", "exp": int(time.time()) + 600, **more}


FORGERIES = {
    "another secret": (lambda: token(7, key="x" * 40), "token-signature"),
    "expired": (lambda: token(7, expires_in=-5), "token-expired"),
    "alg none": (lambda: b64(b'{"alg":"none"}') + "." + b64(json.dumps(claims()).encode()) + ".", "token-malformed"),
    "alg none, signed": (lambda: signed_by_hand({"alg": "none"}, claims()), "token-malformed"),
    "another alg": (lambda: signed_by_hand({"alg": "HS512"}, claims(), digest=hashlib.sha512), "token-algorithm"),
    "critical extension": (lambda: signed_by_hand({"alg": "HS256", "crit": ["x"], "x": 1}, claims()),
                           "token-malformed"),
    "not yet": (lambda: signed_by_hand({"alg": "HS256"}, claims(nbf=int(time.time()) + 600)), "token-not-yet-valid"),
    "refresh token": (lambda: signed_by_hand({"alg": "HS256"}, claims(token_type="refresh")), "token-claims"),
    "for another audience": (lambda: signed_by_hand({"alg": "HS256"}, claims(aud="mail")), "token-audience"),
    "no exp": (lambda: signed_by_hand({"alg": "HS256"}, {"token_type": "access", "user_id": 7}), "token-claims"),
    "cut off": (lambda: token(7)[:-3], "token-signature"),
    "no token": (lambda: "x", "token-malformed"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_token_that_is_not_believed_is_passed_on_and_never_looked_up(private, name):
    make, detail = FORGERIES[name]
    asked = []

    def script(exchange):
        asked.append(exchange.request.field("authorization"))
        exchange.answer(body=b"canary of 7")

    client, _ = private(script)
    mine = bearer(token(7))
    assert [state(client.get("/mine/", headers=mine)) for _ in range(2)] == ["MISS", "HIT"]
    forged = bearer(make())
    before = len(asked)
    for _ in range(2):
        response = client.get("/mine/", headers=forged)
        assert state(response) == "BYPASS" and cache_status(response)["detail"] == detail
    assert asked[before:] == [forged["Authorization"]] * 2
    assert state(client.get("/mine/", headers=mine)) == "HIT"


def test_the_backend_refuses_what_larder_does_not_believe(larder, alice):
    client = larder.client()
    companies(client, alice)
    assert state(companies(client, alice)[1]) == "HIT"
    for name, (make, _) in FORGERIES.items():
        if name == "for another audience":
            continue  # simplejwt believes it where no AUDIENCE is set; Larder is the stricter one
        assert client.get(LIST + "?page_size=100", headers=bearer(make())).status_code == 401, name


def test_a_public_key_cannot_be_used_as_a_secret(private, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    client, origin = private(jwt=f'{{secret: other, public_key: {tmp_path}/key.pem, algorithms: [RS256, HS256]}}')
    good = bearer(jwt.encode(claims(), key, algorithm="RS256"))
    assert [state(client.get("/mine/", headers=good)) for _ in range(2)] == ["MISS", "HIT"]
    for secret in (pem, pem.strip(), pem.replace(b"\n", b"")):
        confused = bearer(signed_by_hand({"alg": "HS256"}, claims(), key=secret))
        response = client.get("/mine/", headers=confused)
        assert (state(response), cache_status(response)["detail"]) == ("BYPASS", "token-signature")


def test_a_jwk_set_with_keys_of_several_kinds(private, tmp_path):
    keys = {"RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate()}
    number = lambda value, size=None: b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))  # noqa: E731
    rsa_public, ec_public = (keys[name].public_key().public_numbers() for name in ("RS256", "ES256"))
    raw = keys["EdDSA"].public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [
        {"kty": "RSA", "kid": "RS256", "use": "sig", "n": number(rsa_public.n), "e": number(rsa_public.e)},
        {"kty": "EC", "kid": "ES256", "crv": "P-256", "x": number(ec_public.x, 32), "y": number(ec_public.y, 32)},
        {"kty": "OKP", "kid": "EdDSA", "crv": "Ed25519", "x": b64(raw)},
        {"kty": "oct", "kid": "HS256", "k": b64(SECRET_KEY.encode())}]}))
    client, _ = private(jwt=f"{{jwks: {tmp_path}/jwks.json, algorithms: [RS256, ES256, EdDSA]}}")
    first = True
    for algorithm, key in keys.items():
        headers = bearer(jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": algorithm}))
        response = client.get("/mine/", headers=headers)
        assert state(response) == ("MISS" if first else "HIT"), algorithm
        first = False
        wrong = bearer(jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": "HS256"}))
        assert cache_status(client.get("/mine/", headers=wrong))["detail"] == "token-signature"
    oct_key = bearer(jwt.encode(claims(), SECRET_KEY, algorithm="HS256", headers={"kid": "HS256"}))
    assert cache_status(client.get("/mine/", headers=oct_key))["detail"] == "token-algorithm"


def test_nothing_is_served_once_the_token_has_expired(private):
    client, origin = private()
    mine = bearer(token(7, expires_in=8))
    assert state(client.get("/mine/", headers=mine)) == "MISS"
    response = eventually(lambda: (lambda r: state(r) == "BYPASS" and r)(client.get("/mine/", headers=mine)),
                          "the token expires", within=20)
    assert cache_status(response)["detail"] == "token-expired"
    # The response is the user's: a newer token finds it.
    assert state(client.get("/mine/", headers=bearer(token(7)))) == "HIT"


# --- every way a response can take ---

def test_users_who_ask_at_once_wait_each_for_their_own(private, tier):
    gate = threading.Event()
    arrived = []

    def script(exchange):
        arrived.append(user_of(exchange.request))
        exchange.hold(gate)
        canary(exchange)

    client, origin = private(script, **tier)

    def ask(user):
        received = receive(client.larder.url, "/mine/", fields=bearer(token(user)))
        return received.body, received.fields["cache-status"]

    asking = [Background(ask, user) for user in (7, 8) * 4]
    eventually(lambda: len(arrived) >= 2, "both users' fills have come")
    gate.set()
    for index, one in enumerate(asking):
        body, _ = one.result()
        assert body == (b"of 7", b"of 8")[index % 2]
    assert sorted(set(arrived)) == ["7", "8"]
    for user in (7, 8):
        response = client.get("/mine/", headers=bearer(token(user)))
        assert (response.content, state(response)) == (f"of {user}".encode(), "HIT")


def test_after_its_lifetime_it_is_fetched_for_the_user_who_asks(private, tier):
    def script(exchange):
        user = user_of(exchange.request)
        exchange.answer(body=f"of {user}".encode(), fields={"Age": "3599"})

    client, origin = private(script, **tier)
    for user in (7, 8):
        client.get("/mine/", headers=bearer(token(user)))
    seen = set()

    def expired():
        for user in (7, 8):
            response = client.get("/mine/", headers=bearer(token(user)))
            assert response.content == f"of {user}".encode()
            seen.add(state(response))
        return "EXPIRED" in seen or "MISS" in seen

    eventually(expired, "what was stored is stale")


@pytest.mark.parametrize("more", ["stale_while_revalidate: 1h", "stale_if_error: 1h", "etag: false"])
def test_what_is_stale_or_validated_is_the_users_own(private, tier, more):
    """The origin says that its answers are old, confirms them by 304, and is in trouble now and then."""
    turns = {}

    def script(exchange):
        user = user_of(exchange.request)
        turns[user] = turns.get(user, 0) + 1
        if exchange.request.field("if-none-match"):
            assert exchange.request.field("if-none-match") == f'"of-{user}"'
            if turns[user] % 3 == 0:
                exchange.answer(status=503, reason="Service Unavailable", body=b"trouble")
                return
            exchange.send(f'HTTP/1.1 304 Not Modified\r\nETag: "of-{user}"\r\nAge: 3600\r\n\r\n'.encode())
            return
        exchange.answer(body=f"of {user}".encode(), fields={"Age": "3599", "ETag": f'"of-{user}"'})

    client, origin = private(script, rules=PRIVATE + f"    {more}\n", **tier)
    seen = set()

    def old_enough():
        for user in (7, 8):
            response = client.get("/mine/", headers=bearer(token(user)))
            assert response.content in (f"of {user}".encode(), b"trouble")
            seen.add(state(response))
        return seen - {"MISS", "HIT", "BYPASS"} and any(
            request.field("if-none-match") for request in origin.requests)

    eventually(old_enough, "what was stored is stale, and the origin is asked to confirm it", within=20)


def test_many_users_at_once_over_every_path(private, tier):
    client, origin = private(**tier)

    def ask(user):
        own = client.larder.client()
        for turn in range(30):
            path = f"/mine/{turn % 3}/"
            method = (own.get, own.get, own.head)[turn % 3] if turn > 3 else own.get
            response = method(path, headers=bearer(token(user)))
            if method == own.get:
                assert response.content == f"of {user}".encode()
            if turn % 10 == 9:
                own.post("/mine/", headers=bearer(token(user)), data=b"x")

    in_parallel([lambda user=user: ask(user) for user in range(6)], within=60)


@pytest.mark.parametrize("fields", [{"Cache-Control": "private"}, {"Cache-Control": "no-store"},
                                    {"Set-Cookie": "a=b"}], ids=str)
def test_what_the_origin_keeps_from_caches_is_not_stored_for_its_user_either(private, fields):
    client, origin = private(lambda exchange: exchange.answer(body=b"x", fields=fields))
    for _ in range(3):
        assert state(client.get("/mine/", headers=bearer(token(7)))) != "HIT"


def test_a_401_is_never_stored(private):
    client, origin = private(lambda exchange: exchange.answer(status=401, reason="Unauthorized", body=b"x"))
    for _ in range(3):
        response = client.get("/mine/", headers=bearer(token(7)))
        assert response.status_code == 401 and state(response) != "HIT"


def test_an_old_answer_of_a_user_is_not_stored_after_that_users_write(private, tier):
    """The stale set: the GET read before the write, and its answer comes after it."""
    gate, reading = threading.Event(), threading.Event()
    version = {"now": "before"}

    def script(exchange):
        if exchange.request.method == "POST":
            version["now"] = "after"
            exchange.answer(body=b"written")
            return
        body = version["now"]
        if not gate.is_set():
            reading.set()
            exchange.hold(gate)
        exchange.answer(body=body.encode())

    client, origin = private(script, rules=OWNED, **tier)
    mine = bearer(token(7))
    slow = Background(receive, client.larder.url, "/mine/", fields=mine)
    assert reading.wait(10)
    assert client.post("/mine/", headers=mine, data=b"x").status_code == 200
    gate.set()
    slow.result()
    for _ in range(2):
        assert client.get("/mine/", headers=mine).content == b"after"


# --- sessions ---

def test_sessions_have_responses_of_their_own(private, tier):
    client, origin = private(jwt=None, settings={"per_user": "session"}, **tier)
    for _ in range(2):
        for session in ("a", "b"):
            fields = {"Cookie": f"csrftoken=x; sessionid={session}; theme=dark"}
            assert receive(client.larder.url, "/mine/", fields=fields).body == f"of sessionid={session}".encode()
    assert len(origin.requests) == 2
    assert all(request.field("cookie") in ("sessionid=a", "sessionid=b") for request in origin.requests)
    # Two credentials: which one counts is the view's to say, so Larder does not.
    both = {"Cookie": "sessionid=a", **bearer(token(7))}
    assert "several-identities" in receive(client.larder.url, "/mine/", fields=both).fields["cache-status"]
    stranger = receive(client.larder.url, "/mine/")
    assert stranger.body == b"of nobody" and "no-identity" in stranger.fields["cache-status"]


# --- what may be seen ---

def test_neither_token_nor_user_nor_secret_shows_anywhere(private, redis):
    client, origin = private(redis=redis.url, jwt='{secret: hunter2-hunter2-hunter2, claim: email}')
    mine = bearer(jwt.encode({"email": "ann@private", "exp": int(time.time()) + 600, "user_id": "x"},
                             "hunter2-hunter2-hunter2", algorithm="HS256"))
    secrets = [mine["Authorization"].split()[1], "ann@private", "hunter2"]
    responses = [client.get("/mine/", headers={**mine, "Larder-Explain": "1"}) for _ in range(3)]
    assert [state(response) for response in responses] == ["MISS", "HIT", "HIT"]
    assert "user=" in responses[0].headers["Cache-Status"]
    shown = [str(dict(response.headers)) for response in responses]
    shown.append(client.get(client.larder.admin_url + "/stats").text)
    shown += [key.decode("latin-1") for key in redis.keys()]
    assert client.larder.stop() is None
    shown.append(client.larder.process.log_text())
    for secret in secrets:
        for text in shown:
            assert secret not in text
