"""What the other tests take for granted about the backend and the rig. No Larder in between."""

import hashlib
import threading

import pytest

from rig.admin import Admin
from rig.demo import token
from rig.http import FOR_HTML, FOR_JSON, CHROME, RawConnection, bearer, receive
from rig.scripted_origin import ScriptedOrigin

pytestmark = pytest.mark.demo_only


@pytest.fixture
def backend(demo):
    return demo.client()


@pytest.mark.parametrize("accept", FOR_JSON.values(), ids=FOR_JSON)
def test_a_public_list_is_json_that_varies_on_accept_alone(backend, accept):
    response = backend.get("/api/ai/models/", headers={"Accept": accept})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Vary"] == "Accept"
    assert response.headers["X-Cache-Status"] == "MISS"
    assert "Set-Cookie" not in response.headers and "Cache-Control" not in response.headers
    assert len(response.json()) >= 12


@pytest.mark.parametrize("accept", FOR_HTML.values(), ids=FOR_HTML)
def test_a_browser_gets_html_with_a_cookie(backend, accept):
    response = backend.get("/api/ai/models/", headers={"Accept": accept})
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Vary"] == "Accept, Cookie"
    assert "csrftoken=" in response.headers["Set-Cookie"]


def test_pages_link_to_each_other_under_the_host_asked_for(backend):
    page = backend.get("/api/example-job-applications/?page=2&page_size=7",
                       headers={"Host": "resumate.example", "X-Forwarded-Proto": "https"}).json()
    assert page["count"] >= 60 and len(page["results"]) == 7
    assert page["next"] == "https://resumate.example/api/example-job-applications/?page=3&page_size=7"
    assert page["previous"] == "https://resumate.example/api/example-job-applications/?page_size=7"
    assert backend.get("/api/ai/models/", headers={"Host": "evil.example"}).status_code == 400


def test_an_expired_token_is_refused_even_where_anyone_may_read(backend):
    assert backend.get("/api/ai/models/", headers=bearer(token(1, expires_in=-60))).status_code == 401
    assert backend.get("/api/ai/models/", headers=bearer(token(1))).status_code == 200


def test_users_see_their_own_applications_only(backend, alice, bob):
    created = backend.post("/api/job-applications/", json={"company": "Rig", "position": "Tester"}, headers=alice)
    assert created.status_code == 201
    detail = f"/api/job-applications/{created.json()['id']}/"
    assert backend.get(detail, headers=alice).json()["company"] == "Rig"
    assert backend.get(detail, headers=bob).status_code == 404
    assert backend.get(detail).status_code == 401
    assert backend.patch(detail, json={"company": "New"}, headers=alice).json()["company"] == "New"
    assert backend.delete(detail, headers=alice).status_code == 204


def test_a_registered_user_gets_a_token_and_a_refreshed_one(backend):
    name = f"user-{threading.get_ident()}-{id(backend)}"
    new = {"username": name, "password": "a-good-password"}
    assert backend.post("/api/auth/register/", json=new).status_code == 201
    pair = backend.post("/api/auth/token/", json=new).json()
    refreshed = backend.post("/api/auth/token/refresh/", json={"refresh": pair["refresh"]}).json()
    assert backend.get("/api/job-applications/", headers=bearer(refreshed["access"])).json()["count"] == 0


def test_the_admin_saves_by_form_and_by_editable_list(backend, demo):
    admin = Admin(demo.client())
    row = backend.get("/api/ai/models/").json()[0]
    assert admin.change(f"/admin/ai/aimodel/{row['id']}/change/", description="by form").status_code == 302
    assert backend.get("/api/ai/models/").json()[0]["description"] == "by form"
    assert admin.change_in_list("/admin/ai/aimodel/", row["id"], context_window="777").status_code == 302
    assert backend.get("/api/ai/models/").json()[0]["context_window"] == 777
    refused = admin.change(f"/admin/ai/aimodel/{row['id']}/change/", name="")
    assert refused.status_code == 200 and "Please correct the error" in refused.text
    assert admin.post("/admin/ai/aimodel/", {"csrfmiddlewaretoken": "wrong"}).status_code == 403
    admin.change(f"/admin/ai/aimodel/{row['id']}/change/", description=row["description"],
                 context_window=row["context_window"])


def test_uploads_with_a_length_and_chunked_are_hashed(backend):
    body = b"0123456789abcdef" * 100_000
    expected = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert backend.post("/api/files/", data=body).json() == expected
    assert backend.post("/api/files/", data=iter([body[:700_000], body[700_000:]])).json() == expected


def test_downloads_are_the_same_with_a_length_and_chunked(backend):
    plain, chunked = backend.get("/api/files/200001/"), backend.get("/api/files/200001/?chunked=1")
    assert plain.headers["Content-Length"] == "200001" and chunked.headers["Transfer-Encoding"] == "chunked"
    assert plain.content == chunked.content and len(plain.content) == 200001


def test_gunicorn_sends_content_even_in_answer_to_head(demo):
    # Whoever keeps this connection for another request must know: what follows the head is no response.
    with RawConnection(demo.url) as raw:
        raw.send(b"HEAD /api/ai/models/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        _, fields = raw.read_head()
        assert len(raw.file.read()) == int(fields["content-length"]) > 0


def test_the_scripted_origin_cuts_its_answers_short_and_the_client_notices():
    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        exchange.close() if exchange.request.path == "/closed/" else exchange.reset()

    with ScriptedOrigin(script) as origin:
        assert not receive(origin.url, "/closed/").complete
        assert not receive(origin.url, "/reset/").complete
        assert [request.path for request in origin.requests] == ["/closed/", "/reset/"]


def test_the_format_parameter_chooses_the_representation(backend):
    html = backend.get("/api/ai/models/?format=api", headers={"Accept": "*/*"})
    assert html.headers["Content-Type"].startswith("text/html")
    json = backend.get("/api/ai/models/?format=json", headers={"Accept": CHROME})
    assert json.headers["Content-Type"] == "application/json"
