"""The Django admin as a person with a browser uses it."""

from html.parser import HTMLParser

from rig.http import SAFARI


class Forms(HTMLParser):
    """The values that each form of a page would send, unchanged, by the form's id."""

    def __init__(self, page):
        super().__init__()
        self.forms, self._form, self._select, self._text = {}, None, None, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self._form = self.forms.setdefault(a.get("id", ""), {})
        if self._form is None:
            return
        if tag == "input" and a.get("name") and a.get("type") not in ("submit", "button", "file"):
            if a.get("type") in ("checkbox", "radio") and "checked" not in a:
                return
            if a["name"] != "_selected_action":
                self._form[a["name"]] = a.get("value") or ("on" if a.get("type") == "checkbox" else "")
        elif tag == "textarea" and a.get("name"):
            self._text = a["name"]
            self._form[self._text] = ""
        elif tag == "select" and a.get("name"):
            self._select = a["name"]
        elif tag == "option" and self._select and "selected" in a:
            self._form[self._select] = a.get("value", "")

    def handle_data(self, data):
        if self._text:  # the line break after <textarea> is not part of the value
            self._form[self._text] += data[1:] if not self._form[self._text] and data[0] in "\r\n" else data

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._text = None
        elif tag == "select":
            self._select = None


class Admin:
    """Logs in and submits forms. `fields` go with each request: a Host, X-Forwarded-Proto."""

    def __init__(self, client, username="admin", password="admin", fields=None, origin=None):
        self._client, self._origin = client, origin or client.base
        client.headers.update({"Accept": SAFARI, **(fields or {})})
        page = client.get("/admin/login/?next=/admin/")
        assert page.status_code == 200, page.text[:500]
        form = Forms(page.text).forms["login-form"]
        answer = self.post("/admin/login/?next=/admin/", {**form, "username": username, "password": password})
        assert answer.status_code == 302, f"login failed: {answer.status_code} {answer.text[:800]}"

    def post(self, path, data, **fields):
        referer = {"Referer": self._origin + path, "Origin": self._origin, **fields}
        return self._client.post(path, data=data, headers=referer)

    def form(self, path, form_id):
        page = self._client.get(path)
        assert page.status_code == 200, f"GET {path}: {page.status_code} {page.text[:300]}"
        return Forms(page.text).forms[form_id]

    def change(self, path, **values):
        """Opens the form at `path`, changes those values, saves. The answer: 302 saved, 200 errors."""
        form = self.form(path, path.strip("/").split("/")[2] + "_form")
        return self.post(path, {**form, **values, "_save": "Save"})

    def change_in_list(self, path, row_id, **values):
        """The editable list: finds the row of that id and posts the whole list to its own URL."""
        form = self.form(path, "changelist-form")
        row = next(name.rsplit("-", 1)[0] for name, value in form.items()
                   if name.endswith("-id") and value == str(row_id))
        for name, value in values.items():
            form[f"{row}-{name}"] = value
            if value is None:
                del form[f"{row}-{name}"]
        return self.post(path, {**form, "_save": "Save"})

    def delete(self, path):
        form = self.form(path, "")
        return self.post(path, {**form, "post": "yes"})
