"""What docs/security.md says and no other test shows: old TLS is refused, who sees whose cases, what the log tells of log-ins and refusals, sessions ended by an operator, a server that
leaves no memory behind."""
import html, os, re, resource, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.parse, warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_abuse
from mailing import *
from stafet import *
from test_abuse import answers, codes_of, login, logged_in, path_of, task

server = None


def until(what, seconds=20):
    end = time.time() + seconds
    while not what():
        assert time.time() < end, "it did not happen"
        time.sleep(0.05)


class OldServer:
    """Speaks TLS up to a version, and notes what became of each handshake."""

    def __init__(self, most):
        self.folder = tempfile.mkdtemp(prefix="stafet-tls-")
        self.cert = os.path.join(self.folder, "cert.pem")
        key = os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", self.cert], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
        context.load_cert_chain(self.cert, key)
        self.outcomes, self.context = [], context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
                connection.settimeout(5)
                with self.context.wrap_socket(connection, server_side=True) as s:
                    self.outcomes.append(s.version())
            except ssl.SSLError as e:
                self.outcomes.append("refused")
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        shutil.rmtree(self.folder)


def test_old_tls_is_refused():
    """Relay and mailbox are spoken to by TLS 1.2 or newer. (The gateway's is the same line of mailer/sms.c.)"""
    for most, expected in ((ssl.TLSVersion.TLSv1_1, "refused"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
        with OldServer(most) as relay, OldServer(most) as mailbox, Sink() as sink:
            password = os.path.join(relay.folder, "password")
            with open(password, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write("x\n")
            inbox = "inbox:\n  url: imaps://localhost:%d\n  user: retur\n  password_file: %s\n  ca_file: %s\n" % (mailbox.port, password, mailbox.cert)
            folder = tempfile.mkdtemp(prefix="stafet-old-")
            mail = "mail:\n  from_address: a@skole.example\n  relay: smtps://127.0.0.1:%d\n  ca_file: %s\n%s" % (relay.port, relay.cert, inbox)
            site, _ = make_site([write_package(os.path.join(folder, "mailing"), MESSAGES)], mail, folder=folder)
            data = os.path.join(folder, "data.json")
            with open(data, "w") as f:
                f.write('{"office": "kontor@skole.example", "sender": "Skolen", "person": "Ida", "words": "Hej", "readers": ["ida@x.example"]}')
            server = Server("serve", site)
            try:
                run("start", "mailing", "--data", data, "--site", site)
                until(lambda: relay.outcomes and mailbox.outcomes)
                assert relay.outcomes[0] == mailbox.outcomes[0] == expected, (most, relay.outcomes, mailbox.outcomes, server.log_text())
            finally:
                server.stop()
                shutil.rmtree(folder)


def cookie_of(answer, name):
    return next((v.split(";")[0] for k, v in answer.headers if k == "Set-Cookie" and v.startswith(name + "=")), None)


def test_the_log_tells_of_log_ins_and_refusals():
    """Who logged in, from where (a hash), how; each failure, each log-out; what was turned away, within limits (so this comes before tests that are often turned away). No address
    and no code."""
    given, _ = task()
    who = given["supervisor_emails"][0]
    mark = len(server.log_text())
    session = login(who)
    asked = server.post("/home/otplogin", {"step": "address", "address": "nobody@example.dk"})
    assert server.post("/home/otplogin", {"step": "code", "code": "0000"}, headers={"Cookie": cookie_of(asked, "pre")}).status == 422
    assert server.post("/home/otplogin", {"step": "code", "code": "0000"}).status == 422
    assert server.get("/backend?view=declaration.overview&row=AAAA-AAAA", headers={"Cookie": session}).status == 404
    server.post("/backend/logout", {}, headers={"Cookie": session})
    assert server.post("/backend/logout", {}, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert server.get("/", headers={"Host": "evil.example"}).status == 421
    assert server.get("/l/" + "A" * 43 + "?x=geheim").status == 404
    log = server.log_text()[mark:]
    contact = re.search(r"event=login contact=(\d+) network=[0-9a-f]{8} by=code ", log).group(1)
    for line in (r"event=login-asked contact=%s network=[0-9a-f]{8} sent=code " % contact, r"event=login-asked contact=0 network=[0-9a-f]{8} sent=none ", r"event=login-failed contact=0 network=[0-9a-f]{8} by=code today=",
                 r"event=login-failed network=[0-9a-f]{8} ", r"event=logout contact=%s everywhere=no " % contact, r"event=refused status=404 from=127.0.0.1 path=/backend ", r"event=refused status=403 from=127.0.0.1 path=/backend/logout ",
                 r"event=refused status=421 from=127.0.0.1 path=/ ", r"event=refused status=404 from=127.0.0.1 path=/l/ "):
        assert re.search(line, log), (line, log)
    assert who not in log and "example.dk" not in log and "geheim" not in log and not any(re.search(r"\b%s\b" % c, log) for c in codes_of(who)), log
    for i in range(100):
        assert server.get("/l/x%d" % i).status == 404
    told = server.log_text()[mark:].count("event=refused ")
    assert 20 <= told <= 60, "%d lines: at most 30 of a minute" % told  # two minutes may meet here


def declared(**more):
    """A declaration that is filled in, of a name of its own: (its answers, the supervisor's path)."""
    given, path = task(**more)
    levels = {n: "2" for f in forms(server.get(path)) for n in f["fields"] if n.startswith("levels.")}
    walk(server, path, dict(given, **levels), headers={"Accept-Language": "da"})
    return given, path


def pages_of(cookie):
    """Every address of the back end that this person is offered, two steps deep: overviews, cases, files, spreadsheets."""
    found, wanted = set(), ["/backend?view=home"]
    for _ in range(3):
        found.update(wanted)
        texts = [server.get(p, headers={"Cookie": cookie}).text for p in wanted]
        wanted = [p for t in texts for p in map(html.unescape, re.findall(r'href="(/backend[^"#]*)"', t)) if "lang=" not in p and p not in found and "logout" not in p]
    return found | set(wanted)


def test_nobody_sees_the_case_of_another():
    """Two cases with other people: for each of the six, every page and file that one of the other case is offered is "not found", and no list of theirs names the other case."""
    names = ("Astrid Alfa", "Bodil Beta")
    cases = [declared(apprentice_name=name, supervisor_name="Mester " + name.split()[1])[0] for name in names]
    sessions = {(i, role): login(case[field] if isinstance(case[field], str) else case[field][0])
                for i, case in enumerate(cases) for role, field in (("apprentice", "apprentice_email"), ("supervisor", "supervisor_emails"), ("school", "school_emails"))}
    offered = {who: pages_of(cookie) for who, cookie in sessions.items()}
    rows = 0
    for (i, role), cookie in sessions.items():
        mine = [p for p in offered[i, role] if "row=" in p]
        assert mine and all(server.get(p, headers={"Cookie": cookie}).status == 200 for p in mine), role
        for other in (who for who in offered if who[0] != i):
            for path in sorted(offered[other]):
                answer = server.get(path, headers={"Cookie": cookie})
                assert names[1 - i] not in answer.text and "Mester " + names[1 - i].split()[1] not in answer.text, (role, path)
                if "row=" in path:
                    rows += 1
                    assert answer.status == 404, (role, path, answer.status)
                    assert server.post(path, {"act": "remind"}, headers={"Cookie": cookie}).status == 404, (role, path)
        # of one's own case, but from a list that is for another role
        for other in (who for who in offered if who[0] == i and who[1] != role):
            for path in offered[other] - offered[i, role]:
                assert server.get(path, headers={"Cookie": cookie}).status in (200, 404), (role, path)
        for path in sorted(offered[i, role]):
            assert server.get(path).status == 303, "without a session: " + path
    assert rows >= 18, rows


def test_an_operator_ends_sessions():
    given, _ = task()
    one, other = login(given["supervisor_emails"][0]), login(given["school_emails"][0])
    alive = lambda cookie: server.get("/backend", headers={"Cookie": cookie}).status == 200
    assert alive(one) and alive(other)
    site = server.site
    listed = run("sessions", "--site", site).stdout
    assert given["supervisor_emails"][0] in listed and given["school_emails"][0] in listed and one.split("=")[1][:20] not in listed
    wrong = run("sessions", "end", given["supervisor_emails"][0], "nobody@example.dk", "--site", site, check=False)
    assert wrong.returncode == 1 and alive(one), wrong.stdout
    assert "is logged in nowhere now" in run("sessions", "end", given["supervisor_emails"][0].upper(), "--site", site).stdout
    assert not alive(one) and alive(other)
    assert run("sessions", "end", "--site", site, check=False).returncode == 2 and alive(other)
    assert re.search(r"^[1-9]\d* log-ins ended$", run("sessions", "end", "--all", "--site", site).stdout.strip())
    assert not alive(other) and given["school_emails"][0] not in run("sessions", "--site", site).stdout


def dumps(process):
    """Whether a program that is ended by a fault leaves its memory behind."""
    process.send_signal(signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -signal.SIGSEGV
    return os.WCOREDUMP(status)


def test_memory_is_not_left_behind():
    unlimited = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    folder = tempfile.mkdtemp(prefix="stafet-core-")
    try:
        if not dumps(subprocess.Popen(["sleep", "60"], preexec_fn=unlimited, cwd=folder)):
            print("(this system keeps no dumps)")
        with Sink() as sink, Office(sink.port) as office:
            process = subprocess.Popen([BINARY, "serve", office.site], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=unlimited, cwd=folder)
            assert process.stdout.readline().startswith(b"event=ready")
            assert not dumps(process), os.listdir(folder)
            process.stdout.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="stafet-security-")
    try:
        site, port = make_site([package("declaration")], "mail:\n  from_address: a@skole.example\n  relay: smtp://127.0.0.1:1\n  tls: off\n", folder=folder)
        server = test_abuse.server = Server("demo", site, "--listen", "127.0.0.1:%d" % port)
        server.site = site
        main([value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)])
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)
