"""The page of the admin listener, in Chromium: what it shows, and what it can be used for without a mouse."""

import json

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import alert_is_present
from selenium.webdriver.support.wait import WebDriverWait

from rig.browser import Browser
from rig.http import state
from rig.operator import TOKEN, WITH_TOKEN
from rig.rules import THINGS
from rig.waiting import eventually

HOSTILE = "/things/%3Cimg%20src=x%20onerror=alert(1)%3E/"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def larder(start_larder, origin_of, redis):
    larder = start_larder(origin_of(lambda exchange: exchange.answer(body=b"hello")).url, THINGS, redis=redis.url,
                          env=WITH_TOKEN)
    eventually(lambda: state(larder.client().get("/things/0/")) == "HIT", "something is stored")
    return larder


@pytest.fixture
def page(browser, larder):
    browser.screen(1280, 900)
    browser.driver.get_log("performance")
    browser.driver.get(larder.admin_url + "/")
    eventually(lambda: browser.text("state").startswith("ready"), "the page has its figures")
    browser.complaints()
    return browser


def press(page, *keys):
    page.driver.switch_to.active_element.send_keys(*keys)


def focused(page):
    return page.driver.execute_script("return document.activeElement.id")


def go_to(page, identifier):
    """By the tabulator alone, as without a mouse."""
    for _ in range(40):
        if focused(page) == identifier:
            return
        press(page, Keys.TAB)
    raise AssertionError(f"the tabulator does not lead to {identifier}")


def test_it_shows_what_larder_counted(page, larder):
    client = larder.client()
    for number in (1, 1, 1, 2):
        client.get(f"/things/{number}/")
    client.get(HOSTILE)

    page.driver.refresh()
    eventually(lambda: "/things/1/" in page.text("missed-rows"), "the page has its rows")
    rule = page.text("rule-rows")
    assert rule.startswith("things")
    assert "Hit ratio, all" in page.text("tiles")
    assert "256.00M" in eventually(lambda: "256.00M" in page.text("tiles") and page.text("tiles"), "Redis was asked", within=30)
    assert page.driver.execute_script("return document.querySelectorAll('#ratio-curve path[d]').length") == 1
    # What clients send is text, never markup.
    assert page.driver.execute_script("return document.images.length") == 0
    assert not page.complaints()


def test_a_url_is_explained_and_purged_by_keyboard(page, larder):
    assert state(larder.client().get("/things/0/")) == "HIT"
    go_to(page, "url")
    press(page, "/things/0/")
    go_to(page, "token")
    press(page, TOKEN)
    press(page, Keys.ENTER)
    explained = eventually(lambda: page.text("explained"), "it is explained")
    assert "things" in explained
    assert "larder; hit" in explained

    go_to(page, "purge")
    press(page, Keys.SPACE)
    alert = WebDriverWait(page.driver, 20).until(alert_is_present(), "it asks first")
    assert alert.text == "Purge /things/0/, whatever host, query and user, on all replicas?\n1 response in memory of this process."
    alert.accept()
    told = eventually(lambda: page.text("explained").startswith("Purged ") and page.text("explained"), "it is purged")
    assert told == "Purged /things/0/: 1 response in memory, and what Redis has of it\nTags: p:/things/0"
    assert state(larder.client().get("/things/0/")) == "MISS"
    assert not page.complaints()


def test_a_purge_without_the_token_says_what_is_missing(page):
    go_to(page, "url")
    press(page, "/things/0/")
    go_to(page, "purge")
    press(page, Keys.SPACE)
    assert "401" in eventually(lambda: page.text("explained"), "it answers")


def test_decisions_are_shown_as_they_are_made(page, larder):
    go_to(page, "watch")
    press(page, Keys.SPACE)
    eventually(lambda: page.text("watch") == "Pause", "it watches")
    larder.client().get("/things/7/")
    row = eventually(lambda: "/things/7/" in page.text("tail-rows") and page.text("tail-rows"), "the decision is shown")
    assert "MISS" in row
    assert "nothing is stored under its key" in row


def test_rules_that_were_refused_are_told(page, tmp_path):
    file = tmp_path / "rules-0.yaml"
    file.write_text(THINGS + "    tll: 1h\n")
    def told():
        page.driver.execute_async_script("refresh().then(arguments[0])")
        return page.text("state")
    eventually(lambda: "last reload failed" in told(), "the page says so")
    assert "rules-0.yaml:7:5: error: unknown key 'tll'" in page.text("state")
    assert page.driver.execute_script("return document.getElementById('state').className") == "bad"
    file.write_text(THINGS)
    eventually(lambda: told() == "ready", "all is well again")


def test_who_goes_through_a_table_by_keyboard_keeps_their_place(page):
    page.driver.execute_script("document.querySelector('#missed-rows a').focus()")
    page.driver.execute_async_script("refresh().then(arguments[0])")
    assert page.driver.execute_script("return document.activeElement.textContent") == "/things/0/"
    press(page, Keys.ENTER)
    explained = eventually(lambda: page.text("explained"), "it is explained")
    assert "larder; hit" in explained


def test_it_uses_nothing_from_elsewhere(page, larder):
    asked = []
    for entry in page.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    assert asked
    assert [url for url in asked if url.startswith("http") and not url.startswith(larder.admin_url + "/")] == []


@pytest.mark.parametrize("width", (320, 360, 768, 1280))
@pytest.mark.parametrize("dark", (False, True), ids=("light", "dark"))
def test_it_fits_and_can_be_read(page, logs, width, dark):
    page.screen(width, 800, dark)
    page.driver.refresh()
    eventually(lambda: "things" in page.text("rule-rows"), "the page has its figures")
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
    if width < 600:
        hidden = page.driver.execute_script(
            "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)")
        assert hidden == [], "a table goes on beyond the edge of the phone"
        assert page.driver.execute_script("return document.querySelector('#rule-rows td:nth-child(2)').dataset.column") == "Requests"
    pairs = page.driver.execute_script(CONTRASTS)
    assert pairs
    assert {pair: ratio for pair, ratio in pairs.items() if ratio < 4.5} == {}
    page.driver.save_screenshot(str(logs / f"page-{width}-{'dark' if dark else 'light'}.png"))


# WCAG 2.2, 1.4.3: of each element that has a text of its own, against the ground it stands on.
CONTRASTS = """
const parse = text => (text.match(/[0-9.]+/g) || []).map(Number);
const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length && (c.length < 4 || c[3] > 0)) return c; } return [255, 255, 255]; };
const found = {};
for (const e of document.body.querySelectorAll("*")) {
  if (!e.checkVisibility() || ["SCRIPT", "OPTION"].includes(e.tagName)) continue;
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  const style = getComputedStyle(e), ink = parse(e.namespaceURI.endsWith("svg") ? style.fill : style.color), on = ground(e);
  const [a, b] = [light(ink), light(on)].sort((x, y) => y - x);
  const key = `${e.tagName} ${ink.join(" ")} on ${on.join(" ")}`;
  found[key] = Math.min(found[key] ?? 99, (a + 0.05) / (b + 0.05));
}
return found;
"""
