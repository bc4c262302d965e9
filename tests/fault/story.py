"""The story that the fault tests tell, with one call failing in it: somebody applies for leave, confirms, is granted it on paper; a text goes out, its answer comes
in, and a bounce. The real binary runs it under tests/fault/shim.c; then it is stopped, started without a fault, brought to its end and judged.

In the story a fault may delay, and may be told with a plain page (503); nothing that was confirmed may be lost or doubled."""
import glob, json, mmap, os, re, shutil, signal, sqlite3, struct, subprocess, sys, tempfile, time, urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "peers")]
import imap_peer
from load import BROKEN, REFERENCE, Load, Mailbox, application, check_store, drain, open_store, plain
from stafet import BINARY, PYTHON, ROOT, Peer, Server, make_site, package, run

SHIM = os.path.join(ROOT, os.environ.get("BUILD", "build"), "release", "fault.so")
KILL, HALF, END, LOSS = -1, -2, -3, -4  # in place of an errno, see shim.c
TRY_AGAIN = "Vi kan ikke tage imod lige nu. Intet er gået tabt. Vent et øjeblik, og prøv igen."
MANAGER, PHONE, ANSWER = "mette.lund@firma.example.dk", "+4522334455", "Ja, jeg kommer på fredag"
SLOWEST = 12  # seconds that a page may take, whatever fails


class Died(Exception):
    """The server ended; only an order to die there allows it."""


class Order:
    """What the shim is told: the file that it shares."""

    LAYOUT = "=qqqii16s48sq"

    def __init__(self, folder):
        self.path, self.shift = os.path.join(folder, "order"), 0
        with open(self.path, "wb") as f:
            f.write(bytes(struct.calcsize(self.LAYOUT)))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def give(self, call, target="", nth=0, error=0, times=1):
        self.map[:] = struct.pack(self.LAYOUT, 0, 0, 0, error, times, call.encode(), target.encode(), self.shift * 1000)
        self.map[:8] = struct.pack("=q", nth)

    def take_back(self):
        """The number of calls, and how many of them failed."""
        self.map[:8] = struct.pack("=q", 0)
        return self.seen()

    def set_clock(self, ahead):
        """Seconds by which the server's clock is ahead of ours."""
        self.shift = ahead
        struct.pack_into("=q", self.map, struct.calcsize(self.LAYOUT) - 8, ahead * 1000)

    def seen(self):
        return struct.unpack_from("=qq", self.map, 8)


class Person(Load):
    """One who looks at every page that comes back."""

    def __init__(self, host, mailbox):
        super().__init__(host, mailbox)
        self.up.set()
        self.server, self.may_break = None, False
        self.at = None  # the link that the browser shows

    def fetch(self, method, path, network, fields=None, timeout=SLOWEST):
        self.at = path if path.startswith("/l/") else self.at
        answer = super().fetch(method, path, network, fields, timeout)
        if answer.status == 503:
            assert TRY_AGAIN in answer.text and answer.header("Retry-After"), plain(answer)
        return answer

    def again(self):
        try:
            self.server.process.wait(0.2)
            raise Died()
        except subprocess.TimeoutExpired:
            assert self.may_break, "a page broke off, and the server goes on"


class Stage:
    """The peers, and a site that each run begins with as it was."""

    def __init__(self):
        assert os.path.exists(SHIM), "make build/release/fault.so"
        self.folder = tempfile.mkdtemp(prefix="stafet-fault-")
        os.chmod(self.folder, 0o755)
        self.order = Order(self.folder)
        self.smtp, self.sms = Peer("smtp_peer.py"), Peer("sms_peer.py")
        self.imap = subprocess.Popen([PYTHON, os.path.join(imap_peer.__file__), os.path.join(self.folder, "imap")], stdout=subprocess.PIPE,
                                     env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
        self.imap_port = int(re.search(r"\d+", self.imap.stdout.readline().decode()).group(0))
        self.site, self.port = make_site([package("leave-request"), os.path.join(ROOT, "tests", "packages", "text-message")], self.config(), folder=self.folder)
        path = os.path.join(self.site, "stafet.yaml")
        text = open(path, encoding="utf-8").read().replace("site:\n", "site:\n  trusted_proxies: [127.0.0.1]\n", 1)
        open(path, "w", encoding="utf-8").write(text)
        self.inbound = urllib.parse.urlsplit(run("inbox", "address", site=self.site).stdout.strip()).path
        self.fresh = self.site + "-fresh"
        shutil.copytree(self.site, self.fresh)

    def config(self):
        token = os.path.join(self.sms.folder, "token")
        with open(token, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("t0p-secret\n")
        mail = "mail:\n  from_name: Fri\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % self.smtp.port
        mail += "  bounce_address: retur@example.dk\ninbox:\n  url: imap://127.0.0.1:%d\n  user: retur\n  password_file: %s/imap/password\n" % (self.imap_port, self.folder)
        return mail + "sms:\n  gateway: gatewayapi\n  url: http://127.0.0.1:%d/rest/mtsms\n  from: Skolen\n  token_file: %s\n" % (self.sms.port, token)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.smtp.stop()
        self.sms.stop()
        self.imap.terminate()
        self.imap.wait(15)
        self.imap.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def renew(self):
        shutil.rmtree(self.site)
        shutil.copytree(self.fresh, self.site)
        for name in glob.glob(os.path.join(self.smtp.folder, "*.json")) + glob.glob(os.path.join(self.sms.folder, "*.json")):
            os.unlink(name)
        for copy in glob.glob(os.path.join(self.site, "data", "stafet.db")):
            shutil.copy(copy, copy + ".disk")

    def environment(self):
        return dict(os.environ, LD_PRELOAD=SHIM, STAFET_FAULT=self.order.path, STAFET_DISK="1")


class Story:
    """One run. Each step is done when it was confirmed, and is gone on with after a restart."""

    def __init__(self, stage, heavy=False):
        self.stage, self.heavy = stage, heavy
        stage.order.give("")
        stage.renew()
        self.person = Person("127.0.0.1:%d" % stage.port, Mailbox(stage.smtp.folder))
        self.answers = application(1, department="workshop")
        self.done, self.server, self.killed, self.mail_may_be_unread = set(), None, False, False
        self.was_at = {}  # where somebody goes on after a restart
        self.said = "x%d" % time.monotonic_ns()

    # --- the server ---

    def start(self, may_fail=False):
        try:
            self.server = self.person.server = Server("serve", self.stage.site, env=self.stage.environment())
        except AssertionError as problem:
            # A sentence, not a crash; or the kill that was ordered.
            assert may_fail and re.match(r"not ready: .stafet: .+, exit 1\n|not ready: .+ error: .+, exit 1\n|not ready: '', exit -9\n", str(problem)), problem
            self.killed = self.killed or "exit -9" in str(problem)

    def command(self, *args):
        """It opens the store itself where no server is left: then the disk must have it too."""
        env = dict(os.environ, LD_PRELOAD=SHIM, STAFET_DISK="1", STAFET_SITE=self.stage.site)
        return subprocess.run([BINARY, *args], capture_output=True, text=True, env=env, timeout=60)

    def has_died(self):
        try:
            self.server.process.wait(0.2)
            return True
        except subprocess.TimeoutExpired:
            return False

    def forget_log(self):
        if self.server:
            os.unlink(self.server.log.name)
        self.server = None

    def end(self, how, may_die=False):
        """term: stopped well. kill: kill -9. power: so, and the disk has what was synced."""
        if self.server.process.poll() is None:
            status = self.server.stop(signal.SIGTERM if how == "term" else signal.SIGKILL)
            assert how != "term" or status == 0 or (may_die and status == -signal.SIGKILL), "exit %d\n%s" % (status, self.server.log_text()[-2000:])
        if how == "power":
            data = os.path.join(self.stage.site, "data", "stafet.db")
            for name in (data, data + "-wal"):
                for lost in (name, name + ".lacks"):
                    if os.path.exists(lost):
                        os.unlink(lost)
                if os.path.exists(name + ".disk"):
                    shutil.copy(name + ".disk", name)
            if os.path.exists(data + "-shm"):
                os.unlink(data + "-shm")
        self.killed = self.killed or how != "term"
        self.done -= self.SEEN  # nobody was promised what the disk may not have kept; it comes again

    def query(self, sql, *values):
        db = sqlite3.connect("file:%s/data/stafet.db?mode=ro" % self.stage.site, uri=True, timeout=5)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    # --- what happens ---

    def wait(self, what, seconds):
        """False: it does not come, or comes in minutes."""
        end = time.time() + seconds
        while time.time() < end:
            if what():
                return True
            if self.server.process.poll() is not None:
                raise Died()
            later = (time.time() + self.stage.order.shift) * 1000 + 1500
            if self.query("SELECT 1 FROM outbox o WHERE state = 'queued' AND next_at > ? AND NOT EXISTS (SELECT 1 FROM attachments WHERE outbox_id = o.id)"
                          " UNION ALL SELECT 1 FROM documents WHERE state = 'waiting' AND next_at > ? UNION ALL SELECT 1 FROM outbox WHERE state = 'unknown'"
                          " UNION ALL SELECT 1 FROM paces WHERE open_at > ?", later, later, later):
                return False
            time.sleep(0.02)
        return False

    def link(self, address):
        self.person.mailbox.poll()
        return next((m["links"][0] for m in self.person.mailbox.rows if m["to"] == [address] and m["links"]), None)

    def walk(self, path, answers, event):
        """To the receipt: its answer counts, whether it came at once or only when the page was asked for again."""
        self.person.at = self.was_at.pop(event, path)
        try:
            where, page, _ = self.person.walk(self.person.at, answers, "10.0.0.1")
        except Died:
            self.was_at[event] = self.person.at
            raise
        found = REFERENCE.search(page.text)
        assert page.status == 200 and found, (page.status, plain(page)[:300])
        self.person.confirmed[where] = {"event": event, "reference": found.group(1), "answers": dict(answers)}

    def apply(self, seconds):
        self.walk("/start/leave-request", self.answers, "start")
        return True

    def confirm(self, seconds):
        if not self.wait(lambda: self.link(self.answers["employee_email"]), seconds):
            return False
        self.walk(self.link(self.answers["employee_email"]), {"confirmed": "true"}, "confirm")
        return True

    def decide(self, seconds):
        if not self.wait(lambda: self.link(MANAGER), seconds):
            return False
        self.walk(self.link(MANAGER), {"decision": "approve"}, "decide")
        return True

    def granted(self, seconds):
        """With its paper."""
        return self.wait(lambda: self.query("SELECT 1 FROM outbox WHERE message = 'approved' AND state = 'sent'"), seconds)

    def text(self, seconds):
        path = os.path.join(self.stage.folder, "text.json")
        with open(path, "w") as f:
            json.dump({"phone": PHONE, "words": "Kommer du?"}, f)
        if self.killed and self.query("SELECT 1 FROM instances WHERE workflow = 'text-message'"):
            return True  # nobody was there any more to be told
        for _ in range(60):
            told = self.command("start", "text-message", "--data", path)
            if told.returncode == 0:
                return True
            if self.has_died():
                raise Died()
            assert told.returncode == 1 and re.match(r"stafet: \S", told.stdout + told.stderr), told
        raise AssertionError("a text cannot be sent: %s" % told)

    def texted(self, seconds):
        return self.wait(lambda: self.query("SELECT 1 FROM outbox WHERE channel = 2 AND state = 'sent'"), seconds)

    def answer(self, seconds):
        """The gateway calls until it is told that the answer is kept."""
        body = json.dumps({"id": self.said, "msisdn": PHONE, "receiver": 1204, "message": ANSWER, "senttime": int(time.time())}).encode()
        for _ in range(50):
            try:
                answer = self.server.request("POST", self.stage.inbound, body=body, headers={"Content-Type": "application/json"}, timeout=SLOWEST)
            except BROKEN:
                self.person.again()
                continue
            if answer.status == 200:
                return True
            assert answer.status == 503, (answer.status, plain(answer))
            time.sleep(0.1)
        raise AssertionError("a text is never taken")

    def answered(self, seconds):
        return self.wait(lambda: self.query("SELECT 1 FROM arrivals WHERE kind = 'text'"), seconds)

    def bounce(self, seconds):
        if not self.wait(lambda: self.query("SELECT 1 FROM arrivals WHERE kind = 'start'"), seconds):
            return False
        (message_id,), = self.query("SELECT message_id FROM outbox WHERE message = 'approved'")
        corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", "arrival", "microsoft-365.eml")
        raw = open(corpus, encoding="utf-8").read().replace("<retur+m4@skole.example>", "<retur@example.dk>")
        raw = raw.replace("<fedcba98765432100123456789abcdef@skole.example>", "<%s>" % message_id.strip("<>"))
        raw = re.sub(r"(?im)^message-id: <[^>]*>", "Message-ID: <%s@mx.example>" % self.said, raw, count=1)
        imap_peer.put(os.path.join(self.stage.folder, "imap"), raw.encode())
        return True

    def bounced(self, seconds):
        return self.wait(lambda: self.query("SELECT 1 FROM arrivals WHERE kind IN ('report', 'unreadable')"), seconds)

    def grow(self, seconds):
        """More than a checkpoint waits for, and than SQLite keeps in memory."""
        if not self.heavy:
            return True
        path = os.path.join(self.stage.folder, "departments.csv")
        with open(os.path.join(ROOT, "templates", "leave-request", "departments.csv"), encoding="utf-8") as f, open(path, "w", encoding="utf-8") as out:
            out.write(f.read())
            out.writelines("d%d,%s,Mette Lund,%s,karen.dahl@firma.example.dk\n" % (i, "Afdeling" * 7, MANAGER) for i in range(14000))
        for _ in range(20):
            told = self.command("import", "leave-request.departments", path)
            if told.returncode == 0:
                return True
            if self.has_died():
                raise Died()
        raise AssertionError("nothing can be imported: %s" % told)

    SEEN = {"texted", "granted", "answered", "bounced"}
    STEPS = ("grow", "text", "apply", "confirm", "decide", "texted", "answer", "granted", "bounce", "answered", "bounced")

    def play(self, seconds):
        """True: to its end. What waits for minutes is left for after the restart."""
        for step in self.STEPS:
            if step not in self.done and getattr(self, step)(seconds):
                self.done.add(step)
            if step not in self.done and step in ("apply", "confirm", "decide"):
                break
        return len(self.done) == len(self.STEPS)

    # --- the end of it ---

    def hurry(self):
        """The minutes pass for which something waits; the server must not run."""
        store = open_store(self.stage.site)
        store.execute("UPDATE outbox SET next_at = 0 WHERE state = 'queued' AND NOT EXISTS (SELECT 1 FROM attachments a JOIN documents d ON d.id = a.document_id"
                      " WHERE a.outbox_id = outbox.id AND d.state <> 'ready')")
        store.execute("UPDATE documents SET next_at = 0 WHERE state = 'waiting'")
        store.execute("UPDATE outbox SET state = 'queued', next_at = 0 WHERE state = 'unknown' AND message = 'approved'")  # stafet outbox retry
        store.execute("UPDATE outbox SET state = 'queued', next_at = 0 WHERE state = 'unknown' AND channel = 2")
        store.commit()
        store.close()

    def finish(self, most=4):
        """Restarted without a fault until all is told."""
        for _ in range(most):
            self.hurry()
            self.start()
            try:
                told = self.play(8)
                left = [s for s in self.STEPS if s not in self.done]
            finally:
                self.end("term")
                log = self.server.log_text()
                self.forget_log()
            if told:
                break
        assert told, "not done: %s\n%s" % (left, log[-3000:])
        drain(self.stage.site)

    def judge(self):
        site = self.stage.site
        check_store(site, self.person, self.person.mailbox)
        assert len(self.query("SELECT 1 FROM instances WHERE workflow = 'leave-request'")) == 1
        texts = self.query("SELECT data, (SELECT count(*) FROM history h WHERE h.instance_id = i.id AND h.event = 'answered' AND h.refused = 0) FROM instances i WHERE workflow = 'text-message'")
        assert len(texts) == 1 or (self.killed and len(texts) == 2), texts
        assert [json.loads(data)["answer"] for data, count in texts if count] == [ANSWER] and sum(count for _, count in texts) == 1, texts
        bounces = self.query("SELECT kind, outcome FROM arrivals WHERE kind IN ('report', 'unreadable')")
        # A mail whose child died is flagged for people to look at.
        assert bounces == [("report", "failed")] or (self.mail_may_be_unread and bounces == [("unreadable", "noted")]), bounces
        assert self.query("SELECT name, state FROM documents") == [("answer", "ready")]
        used = self.query("SELECT kind, task, count(*) FROM links WHERE state = 'used' GROUP BY kind, task ORDER BY kind, task")
        assert used == [("start", "apply", 1), ("task", "confirm", 1), ("task", "decide", 1)], used
