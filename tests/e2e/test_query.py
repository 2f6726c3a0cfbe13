"""Which query parameters count, and that a fill sends no others."""

from rig.http import state
from rig.rules import THINGS

PAGE_ONLY = THINGS + '    key: "{path}?{query.page,format}"\n'
NO_TRACKING = THINGS + '    key: "{path}?{query:-utm_*,fbclid}"\n'


def echo(exchange):
    exchange.answer(body=exchange.request.target.encode())


def test_a_parameter_that_the_key_leaves_out_is_not_sent_when_filling(start_larder, origin_of, tier):
    origin = origin_of(echo)
    client = start_larder(origin.url, PAGE_ONLY, **tier).client()
    first = client.get("/things/?utm_source=mail&page=2&sort=evil")
    assert (state(first), first.content) == ("MISS", b"/things/?page=2")
    for query in ("?page=2", "?page=2&utm_source=x", "?sort=other&page=2"):
        again = client.get("/things/" + query)
        assert (state(again), again.content) == ("HIT", b"/things/?page=2")
    assert [request.target for request in origin.requests] == ["/things/?page=2"]


def test_a_parameter_that_counts_makes_a_response_of_its_own(start_larder, origin_of, tier):
    origin = origin_of(echo)
    client = start_larder(origin.url, PAGE_ONLY, **tier).client()
    queries = ["", "?page=1", "?page=2", "?page=2&format=json", "?page=", "?page=1%26format%3Djson"]
    bodies = {query: client.get("/things/" + query).content for query in queries}
    assert len(set(bodies.values())) == len(queries) == len(origin.requests)
    for query in queries:
        again = client.get("/things/" + query)
        assert (state(again), again.content) == ("HIT", bodies[query])


def test_parameters_left_out_by_pattern_are_ignored_and_all_others_count(start_larder, origin_of):
    origin = origin_of(echo)
    client = start_larder(origin.url, NO_TRACKING).client()
    assert state(client.get("/things/?utm_source=a&page=2&fbclid=1")) == "MISS"
    assert state(client.get("/things/?page=2&utm_campaign=b")) == "HIT"
    assert state(client.get("/things/?page=2&anything=1")) == "MISS"
    assert [request.query for request in origin.requests] == [{"page": "2"}, {"page": "2", "anything": "1"}]


def test_the_order_of_parameters_makes_no_second_response(start_larder, origin_of):
    client = start_larder(origin_of(echo).url, THINGS).client()
    assert state(client.get("/things/?a=1&b=2")) == "MISS"
    assert state(client.get("/things/?b=2&a=1")) == "HIT"
    assert state(client.get("/things/?b=1&a=2")) == "MISS"


def test_pages_of_the_real_list_are_told_apart(client):
    pages = {page: client.get(f"/api/example-job-applications/?page={page}").json()["results"][0]["id"]
             for page in (1, 2, 3)}
    assert len(set(pages.values())) == 3
    for page, first_id in pages.items():
        again = client.get(f"/api/example-job-applications/?page={page}&utm_source=mail")
        assert again.json()["results"][0]["id"] == first_id
        assert state(again) == "HIT"


def test_a_request_that_is_passed_on_keeps_its_query_to_the_letter(start_larder, origin_of):
    origin = origin_of(echo)
    client = start_larder(origin.url, PAGE_ONLY).client()
    target = "/elsewhere/?b=2&a=1&a=%2F&utm_source=x&empty=&flag"
    assert client.get(target).content == target.encode()
    client.post("/things/?utm_source=x&page=3")
    assert origin.requests[-1].target == "/things/?utm_source=x&page=3"
