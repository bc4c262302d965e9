"""Load for the fault tests: people who apply for leave, confirm and answer, all at once, while the server is killed under them.

Every answer that was confirmed is noted: `promised` when the redirect to the receipt came, `confirmed` when the receipt came whole.
check_store() holds those notes against the store. Used by test_kill.py, test_disk.py, test_operate.py and tests/soak."""
import base64, collections, email, email.policy, http.client, json, os, random, re, sqlite3, sys, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import Answer, Server, fill, forms, make_site, package, post_form, run

REFERENCE = re.compile(r"<strong>([A-Z0-9]{4}-[A-Z0-9]{4})</strong>")
LINK = re.compile(r"http://[^/\s]+(/l/[A-Za-z0-9_-]{43})")
BROKEN = (OSError, http.client.HTTPException)


def leave_site(peer, extra=""):
    """A site with the leave request whose clients are told apart by X-Forwarded-For: one network may start 30 forms an hour."""
    mail = "mail:\n  from_name: Fri\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % peer.port
    site, port = make_site([package("leave-request")], mail + extra)
    path = os.path.join(site, "stafet.yaml")
    text = open(path, encoding="utf-8").read().replace("site:\n", "site:\n  trusted_proxies: [127.0.0.1]\n", 1)
    open(path, "w", encoding="utf-8").write(text)
    return site, port


def day(ahead):
    return time.strftime("%d-%m-%Y", time.localtime(time.time() + ahead * 86400))


def application(number, **more):
    return dict({"employee_name": "Anna Nr %06d" % number, "employee_email": "anna%06d@example.dk" % number, "department": random.choice(["workshop", "sales"]),
                 "kind": "holiday", "first_day": day(30), "last_day": day(33)}, **more)


class Mailbox:
    """Mails that a peer accepted, each read once and then removed. In memory only what the checks need."""

    def __init__(self, folder):
        self.folder, self.rows, self.lock = folder, [], threading.Lock()

    def poll(self):
        new = []
        with self.lock:
            for name in sorted(n for n in os.listdir(self.folder) if n.endswith(".json")):
                path = os.path.join(self.folder, name)
                row = json.load(open(path, encoding="utf-8"))
                os.unlink(path)
                parsed = email.message_from_bytes(base64.b64decode(row["base64"]), policy=email.policy.default)
                text = parsed.get_body(("plain",)).get_content()
                new.append({"to": row["rcpt_to"], "message_id": parsed["Message-ID"], "subject": parsed["Subject"], "links": LINK.findall(text)})
            self.rows += new
        return new


class Load:
    def __init__(self, host, mailbox, threads=16, think=0.0, withdraws=0.25):
        self.host, self.mailbox, self.think, self.withdraws = host, mailbox, think, withdraws
        self.up, self.ending = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.links, self.known = collections.deque(), set()
        self.started = self.broken = self.busy = 0
        self.promised, self.confirmed, self.faults = {}, {}, []
        self.threads = [threading.Thread(target=self.live, args=(i,), daemon=True) for i in range(threads)]
        self.reader = threading.Thread(target=self.read_mails, daemon=True)

    def begin(self):
        self.up.set()
        for thread in self.threads + [self.reader]:
            thread.start()

    def end(self, wait=60):
        """Everybody finishes the form in hand."""
        self.ending.set()
        end = time.time() + wait
        for thread in self.threads + [self.reader]:
            thread.join(max(0.1, end - time.time()))
        assert not any(t.is_alive() for t in self.threads), "a client hangs"

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    # --- one person ---

    def fetch(self, method, path, network, fields=None, timeout=20):
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        try:
            headers = {"X-Forwarded-For": network, "Accept-Language": "da"}
            body = None
            if fields is not None:
                body = urllib.parse.urlencode(fields).encode()
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def again(self):
        """After a broken connection or a 503: when the server is there."""
        self.broken += 1
        time.sleep(0.02)
        if not self.up.wait(60):
            raise TimeoutError("the server does not come back")

    def read(self, path, network):
        for _ in range(2000):
            try:
                answer = self.fetch("GET", path, network)
            except BROKEN:
                self.again()
                continue
            if answer.status == 503:
                self.busy += 1
                time.sleep(0.05)
            elif answer.status in (302, 303):
                path = answer.header("Location")
            elif answer.status >= 500:
                raise AssertionError("GET %s: %d %s" % (path[:12], answer.status, plain(answer)))
            else:
                return answer
        raise AssertionError("no answer to GET")

    def walk(self, path, answers, network):
        """A form to its end, again and again over every broken connection. Returns (path of the link, last page, fields that were asked)."""
        page, where, asked, promised = self.read(path, network), path, set(), False
        for _ in range(500):
            if promised and any(f["method"] == "post" for f in forms(page)):
                self.fault("%s: answered with a redirect to the receipt, and then asked again: %s" % (where, plain(page)[:300]))
                promised = False
            form = next((f for f in forms(page) if f["method"] == "post"), None)
            if not form:
                return where.split("?")[0], page, asked
            asked |= set(form["fields"])
            time.sleep(self.think * random.random() * 2)
            try:
                answer = self.fetch("POST", form["action"] or where, network, fill(form, answers))
            except BROKEN:
                self.again()
                page = self.read(where, network)
                continue
            if answer.status == 503:
                self.busy += 1
                time.sleep(0.05)
                page = self.read(where, network)
            elif answer.status == 303:
                where = answer.header("Location")
                promised = where.startswith("/l/") and "?" not in where
                page = self.read(where, network)
            elif answer.status in (409, 410):
                return where.split("?")[0], answer, asked
            elif answer.status == 200 and set(post_form(answer)["fields"]) - set(form["fields"]):
                page = answer  # what was chosen asks for one field more
            else:
                raise AssertionError("POST %s: %d %s" % (where[:14], answer.status, plain(answer)[:500]))
        raise AssertionError("the form does not end")

    def note(self, path, page, asked, answers):
        found = REFERENCE.search(page.text)
        if page.status != 200 or not found:
            return None
        event = "confirm" if "confirmed" in asked else "decide" if "decision" in asked else "withdraw" if "give_up" in asked else "start"
        if not asked:
            return None  # a receipt that somebody else has fetched, or a view
        with self.lock:
            self.confirmed[path] = {"event": event, "reference": found.group(1), "answers": dict(answers)}
        return found.group(1)

    def apply(self, network):
        with self.lock:
            self.started += 1
            number = self.started
        answers = application(number)
        path, page, asked = self.walk("/start/leave-request", answers, network)
        if self.note(path, page, asked, answers) is None:
            self.fault("start without a receipt: %d %s" % (page.status, plain(page)[:300]))

    def follow(self, path, network):
        number = random.randrange(1 << 30)
        decision = random.choice(["approve", "refuse"])
        answers = {"confirmed": "true", "give_up": "true", "decision": decision, "reason": "Nej %d" % number}
        if decision == "approve":
            answers.pop("reason")
        where, page, asked = self.walk(path, answers, network)
        if page.status not in (200, 409, 410):
            self.fault("link: %d %s" % (page.status, plain(page)[:300]))
        self.note(where, page, asked, answers)

    def live(self, number):
        turn = 0
        while not self.ending.is_set():
            turn += 1
            network = "10.%d.%d.%d" % (number, turn >> 8 & 255, turn & 255)
            with self.lock:
                link = self.links.popleft() if self.links and random.random() < 0.8 else None
            try:
                self.follow(link, network) if link else self.apply(network)
            except Exception as problem:
                self.fault("client %d: %s: %s" % (number, type(problem).__name__, problem))
                time.sleep(0.2)
            time.sleep(self.think * random.random() * 2)

    def read_mails(self):
        while True:
            ending = self.ending.is_set()
            self.take(self.mailbox.poll())
            if ending:
                return
            time.sleep(0.05)

    def take(self, mails):
        """Links to work on. Both the answer and the withdrawal of one application may be under way together: only one of them can win."""
        with self.lock:
            for mail in mails:
                for link in mail["links"]:
                    if link in self.known or (mail["subject"].startswith("Din ansøgning") and random.random() > self.withdraws):
                        continue
                    self.known.add(link)
                    self.links.append(link)


def plain(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).strip()


def open_store(site):
    """The store of a server that does not run."""
    return sqlite3.connect(os.path.join(site, "data", "stafet.db"))


def drain(site, seconds=60):
    """Serves until no mail is due and every document is drawn, or nothing went on for so long; stops well, and lets the quarter of an hour pass after which an unknown one is
    sent again; until nothing is queued."""
    for _ in range(4):
        server = Server("serve", site)
        end, left = time.time() + seconds, None
        reader = sqlite3.connect("file:%s?mode=ro" % os.path.join(site, "data", "stafet.db"), uri=True, timeout=5)
        while time.time() < end:
            due = reader.execute("SELECT count(*) FROM outbox WHERE state <> 'sent' AND ((state = 'queued' AND next_at <= ?) OR state IN ('leased', 'begun'))", (time.time() * 1000,)).fetchone()[0]
            drawn = reader.execute("SELECT count(*) FROM documents WHERE state IN ('waiting', 'drawing')").fetchone()[0]
            if due == drawn == 0:
                break
            if left != (due, drawn):
                end, left = time.time() + seconds, (due, drawn)
            time.sleep(0.1)
        reader.close()
        status = server.stop()
        log = server.log_text()
        os.unlink(server.log.name)
        assert status == 0, "exit %s\n%s" % (status, log[-2000:])
        store = open_store(site)
        waiting = store.execute("UPDATE outbox SET next_at = 0 WHERE state = 'queued'").rowcount
        store.commit()
        store.close()
        if waiting == 0:
            return
    raise AssertionError("%d messages are still queued" % waiting)


def link_id(path):
    return base64.urlsafe_b64decode(path[3:] + "=")[:16]


def check_answers(store, load):
    """Every confirmed answer once, with what was typed; nothing twice."""
    data = dict(store.execute("SELECT reference, data FROM instances"))
    events = collections.Counter()
    for reference, event in store.execute("SELECT i.reference, h.event FROM history h JOIN instances i ON i.id = h.instance_id WHERE h.refused = 0"):
        events[reference, event] += 1
    twice = [key for key, count in events.items() if count > 1 and key[1] in ("start", "confirm", "decide", "withdraw")]
    assert not twice, "twice: %s" % twice[:5]
    for path, noted in load.confirmed.items():
        key = noted["reference"], noted["event"]
        assert events[key] == 1, "%s: %d times in the history" % (key, events[key])
        row = store.execute("SELECT l.state, i.reference, h.event FROM links l JOIN history h ON h.id = l.history_id JOIN instances i ON i.id = h.instance_id"
                            " WHERE l.id = ?", (link_id(path),)).fetchone()
        assert row == ("used", noted["reference"], noted["event"]), (key, row)
        kept = json.loads(data[noted["reference"]])
        for name in {"start": ["employee_name", "employee_email"], "decide": ["decision"]}.get(noted["event"], []):
            assert kept[name] == noted["answers"][name], (key, name, kept[name], noted["answers"][name])
    people = collections.Counter(p for p in (json.loads(d).get("employee_email") for d in data.values()) if p)
    again = [p for p, count in people.items() if count > 1]
    # The last press of a start form goes to a link of its own, so that it may be repeated.
    assert not again, "two applications of one person: %s" % again[:5]


def check_mails(store, mailbox):
    """Every message of the outbox arrived, each copy of one row with one Message-ID. Returns (rows, copies, waiting for an operator)."""
    rows = {m: (i, to, state, task, link) for i, m, to, state, task, link in
            store.execute("SELECT id, message_id, recipient, state, task, link_id IS NOT NULL FROM outbox WHERE channel = 1")}
    assert len(rows) == store.execute("SELECT count(*) FROM outbox WHERE channel = 1").fetchone()[0], "two rows share a Message-ID"
    ids = {m.strip("<>"): m for m in rows}
    arrived, owners = collections.Counter(), {}
    for mail in mailbox.rows:
        bare = mail["message_id"].strip().strip("<>")
        assert bare in ids, "a Message-ID that no row has: %s" % mail["message_id"]
        assert mail["to"] == [rows[ids[bare]][1]], (mail["to"], rows[ids[bare]])
        arrived[ids[bare]] += 1
        for link in mail["links"]:
            owner = owners.setdefault((link, mail["subject"], mail["to"][0]), bare)
            assert owner == bare, "one message, two Message-IDs: %s %s" % (owner, bare)
    operator = 0
    for message_id, (row, to, state, task, link) in rows.items():
        if state == "sent":
            assert arrived[message_id] >= 1, "row %d is sent, but did not arrive" % row
        elif state == "unknown":
            assert not task and not link, "row %d: unknown, though a second copy would be harmless" % row
            operator += 1
        else:
            assert state == "cancelled", "row %d to %s is %s" % (row, to, state)
    return len(rows), sum(arrived.values()), operator


def check_store(site, load, mailbox):
    """All of it, on a server that is stopped. Returns one line of counts."""
    verified = run("verify", site=site)
    assert re.search(r"^\d+ instances checked, 0 faults$", verified.stdout, re.M), verified.stdout[-1000:]
    mailbox.poll()
    store = open_store(site)
    assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert store.execute("PRAGMA foreign_key_check").fetchall() == []
    check_answers(store, load)
    rows, copies, operator = check_mails(store, mailbox)
    instances = store.execute("SELECT count(*) FROM instances").fetchone()[0]
    store.close()
    for noted in random.sample(list(load.confirmed.values()), min(20, len(load.confirmed))):
        history = run("history", noted["reference"], site=site).stdout.splitlines()
        assert sum(line.split()[3] == noted["event"] for line in history) == 1, history
    assert not load.faults, "%d faults, first: %s" % (len(load.faults), load.faults[:3])
    return "%d instances, %d confirmed answers, %d messages, %d copies, %d wait for an operator, %d broken connections" % (
        instances, len(load.confirmed), rows, copies, operator, load.broken)


def kill_rounds(site, load, seconds, longest, rounds=None, begun=False):
    """serve, kill -9 at a random instant, serve ... for so many seconds. Returns the number of kills; the last server runs no more."""
    end, kills = time.time() + seconds, 0
    while time.time() < end and (rounds is None or kills < rounds):
        begin = time.time()
        server = Server("serve", site)
        ready = time.time() - begin
        assert ready < 10, "restart took %.1f s" % ready
        load.up.set()
        if not begun:
            load.begin()
            begun = True
        time.sleep(min(random.uniform(0.1, longest), max(0.1, end - time.time())))
        assert server.process.poll() is None, "the server ended by itself: %s\n%s" % (server.process.returncode, server.log_text()[-3000:])
        load.up.clear()
        server.process.kill()
        server.stop()
        kills += 1
        os.unlink(server.log.name)
    return kills


def press_again(server, load, most=200):
    """A confirmed form posted again, after all restarts: the same receipt."""
    noted = random.sample(list(load.confirmed.items()), min(most, len(load.confirmed)))
    for path, wanted in noted:
        for fields in ({"step": "check"}, dict({"step": "1", "version": "1"}, **wanted["answers"])):
            answer = load.fetch("POST", path, "10.200.0.1", list(fields.items()))
            assert answer.status == 303 and answer.header("Location") == path, (answer.status, answer.header("Location"), wanted)
        page = load.fetch("GET", path, "10.200.0.1")
        found = REFERENCE.search(page.text)
        assert page.status == 200 and found and found.group(1) == wanted["reference"], (page.status, wanted, plain(page)[:300])
    return len(noted)
