"""A person at a browser without JavaScript, for tests/docs/test_tutorial.py: links, buttons and fields are found by the words that stand on the page."""
import datetime, html.parser, os, re, sys, time, urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from stafet import Server

PATIENCE = 10  # seconds until a mail must be in the inbox


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


class Page(html.parser.HTMLParser):
    """Links, forms with their labels, and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.forms, self.text = [], [], ""
        self.form = self.link = self.label = self.button = self.select = self.option = None
        self.quiet = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag in ("style", "title"):
            self.quiet += 1
        elif tag == "a":
            self.link = {"text": "", "href": a.get("href", ""), "class": a.get("class", "")}
            self.links.append(self.link)
        elif tag == "form":
            self.form = {"action": a.get("action", ""), "method": a.get("method", "get"), "fields": [], "labels": [], "buttons": []}
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "label":
            self.label = {"text": "", "for": a.get("for")}
            self.form["labels"].append(self.label)
        elif tag == "button":
            self.button = {"text": "", "name": a.get("name"), "value": a.get("value", "")}
            self.form["buttons"].append(self.button)
        elif tag in ("input", "textarea", "select"):
            self.add_field(tag, a)
        elif tag == "option" and self.select:
            self.option = {"text": "", "value": a.get("value", "")}
            self.select["options"].append(self.option)
            if "selected" in a:
                self.select["value"] = self.option["value"]

    def add_field(self, tag, a):
        kind = a.get("type", "text") if tag == "input" else tag
        field = {"kind": kind, "name": a.get("name"), "value": a.get("value", ""), "on": "checked" in a, "id": a.get("id"), "options": []}
        self.form["fields"].append(field)
        if self.label is not None and not self.label["for"]:
            self.label["field"] = field
        if tag == "select":
            self.select = field

    def handle_endtag(self, tag):
        if tag in ("style", "title"):
            self.quiet -= 1
        elif tag == "a":
            self.link = None
        elif tag == "form":
            self.form = None
        elif tag == "label":
            self.label = None
        elif tag == "button":
            self.button = None
        elif tag == "option":
            self.option = None
        elif tag == "select":
            self.select = None

    def handle_data(self, data):
        if self.quiet:
            return
        self.text += data
        for part in (self.link, self.label, self.button, self.option):
            if part is not None:
                part["text"] += data

    def field(self, name):
        """The field with this label, and its form."""
        for form in self.forms:
            for label in form["labels"]:
                text = plain(label["text"])
                if text != name and not text.startswith(name + " ("):
                    continue
                for field in form["fields"]:
                    if field is label.get("field") or (label["for"] and field["id"] == label["for"]):
                        return field
        return None


class Browser:
    def __init__(self, *command):
        self.server = Server(*command, "--listen", "127.0.0.1:0")
        self.cookies, self.path, self.page = {}, None, None

    def stop(self):
        return self.server.stop()

    def send(self, method, path, fields=None):
        for _ in range(6):
            headers = {"Accept": "text/html", "Accept-Language": "da"}
            if self.cookies:
                headers["Cookie"] = "; ".join("%s=%s" % pair for pair in self.cookies.items())
            answer = self.server.request(method, path, fields=fields, headers=headers)
            for name, value in answer.headers:
                if name.lower() == "set-cookie":
                    cookie = value.split(";")[0].split("=", 1)
                    self.cookies[cookie[0]] = cookie[1]
            self.path = path
            if answer.status not in (302, 303):
                break
            method, path, fields = "GET", answer.header("Location"), None
        self.page = Page(answer.text)
        assert answer.status == 200, "%s %s: status %d: %s" % (method, path, answer.status, plain(self.page.text))

    def do(self, line):
        verb, _, rest = line.strip().partition(" ")
        getattr(self, "do_" + verb)(rest.strip())

    def do_open(self, path):
        self.send("GET", path)

    def do_read(self, text):
        assert text in plain(self.page.text), "the page does not say '%s': %s" % (text, plain(self.page.text))

    def do_press(self, text):
        end = time.time() + PATIENCE
        while not self.press(text):
            in_inbox = self.path.split("?")[0] == "/demo/inbox"
            if not in_inbox or time.time() > end:
                raise AssertionError("there is nothing to press that says '%s': %s" % (text, plain(self.page.text)))
            time.sleep(0.05)
            self.send("GET", "/demo/inbox")

    def press(self, text):
        for link in self.page.links:
            mailed = text == "the link in it" and plain(link["text"]) == "Åbn linket"
            words = plain(link["text"])
            if mailed or words == text or words.startswith(text + ":"):
                self.send("GET", urllib.parse.urljoin(self.path, link["href"]))
                return True
        for form in self.page.forms:
            for button in form["buttons"]:
                if plain(button["text"]) == text:
                    self.submit(form, button)
                    return True
        return False

    def submit(self, form, button):
        fields = [(f["name"], f["value"]) for f in form["fields"] if f["name"] and (f["kind"] not in ("radio", "checkbox") or f["on"])]
        if button["name"]:
            fields.append((button["name"], button["value"]))
        self.send(form["method"].upper(), form["action"] or self.path, fields)

    def do_type(self, text):
        if text == "the code from the inbox":
            fields = [f for form in self.page.forms for f in form["fields"] if f["kind"] in ("text", "tel", "number")]
            assert len(fields) == 1, "one field for the code is expected"
            fields[0]["value"] = self.code()
            return
        label, value = re.fullmatch(r"(.+?): (.+)", text).groups()
        field = self.page.field(label)
        assert field, "there is no field '%s': %s" % (label, plain(self.page.text))
        if value.startswith("a day in three weeks"):
            value = (datetime.date.today() + datetime.timedelta(days=21)).strftime("%d-%m-%Y")
        field["value"] = value

    def code(self):
        end = time.time() + PATIENCE
        while time.time() < end:
            codes = [re.search(r"Din kode er (\d+)", m["text"]) for m in self.server.inbox()]
            if any(codes):
                return [c for c in codes if c][-1].group(1)
            time.sleep(0.05)
        raise AssertionError("no code came")

    def do_tick(self, label):
        field = self.page.field(label)
        assert field and field["kind"] in ("checkbox", "radio"), "there is no box '%s': %s" % (label, plain(self.page.text))
        field["on"] = True

    do_choose = do_tick
