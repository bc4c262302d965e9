"""The numbers for whoever watches: they are right, in the format, tell nothing about anybody, and reach this computer alone."""
import http.client, os, re, shutil, signal, socket, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import application, leave_site
from stafet import free_port, main, Peer, run, Server, walk, with_one

LINE = re.compile(r'^([a-z_]+)(?:\{([a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*)\})? (-?[0-9.]+)$')


class Site:
    def __init__(self, watched=True):
        self.peer = Peer("smtp_peer.py")
        self.path, self.port = leave_site(self.peer)
        self.watch = free_port()
        if watched:
            self.configure("metrics: 127.0.0.1:%d" % self.watch)
        self.server = None

    def configure(self, line):
        path = os.path.join(self.path, "stafet.yaml")
        text = open(path, encoding="utf-8").read()
        open(path, "w", encoding="utf-8").write(re.sub(r"(?m)^  metrics:.*\n", "", text).replace("site:\n", "site:\n  %s\n" % line, 1))

    def fetch(self, method="GET", path="/metrics"):
        connection = http.client.HTTPConnection("127.0.0.1", self.watch, timeout=10)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def numbers(self):
        """{name{labels}: value}, after the format was looked at."""
        answer, text = self.fetch()
        assert answer.status == 200 and answer.getheader("Content-Type").startswith("text/plain; version=0.0.4"), answer.getheaders()
        found, kinds, order = {}, {}, []
        for line in text.splitlines():
            if line.startswith("# "):
                what, name, rest = line[2:].split(" ", 2)
                if what == "TYPE":
                    assert name not in kinds and rest in ("counter", "gauge", "histogram"), line
                    kinds[name] = rest
                continue
            match = LINE.match(line)
            assert match, line
            key = match.group(1) + ("{%s}" % match.group(2) if match.group(2) else "")
            assert key not in found, line
            found[key] = float(match.group(3))
            order.append(re.sub(r"_(bucket|sum|count)$", "", match.group(1)) if re.sub(r"_(bucket|sum|count)$", "", match.group(1)) in kinds else match.group(1))
        assert set(order) <= set(kinds), set(order) - set(kinds)
        families = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
        assert len(families) == len(set(families)), "the values of a family stand together"
        self.check_histograms(found, kinds)
        self.check_privacy(text)
        return found

    def check_histograms(self, found, kinds):
        for name in [n for n, kind in kinds.items() if kind == "histogram"]:
            for labels in {re.sub(r',?le="[^"]*"', "", k[len(name + "_bucket"):]) for k in found if k.startswith(name + "_bucket")}:
                rows = [v for k, v in found.items() if k.startswith(name + "_bucket") and re.sub(r',?le="[^"]*"', "", k[len(name + "_bucket"):]) == labels]
                assert rows == sorted(rows) and len(rows) > 5
                assert rows[-1] == found[name + "_count" + (labels if labels != "{}" else "")], (name, labels)

    def check_privacy(self, text):
        assert "@" not in text and "anna" not in text.lower() and "example" not in text and "Fri" not in text
        assert not re.search(r"[A-Za-z0-9_-]{43}|/l/", re.sub(r"(?m)^# .*$", "", text).replace("process_resident_memory_bytes", "")), text
        values = set(re.findall(r'="([^"]*)"', text))
        assert all(re.fullmatch(r"[a-z -]+|[0-9.]+|[0-9]+e[+-][0-9]+|\+Inf", v) for v in values), values

    def until(self, condition, seconds=20):
        end = time.time() + seconds
        while time.time() < end:
            n = self.numbers()
            if condition(n):
                return n
            time.sleep(0.1)
        raise AssertionError({k: v for k, v in n.items() if "bucket" not in k})

    def close(self):
        if self.server:
            self.server.stop(signal.SIGKILL)
            os.unlink(self.server.log.name)
        self.peer.stop()
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)


@with_one(Site)
def test_what_happened_is_counted(site):
    site.server = Server("serve", site.path)
    first = site.numbers()
    assert first["stafet_transitions_total"] == 0 and first["stafet_store_readable"] == 1 and 'stafet_http_requests_total{status="404"}' not in first
    assert "stafet_inbox_connected" not in first and 'stafet_relay_rests{relay="sms"}' not in first
    for _ in range(7):
        assert site.server.get("/").status == 200
    assert site.server.get("/nothing").status == 404
    walk(site.server, "/start/leave-request", application(1))
    n = site.until(lambda n: n['stafet_sends_total{channel="mail",outcome="sent"}'] == 1)
    assert n['stafet_http_requests_total{status="404"}'] == 1
    assert n['stafet_http_requests_total{status="200"}'] >= 9
    assert n['stafet_http_seconds_count{kind="change"}'] >= 2 and n['stafet_http_seconds_count{kind="page"}'] >= 9
    answered = sum(v for k, v in n.items() if k.startswith("stafet_http_requests_total"))
    assert answered == n['stafet_http_seconds_count{kind="change"}'] + n['stafet_http_seconds_count{kind="page"}'], n
    assert n["stafet_transitions_total"] == 1 and n["stafet_commit_seconds_count"] >= 3 and n["stafet_commit_seconds_sum"] > 0
    assert n['stafet_outbox{channel="mail",state="queued"}'] == 0 and n['stafet_relay_rests{relay="mail"}'] == 0
    assert n['stafet_writer_jobs_total{result="done"}'] >= 3 and n['stafet_writer_jobs_total{result="failed"}'] == 0
    assert n["stafet_store_bytes"] > 100000 and n["stafet_wal_bytes"] > 0 and n["stafet_disk_free_bytes"] > 0 and n["process_resident_memory_bytes"] > 1e6
    # The relay dies: what is meant for it waits, and that shows.
    site.peer.process.terminate()
    site.peer.process.wait(10)
    for number in range(2, 5):
        walk(site.server, "/start/leave-request", application(number))
    n = site.until(lambda n: n['stafet_relay_rests{relay="mail"}'] == 1)
    assert n['stafet_outbox{channel="mail",state="queued"}'] + n['stafet_outbox{channel="mail",state="leased"}'] == 3, n
    assert n['stafet_sends_total{channel="mail",outcome="sent"}'] == 1


@with_one(Site)
def test_nothing_else_is_there(site):
    site.server = Server("serve", site.path)
    for method, path, status in (("GET", "/", 404), ("GET", "/metrics/", 404), ("GET", "/l/x", 404), ("POST", "/metrics", 405), ("DELETE", "/metrics", 405), ("GET", "/metrics?x=1", 200)):
        answer, _ = site.fetch(method, path)
        assert answer.status == status, (method, path, answer.status)
    answer, text = site.fetch("HEAD")
    assert answer.status == 200 and text == "" and int(answer.getheader("Content-Length")) > 1000
    assert site.server.get("/metrics").status == 404
    # Who says nothing, or says it slowly, is not waited for.
    for said in (b"", b"GET /metrics HT", b"G" * 20000, b"\0\xff\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", site.watch)) as slow:
            try:
                slow.sendall(said)
                begin = time.time()
                assert site.fetch()[0].status == 200
                assert time.time() - begin < 5
            except ConnectionError:
                pass
    with socket.create_connection(("127.0.0.1", site.watch)):
        begin = time.time()
        assert site.server.stop() == 0
        assert time.time() - begin < 5
    os.unlink(site.server.log.name)
    site.server = None


@with_one(Site)
def test_for_this_computer_alone(site):
    for wrong in ("0.0.0.0:9101", "'[::]:9101'", "10.1.2.3:9101", "example.dk:9101", "9101"):
        site.configure("metrics: " + wrong)
        done = run("serve", site.path, check=False)
        assert done.returncode == 1 and "metrics: expected an address of this computer alone" in done.stdout, (wrong, done)
    # A port that is taken is told before anything is served.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", site.watch))
        taken.listen()
        site.configure("metrics: 127.0.0.1:%d" % site.watch)
        done = run("serve", site.path, check=False)
        assert done.returncode == 1 and "metrics: cannot listen on 127.0.0.1:%d" % site.watch in done.stdout and "event=ready" not in done.stdout, done
    path = os.path.join(site.path, "stafet.yaml")
    text = open(path, encoding="utf-8").read()
    open(path, "w", encoding="utf-8").write(re.sub(r"(?m)^  metrics:.*\n", "", text))
    site.server = Server("serve", site.path)
    try:
        site.fetch()
        raise AssertionError("it is on, though nobody asked for it")
    except ConnectionRefusedError:
        pass


main([test_what_happened_is_counted, test_nothing_else_is_there, test_for_this_computer_alone])
