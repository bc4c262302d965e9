#!/usr/bin/python3
"""A small round of the shipped selection in which the program dies in a commit, is started again and catches up: the allotment is the one that tests/model/allocation.py
finds, nobody is told anything twice or not at all, and all of it replays. FAULT=all: it dies in every commit, one after the other; else in some, by SEED, for FAULT_SECONDS."""
import collections, datetime, json, os, random, shutil, signal, sqlite3, sys, tempfile, time, zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "model")]
from story import KILL, SHIM, Order
from load import Mailbox
import rounds as model
from allocation import Round
from stafet import Peer, Server, main, make_site, package, run, walk

ZONE = zoneinfo.ZoneInfo("Europe/Copenhagen")
BEGIN = datetime.datetime(2027, 2, 15, 10)
ABOUT = 40  # commits of a round
SLOWEST = 60
PEOPLE = [{"id": "p%d" % i, "number": number, "assigned": "2026-08-15", "couple": couple, "special": special}
          for i, (number, couple, special) in enumerate([(5, "", False), (9, "par", False), (2, "", False), (None, "", True), (14, "par", False), (7, "", True)])]
POSTS = [{"id": "s%d" % i, "places": (place, place), "voluntary": i == 2} for i, place in enumerate((model.PLACES * 2)[:9])]


def expected(seed, references):
    return Round(PEOPLE, POSTS, model.TERMS, lambda person, *lists: model.drawn(seed, references[person], *lists))


class Site:
    """A round that has begun, as each run finds it."""

    def __init__(self):
        assert os.path.exists(SHIM), "make build/release/fault.so"
        self.folder = tempfile.mkdtemp(prefix="stafet-round-")
        os.chmod(self.folder, 0o755)
        self.order = Order(self.folder)
        self.smtp, self.sms = Peer("smtp_peer.py"), Peer("sms_peer.py")
        token = os.path.join(self.folder, "token")
        with open(token, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("t0p-secret\n")
        self.site, _ = make_site([package("selection")], "mail:\n  from_name: Valg\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n"
                                 "sms:\n  gateway: gatewayapi\n  url: http://127.0.0.1:%d/rest/mtsms\n  from: Valg\n  token_file: %s\n" % (self.smtp.port, self.sms.port, token), folder=self.folder)
        self.fresh = self.site + "-fresh"

    def prepare(self):
        self.at(BEGIN)
        self.start()
        try:
            self.enrol()
        finally:
            self.server.stop()
        shutil.copytree(self.site, self.fresh)

    def close(self):
        self.smtp.stop()
        self.sms.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def enrol(self):
        model.write_people(os.path.join(self.folder, "people.csv"), PEOPLE)
        model.write_posts(os.path.join(self.folder, "posts.csv"), POSTS)
        for register, path in (("participants", "people.csv"), ("posts", "posts.csv"), ("staff", os.path.join(model.PACKAGE, "round", "staff.csv"))):
            run("import", "round." + register, os.path.join(self.folder, path), site=self.site)
        path = os.path.join(self.folder, "start.json")
        with open(path, "w") as f:
            json.dump(model.announced(model.TERMS, "2. runde 2027"), f)
        run("start", "round", "--data", path, site=self.site)
        mailbox = Mailbox(self.smtp.folder)
        self.smtp.wait(1)
        mailbox.poll()
        walk(self.server, mailbox.rows[0]["links"][0], {"confirmed": "true"})

    def start(self):
        self.server = Server("serve", self.site, env=dict(os.environ, LD_PRELOAD=SHIM, STAFET_FAULT=self.order.path))

    def at(self, local):
        self.now = local.replace(tzinfo=ZONE).timestamp()
        self.order.set_clock(int(self.now - time.time()) + 1)

    def query(self, sql, *values):
        db = sqlite3.connect("file:%s/data/stafet.db?mode=ro" % self.site, uri=True, timeout=5)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def due(self):
        return self.query("SELECT (SELECT count(*) FROM timers WHERE due_at <= ?) + (SELECT count(*) FROM mailbox WHERE held = 0)", int(self.now * 1000))[0][0]

    def start_again(self):
        """At its start it catches up with what is due. True: it died in that."""
        try:
            self.start()
            return False
        except AssertionError as problem:
            assert "exit -9" in str(problem), problem
            self.order.take_back()
            self.start()
            return True

    def go_on(self):
        """Until nothing is due; whoever died is started again. True: it died."""
        end, died = time.time() + SLOWEST, self.start_again()
        while self.due() or self.server.process.poll() is not None:
            if self.server.process.poll() is not None:
                died = True
                self.order.take_back()
                self.start()
            assert time.time() < end, "it does not go on"
            time.sleep(0.01)
        if self.server.stop() != 0: # it died while it was stopped
            self.order.take_back()
            return True
        return died

    def play(self, nth):
        """The whole round, dying in its nth commit (0: never). True: it died."""
        shutil.rmtree(self.site)
        shutil.copytree(self.fresh, self.site)
        self.at(BEGIN)
        self.order.give("sync", ".db-wal", nth, KILL if nth else 0)
        died = False
        try:
            for at in INSTANTS:
                self.at(at)
                died = self.go_on() or died
            self.order.take_back()
        finally:
            if self.server.process.poll() is None:
                self.server.stop(signal.SIGTERM)
        return died

    def told(self):
        return collections.Counter(self.query("SELECT message, recipient FROM outbox WHERE instance_id IS NOT NULL"))

    def judge(self):
        cases = [(reference, state, json.loads(data)) for reference, state, data in self.query("SELECT reference, state, data FROM instances WHERE workflow = 'choice'")]
        (state, data), = self.query("SELECT state, data FROM instances WHERE workflow = 'round'")
        assert state == "done", state
        wanted = expected(bytes.fromhex(json.loads(data)["draw_seed"]), {case["person"]: reference for reference, _, case in cases}).run([])
        got = {case["person"]: (state, (case.get("post") or {}).get("key"), case.get("chosen_by")) for _, state, case in cases}
        assert got == wanted, (got, wanted)
        made = self.query("SELECT name, version, addendum, count(*), count(DISTINCT instance_id) FROM documents GROUP BY 1, 2, 3")
        posts = sum(post is not None for _, post, _ in got.values())
        assert made == [("agreement", 1, 0, posts, posts)], made
        assert "0 faults" in run("verify", site=self.site).stdout and " 0 faults" in run("replay", site=self.site).stdout


def instants():
    """Each at which anything may be due, by the model, and a day after the last."""
    idle = expected(bytes(32), {p["id"]: p["id"] for p in PEOPLE})
    idle.run()
    days = [datetime.datetime(2027, 3, 1, 9), datetime.datetime(2027, 3, 18, 9)]
    return sorted(set(days) | idle.instants) + [max(idle.instants) + datetime.timedelta(days=1)]


INSTANTS = instants()


def test_it_dies_in_a_commit():
    seed = os.environ.get("SEED", str(random.randrange(1 << 30)))
    random.seed(seed)
    print("SEED=%s" % seed, flush=True)
    site = Site()
    try:
        site.prepare()
        assert not site.play(0)
        site.judge()
        told = site.told()
        every, end, nth, runs = os.environ.get("FAULT") == "all", time.time() + float(os.environ.get("FAULT_SECONDS", "12")), 0, 0
        while every or time.time() < end:
            nth = nth + 1 if every else random.randint(1, ABOUT)
            died = site.play(nth)
            site.judge()
            assert site.told() == told, (nth, site.told() - told, told - site.told())
            runs += died
            if every and not died:
                break
        print("it died in %d commits" % runs)
        assert runs > 0
    finally:
        site.close()


main([test_it_dies_in_a_commit])
