#!/usr/bin/python3
"""make bench, the part over HTTP: the shipped declaration's `assess`, posted by 32 clients to `stafet serve`, beside other engines that write as much as durably; pages
beside nginx. What each engine has written is counted afterwards. argv: as of bench.py. COUNT (2000) scales the numbers; PEERS=no leaves the others out."""
import collections, json, os, platform, re, resource, secrets, shutil, signal, sqlite3, subprocess, sys, time, urllib.error, urllib.parse, urllib.request

from measured import AS_NOBODY, COUNT, HERE, PATH, PEERS, READY, ROOT, Missing, Scratch, Server, Sink, free_port, module, program, report, rows, run, save

sys.path.append(os.path.join(ROOT, "tests", "e2e"))
from stafet import FormReader

CLIENTS, ROUNDS, SPARE = 32, 3, 20
WARM = max(CLIENTS, COUNT // 4)  # before it counts, for everybody: Node compiles what it has run for a while

# --- the client ---


def http(url, data=None, headers=None):
    """(status, body)."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def post(port, path, body, headers=()):
    """A request's bytes."""
    head = ["POST %s HTTP/1.1" % path, "Host: 127.0.0.1:%d" % port, "Origin: http://127.0.0.1:%d" % port, "Content-Length: %d" % len(body)]
    return ("\r\n".join(head + ["%s: %s" % pair for pair in headers]) + "\r\n\r\n").encode() + body


def form_post(port, token, body):
    return post(port, "/l/" + token, body, [("Content-Type", "application/x-www-form-urlencoded")])


Sent = collections.namedtuple("Sent", "seconds middle worst wrong client")


def send(folder, port, requests, status):
    path = os.path.join(folder, "requests")
    with open(path, "wb") as f:
        for request in requests:
            f.write(b"%d\n" % len(request) + request)
    sent = Sent(*map(float, run(program("bench-post"), port, CLIENTS, path, status, 0).split()))
    if sent.wrong:
        sys.exit("%d of %d answers were not %d" % (sent.wrong, len(requests), status))
    return sent


def measure(name, folder, servers, port, requests, status=303):
    """The first ones warm up; of the others the best of three rounds counts. Transitions a second."""
    send(folder, port, requests[:WARM], status)
    rounds = []
    for i in range(ROUNDS):
        part = requests[WARM:][i::ROUNDS]
        before = sum(server.seconds() for server in servers)
        sent = send(folder, port, part, status)
        rounds.append((len(part) / sent.seconds, sent, sum(server.seconds() for server in servers) - before))
    speed, sent, used = max(rounds)
    report(name, speed)
    report("%s: 99 of 100 answered within" % name, sent.worst, "ms", 1)
    report("%s: cores of the server" % name, used / sent.seconds, "", 2)
    report("%s: cores of the client" % name, sent.client / sent.seconds, "", 2)
    return speed


def proved(name, found, wanted):
    if found != wanted:
        sys.exit("%s has not done its work: %s instead of %s" % (name, found, wanted))


def done(count):
    """What so many transitions leave behind."""
    return {"links used": count, "completed": count, "history": count, "timers": 2 * count, "messages": 3 * count}


COUNTS = {
    "links used": "SELECT count(*) FROM links WHERE state = 'used'",
    "completed": "SELECT count(*) FROM instances WHERE state = 'completed'",
    "history": "SELECT count(*) FROM history WHERE event = 'assess'",
    "timers": "SELECT count(*) FROM timers",
    "messages": "SELECT count(*) FROM outbox",
}

# --- Stafet ---


class Site:
    """A site with the shipped declaration, served, and the tokens of filled-in forms that were not sent yet."""

    def __init__(self, folder, count, mail):
        site, port = os.path.join(folder, "site"), free_port()
        run(program("stafet"), "init", site, "--with", os.path.join(ROOT, "templates", "declaration"))
        config = os.path.join(site, "stafet.yaml")
        with open(config, encoding="utf-8") as f:
            text = f.read()
        with open(config, "w", encoding="utf-8") as f:
            f.write(text[:text.index("mail:")].replace("127.0.0.1:8080", "127.0.0.1:%d" % port) + mail)
        self.tokens = run(program("bench-open"), site, count).decode().split()
        self.store = os.path.join(site, "data", "stafet.db")
        with sqlite3.connect(self.store) as db:  # what went out while it was filled
            db.execute("UPDATE outbox SET state = 'sent', sent_at = created_at WHERE state = 'queued'")
        db.close()
        self.server = Server([program("stafet"), "serve", site], folder, READY)
        self.port = self.server.port
        self.url = "http://127.0.0.1:%d" % self.port

    def body(self):
        """What the check page sends; it is the same for all, for they have the same answers."""
        reader = FormReader()
        reader.feed(http("%s/l/%s?step=check" % (self.url, self.tokens[0]))[1].decode())
        fields = next(form["fields"] for form in reader.forms if "step" in form["fields"])
        return urllib.parse.urlencode([(name, field["values"][0]) for name, field in fields.items() if field["values"]]).encode()

    def proved(self, count):
        with sqlite3.connect("file:%s?mode=ro" % self.store, uri=True) as db:
            of_assess = " AND history_id IN (SELECT id FROM history WHERE event = 'assess')"
            wanted = {**COUNTS, "links used": COUNTS["links used"] + " AND task = 'assess'" + of_assess, "timers": COUNTS["timers"] + " WHERE state = 'completed'",
                      "messages": COUNTS["messages"] + " WHERE 1" + of_assess}
            proved("Stafet", {what: db.execute(sql).fetchone()[0] for what, sql in wanted.items()}, done(count))
        db.close()


def hold_drawing(site, requests):
    """Stops the child that draws the first PDF, so that none is drawn meanwhile. The number of transitions that it took to catch one, and its pid."""
    for taken, request in enumerate(requests, 1):
        with open(os.path.join(os.path.dirname(site.store), "one"), "wb") as f:
            f.write(b"%d\n" % len(request) + request)
        run(program("bench-post"), site.port, 1, f.name, 303, 0)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            for pid in site.server.pids()[1:]:
                try:
                    os.kill(pid, signal.SIGSTOP)
                    return taken, pid
                except ProcessLookupError:
                    pass
    return len(requests), 0


def stafet_alone(count):
    """Only the transitions, as the peers do them: no mail is due, and no PDF is drawn."""
    with Sink() as sink, Scratch() as folder:
        site = Site(folder, count + WARM + SPARE, "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n  per_minute: 1\n" % sink.port)
        try:
            body = site.body()
            requests = [form_post(site.port, token, body) for token in site.tokens]
            taken, held = hold_drawing(site, requests[:SPARE])
            speed = measure("transitions over HTTP, 32 clients", folder, [site.server], site.port, requests[SPARE:])
            if held not in site.server.pids():
                print("(PDFs were drawn meanwhile)")
            else:
                os.kill(held, signal.SIGCONT)
            site.proved(count + WARM + taken)
        finally:
            site.server.stop()
    return speed


def stafet_at_work(count):
    """With everything that follows: PDFs are drawn, and mails are sent to smtp-sink."""
    with Sink() as sink, Scratch() as folder:
        site = Site(folder, count + WARM, "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % sink.port)
        try:
            body = site.body()
            measure("the same while PDFs are drawn and mails sent", folder, [site.server], site.port, [form_post(site.port, token, body) for token in site.tokens])
            site.proved(count + WARM)
        finally:
            site.server.stop()


# --- peers ---


def peer_requests(port, count):
    """The check page's form, for the applications that have the same pages."""
    return [form_post(port, "token-%d" % (i + 1), b"step=check&version=2") for i in range(count)]


def node(script, folder, *args):
    return Server(["node", os.path.join(HERE, "peers", script), *args], folder, r"^port=(\d+)")


def installed(*modules):
    if not shutil.which("node"):
        raise Missing("Node is not installed")
    for name in modules:
        if not os.path.isdir(module(*name.split("/"))):
            raise Missing("%s is not installed" % name)


def fastify(count):
    installed("fastify", "better-sqlite3/build")
    with Scratch() as folder:
        store = os.path.join(folder, "store.db")
        server = node("fastify.mjs", folder, store, count + WARM)
        try:
            speed = measure("fastify + better-sqlite3, 32 clients", folder, [server], server.port, peer_requests(server.port, count + WARM))
        finally:
            server.stop()
        with sqlite3.connect(store) as db:
            proved("fastify", {what: db.execute(sql).fetchone()[0] for what, sql in COUNTS.items()}, done(count + WARM))
        db.close()
    return speed


class Postgres:
    """Debian's, with a store of its own that is as durable as it is by default."""

    def __init__(self, folder):
        found = sorted(v for v in (os.listdir("/usr/lib/postgresql") if os.path.isdir("/usr/lib/postgresql") else []) if os.path.exists("/usr/lib/postgresql/%s/bin/initdb" % v))
        if not found:
            raise Missing("PostgreSQL is not installed")
        self.bin, home, self.password = "/usr/lib/postgresql/%s/bin" % found[-1], os.path.join(folder, "postgres"), secrets.token_hex(16)
        os.mkdir(home)
        secret = os.path.join(home, "password")
        with open(secret, "w") as f:
            f.write(self.password)
        if AS_NOBODY:
            for path in (home, secret):
                shutil.chown(path, "nobody", "nogroup")
        data, port = os.path.join(home, "data"), free_port()
        run(self.bin + "/initdb", "-D", data, "-U", "bench", "--auth=scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--no-locale", **AS_NOBODY)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": home, "fsync": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}
        self.server = Server([self.bin + "/postgres", "-D", data] + [w for name, value in settings.items() for w in ("-c", "%s=%s" % (name, value))], folder, port=port, cwd=home, **AS_NOBODY)
        self.port = port
        self.url = "postgresql://bench:%s@127.0.0.1:%d/postgres" % (self.password, port)

    def count(self, sql):
        return int(run(self.bin + "/psql", "-X", "-A", "-t", "-c", sql, self.url))

    def stop(self):
        self.server.stop(signal.SIGINT)  # its "fast" way to end


def dbos(count):
    installed("@dbos-inc/dbos-sdk", "postgres")
    with Scratch() as folder:
        postgres, server = Postgres(folder), None
        try:
            server = node("dbos.mjs", folder, postgres.url, count + WARM)
            speed = measure("DBOS on PostgreSQL, 32 clients", folder, [server, postgres.server], server.port, peer_requests(server.port, count + WARM))
            found = {what: postgres.count(sql) for what, sql in COUNTS.items()}
            proved("DBOS", found, done(count + WARM))
            proved("DBOS", postgres.count("SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'"), count + WARM)
        finally:
            if server:
                server.stop()
            postgres.stop()
    return speed


class Restate:
    def __init__(self, folder):
        ports = [free_port() for _ in range(3)]
        self.admin = "http://127.0.0.1:%d" % ports[1]
        env = {**os.environ, "RESTATE_DISABLE_TELEMETRY": "true", "RESTATE_INGRESS__BIND_PORT": str(ports[0]), "RESTATE_ADMIN__BIND_PORT": str(ports[1])}
        binary = module("@restatedev", "restate-server-linux-x64", "bin", "restate-server")
        self.server = Server([binary, "--base-dir", os.path.join(folder, "restate"), "--bind-ip", "127.0.0.1", "--bind-port", ports[2], "--advertised-host", "127.0.0.1",
                              "--listen-mode", "tcp", "--no-logo", "--log-filter", "error"], folder, port=ports[0], env=env)
        self.port = ports[0]

    def ask(self, path, question):
        status, body = http(self.admin + path, json.dumps(question).encode(), {"Content-Type": "application/json", "Accept": "application/json"})
        if status >= 300:
            raise Missing("%s: %d %s" % (path, status, body[:200]))
        return json.loads(body)

    def register(self, service):
        for attempt in range(100):
            try:
                return self.ask("/deployments", {"uri": "http://127.0.0.1:%d" % service.port})
            except (Missing, OSError):
                if attempt == 99:
                    raise
                time.sleep(0.2)

    def count(self, sql):
        return self.ask("/query", {"query": sql})["rows"][0]["n"]


def restate_request(port, i, answers):
    """Restate calls the service with what is sent to it: the answers come along, for it has no drafts."""
    body = json.dumps({"token": "token-%d" % i, "version": 2, "answers": answers}).encode()
    return post(port, "/declaration/%d/assess" % i, body, [("Content-Type", "application/json"), ("Idempotency-Key", "token-%d-2" % i)])


def restate(count):
    installed("@restatedev/restate-sdk", "@restatedev/restate-server-linux-x64")
    with Scratch() as folder:
        server, service = Restate(folder), None
        try:
            service = node("restate.mjs", folder)
            server.register(service)
            answers = run("node", "--input-type=module", "-e", "import { draft } from %s; process.stdout.write(draft)" % json.dumps(os.path.join(HERE, "peers", "answer.mjs"))).decode()
            requests = [restate_request(server.port, i + 1, answers) for i in range(count + WARM)]
            speed = measure("Restate, 32 clients", folder, [server.server, service], server.port, requests, 200)
            coming = "SELECT count(*) AS n FROM sys_invocation WHERE status = 'scheduled' AND target_service_name = "
            state = "SELECT count(*) AS n FROM state WHERE key "
            proved("Restate", {"links used": server.count(state + "LIKE 'link-%'"), "completed": server.count(state + "= 'state' AND value_utf8 = '\"completed\"'"),
                               "history": server.count(state + "LIKE 'history-%'"), "timers": server.count(coming + "'declaration'"), "messages": server.count(coming + "'outbox'")},
                   done(count + WARM))
        finally:
            if service:
                service.stop()
            server.server.stop()
    return speed


# --- pages ---


def wrk(name, server, path, seconds):
    """Answers a second."""
    used = lambda: (server.seconds(), sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]))
    before = used()
    told = run("wrk", "-t2", "-c%d" % CLIENTS, "-d%ds" % seconds, "http://127.0.0.1:%d%s" % (server.port, path)).decode()
    after = used()
    if re.search("Non-2xx|Socket errors", told):
        sys.exit("%s: %s" % (path, told))
    speed = float(re.search(r"Requests/sec:\s+([\d.]+)", told).group(1))
    report(name, speed)
    for i, who in enumerate(("server", "client")):
        report("%s: cores of the %s" % (name, who), (after[i] - before[i]) / seconds, "", 2)
    return speed


def nginx(folder, pages):
    """Serves these files; their folder must be one that its workers may read."""
    name = shutil.which("nginx", path=PATH)
    if not name:
        raise Missing("nginx is not installed")
    port, files = free_port(), os.path.join(folder, "files")
    os.mkdir(files)
    for path, body in pages.items():
        with open(os.path.join(files, path), "wb") as f:
            f.write(body)
    temporary = "".join("%s_temp_path %s/%s; " % (kind, folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w") as f:
        f.write("daemon off; worker_processes auto; pid %s/pid; error_log stderr;\nevents { worker_connections 1024; }\n"
                "http { types { text/html html; text/css css; } access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=100; %s\n"
                "server { listen 127.0.0.1:%d; root %s; } }\n" % (folder, temporary, port, files))
    return Server([name, "-c", config, "-p", folder], folder, port=port)


def pages(peers):
    seconds = max(1, min(5, COUNT // 400))
    with Scratch() as folder:
        site = Site(folder, 1, "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:9\n")
        other = None
        try:
            style = re.search(r'href="(/[^"]+\.css[^"]*)"', http(site.url + "/start/declaration")[1].decode()).group(1)
            wanted = {"a static file": (style, "static.css"), "the start form": ("/start/declaration", "start.html"),
                      "the declaration's form": ("/l/%s?step=1" % site.tokens[0], "form.html")}
            bodies = {file: http(site.url + path)[1] for path, file in wanted.values()}
            try:
                other = nginx(folder, bodies) if peers else None
            except Missing as why:
                print("(no comparison with nginx: %s)" % why)
            for name, (path, file) in wanted.items():
                ours = wrk(name, site.server, path, seconds)
                report("%s: bytes" % name, len(bodies[file]), "")
                if other:
                    report("ratio: %s / nginx" % name, ours / wrk("%s from nginx" % name, other, "/" + file, seconds), "", 2)
        finally:
            site.server.stop()
            if other:
                other.stop()


def about():
    """On what this was measured."""
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open(os.path.join(HERE, "package.json"), encoding="utf-8") as f:
        versions = json.load(f)["dependencies"]
    versions["node"] = run("node", "--version").decode().strip() if shutil.which("node") else "none"
    rows["about"] = {
        "processor": model.group(1) if model else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "day": time.strftime("%Y-%m-%d"),
        "commit": run("git", "describe", "--always", "--dirty").decode().strip() if os.path.exists(os.path.join(ROOT, ".git")) else "unknown",
        "COUNT": str(COUNT),
        "versions": ", ".join("%s %s" % pair for pair in sorted(versions.items())),
    }


def beside(ours, name, peer, count):
    try:
        report("ratio: transitions over HTTP / %s" % name, ours / peer(count), "", 2)
    except Missing as why:
        print("(no comparison with %s: %s)" % (name, why))


speed = stafet_alone(COUNT * 5)
stafet_at_work(COUNT)
if PEERS:
    beside(speed, "fastify + better-sqlite3", fastify, COUNT * 5)
    beside(speed, "Restate", restate, COUNT)
    beside(speed, "DBOS on PostgreSQL", dbos, COUNT)
if shutil.which("wrk"):
    pages(PEERS)
else:
    print("(wrk is not installed: no pages)")
about()
save()
