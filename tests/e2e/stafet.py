"""What the end-to-end tests share: a site in a temporary folder, the real binary, an HTTP client that reads forms as a browser does.

Standard library only. Everything that is started is stopped by its own process object."""
import html.parser, http.client, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("STAFET", os.path.join(ROOT, "build", "stafet"))
PYTHON = "/usr/bin/python3"

# A test's day is the site's day: without this, dates of a test are wrong in the hours when it is another day in UTC.
os.environ["TZ"] = "Europe/Copenhagen"
time.tzset()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*args, check=True, site=None, **options):
    """One command of the binary; its output as text."""
    env = dict(os.environ, **({"STAFET_SITE": site} if site else {}))
    done = subprocess.run([BINARY, *args], capture_output=True, text=True, env=env, timeout=120, **options)
    if check and done.returncode != 0:
        raise AssertionError("stafet %s: exit %d\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr))
    return done


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)


class Server:
    """serve or demo as a child process."""

    def __init__(self, *args, log=None, **options):
        self.log = log or tempfile.NamedTemporaryFile(prefix="stafet-log-", delete=False)
        self.process = subprocess.Popen([BINARY, *args], stdout=subprocess.PIPE, stderr=self.log, **options)
        line = self.process.stdout.readline().decode()
        match = re.match(r"event=ready url=(http://\S+)", line)
        if not match:
            self.process.wait(10)
            raise AssertionError("not ready: %r, exit %s\n%s" % (line, self.process.returncode, self.log_text()))
        self.url = match.group(1)
        self.host = urllib.parse.urlsplit(self.url).netloc
        self.kept = []

    def log_text(self):
        return open(self.log.name, encoding="utf-8", errors="replace").read()

    def request(self, method, path, fields=None, headers=None, body=None, timeout=30):
        path = (path[len(self.url):] if path.startswith(self.url) else path).split("#")[0]
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        sent = dict(headers or {})
        if fields is not None:
            body = urllib.parse.urlencode(fields, doseq=True).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        connection.close()
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, fields, **options):
        return self.request("POST", path, fields=fields, **options)

    def follow(self, answer, headers=None):
        """Redirects as a browser follows them."""
        for _ in range(5):
            if answer.status not in (302, 303):
                return answer
            answer = self.get(answer.header("Location"), headers=headers)
        raise AssertionError("too many redirects")

    def inbox(self):
        """Every message so far, oldest first; each is asked for once."""
        last = self.kept[-1]["id"] if self.kept else 0
        more = json.loads(self.get("/demo/inbox.json?after=%d" % last).text)
        self.kept = [m for m in self.kept if m["id"] <= last] + more
        return self.kept

    def newer(self, address, than, part="", wait=15):
        """The first message to that address behind so many of the inbox, with that in subject or text, waited for while it is on its way."""
        end = time.time() + wait
        while True:
            found = [m for m in self.inbox()[than:] if m["to"].endswith(address) and part in m["subject"] + m["text"]]
            if found:
                return found[0]
            assert time.time() < end, "no further '%s' to %s" % (part, address)
            time.sleep(0.05)

    def mails_to(self, address, wait=10):
        """Messages to that address, waiting until there is one."""
        end = time.time() + wait
        while True:
            found = [m for m in self.inbox() if m["to"].endswith(address)]
            if found or time.time() > end:
                return found
            time.sleep(0.05)

    def stop(self, sig=signal.SIGTERM, wait=30):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.process.wait(wait)
        self.process.stdout.close()
        return self.process.returncode


class FormReader(html.parser.HTMLParser):
    """The forms of a page: action and fields with their kinds, values and choices."""

    def __init__(self):
        super().__init__()
        self.forms, self.form, self.select, self.area = [], None, None, None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.form = {"action": a.get("action", ""), "method": a.get("method", "get").lower(), "fields": {}, "submit": []}
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "input" and a.get("name"):
            kind = a.get("type", "text")
            field = self.form["fields"].setdefault(a["name"], {"kind": kind, "values": [], "choices": []})
            if kind in ("radio", "checkbox"):
                field["choices"].append(a.get("value", "on"))
                if "checked" in a:
                    field["values"].append(a.get("value", "on"))
            else:
                field["values"].append(a.get("value", "") or "")
        elif tag == "textarea":
            self.area = self.form["fields"].setdefault(a["name"], {"kind": "textarea", "values": [""], "choices": []})
        elif tag == "select":
            self.select = self.form["fields"].setdefault(a["name"], {"kind": "select", "values": [], "choices": []})
        elif tag == "option" and self.select is not None:
            self.select["choices"].append(a.get("value", ""))
            if "selected" in a:
                self.select["values"].append(a.get("value", ""))
        elif tag == "button":
            self.form["submit"].append((a.get("name", ""), a.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea" and self.area is not None:
            if self.area["values"][0].startswith("\n"):  # the newline behind the tag is none of the text
                self.area["values"][0] = self.area["values"][0][1:]
            self.area = None

    def handle_data(self, data):
        if self.area is not None:
            self.area["values"][0] += data


def forms(answer):
    reader = FormReader()
    reader.feed(answer.text)
    return reader.forms


def post_form(answer):
    """The page's form that is posted (there is one)."""
    found = [f for f in forms(answer) if f["method"] == "post" and any(not n.startswith("lang") for n in f["fields"])]
    if not found:
        raise AssertionError("no form on the page (status %d):\n%s" % (answer.status, re.sub(r"<[^>]+>", " ", answer.text)[:1500]))
    return found[0]


def fill(form, answers):
    """Fields as a browser would send them: what stands there, then what the person typed. Only names that the page has are sent."""
    fields = []
    for name, field in form["fields"].items():
        value = answers.get(name, field["values"])
        values = value if isinstance(value, list) else [value]
        fields += [(name, str(v)) for v in values]
    # Enter presses the first button.
    if form["submit"] and form["submit"][0][0] not in dict(fields, **{"": ""}):
        fields.append(form["submit"][0])
    return fields


def walk(server, path, answers, most=20, headers=None):
    """Fills in a form page by page until a page without a form comes (the receipt). Returns that page."""
    page = server.follow(server.get(path, headers=headers), headers)
    where = path
    for _ in range(most):
        posted = [f for f in forms(page) if f["method"] == "post"]
        if not posted:
            return page
        form = posted[0]
        answer = server.post(form["action"] or where, fill(form, answers), headers=headers)
        if answer.status >= 400:
            raise AssertionError("status %d: %s" % (answer.status, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))[:1500]))
        if answer.status in (302, 303):
            where = answer.header("Location")
        page = server.follow(answer, headers)
    raise AssertionError("the form does not end")


class Peer:
    """A peer of tests/peers as a child process; messages it accepted as dictionaries."""

    def __init__(self, script, *options):
        self.folder = tempfile.mkdtemp(prefix="stafet-peer-")
        os.chmod(self.folder, 0o755)
        self.process = subprocess.Popen([PYTHON, os.path.join(ROOT, "tests", "peers", script), self.folder, *options], stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        self.port = int(re.match(r"port=(\d+)", line).group(1))

    def messages(self):
        names = sorted(n for n in os.listdir(self.folder) if n.endswith(".json"))
        return [json.load(open(os.path.join(self.folder, n), encoding="utf-8")) for n in names]

    def wait(self, count, seconds=20):
        end = time.time() + seconds
        while len(self.messages()) < count and time.time() < end:
            time.sleep(0.05)
        return self.messages()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_site(packages, mail, port=None, folder=None):
    """A site folder with this mail section (YAML text lines). Returns (folder, port)."""
    folder = folder or tempfile.mkdtemp(prefix="stafet-site-")
    port = port or free_port()
    site = os.path.join(folder, "site")
    run("init", site, *(["--with", *packages] if packages else []))
    path = os.path.join(site, "stafet.yaml")
    text = open(path, encoding="utf-8").read()
    text = text[:text.index("mail:")] + mail
    text = text.replace("http://127.0.0.1:8080", "http://127.0.0.1:%d" % port).replace("listen: 127.0.0.1:8080", "listen: 127.0.0.1:%d" % port)
    open(path, "w", encoding="utf-8").write(text)
    return site, port


def package(name):
    return os.path.join(ROOT, "templates", name)


def with_one(make):
    """For a test that gets one of those (with `server`, None while it does not run, and close()): closed in any case, and when the test fails, the end of its log is shown."""
    def decorate(test):
        def inner():
            one = make()
            try:
                test(one)
            except Exception:
                if one.server:
                    print(one.server.log_text()[-3000:])
                raise
            finally:
                one.close()
        inner.__name__ = test.__name__
        return inner
    return decorate


def main(tests):
    """Runs the functions, says each by name; exit status 1 when one failed."""
    failed = 0
    for test in tests:
        try:
            test()
            print("ok   %s" % test.__name__, flush=True)
        except Exception:
            import traceback
            failed += 1
            print("FAIL %s" % test.__name__, flush=True)
            traceback.print_exc()
    print("%d passed, %d failed" % (len(tests) - failed, failed))
    sys.exit(1 if failed else 0)
