"""Sending mail when something is in the way: a slow relay, a relay that is gone, a domain that asks for less, a process that dies between the dot and the 250."""
import base64, collections, os, re, signal, socket, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mailing import Office, Sink, parse
from stafet import Peer, free_port, main

MAIL = "channel = 1"
UNSENT = "state IN ('queued', 'leased', 'begun')"


def people(domain, count, name="ida"):
    return ["%s%d@%s" % (name, i, domain) for i in range(count)]


def message_id(row):
    return parse(base64.b64decode(row["base64"]))["Message-ID"]


def copies(peer, address):
    return [m for m in peer.messages() if address in m["rcpt_to"]]


def each_once(peer, addresses):
    got = collections.Counter(m["rcpt_to"][0] for m in peer.messages())
    assert all(got[a] == 1 for a in addresses), {a: got[a] for a in addresses if got[a] != 1}


def test_a_relay_slow_after_the_dot_delays_nobody_else():
    """All connections wait for a relay that thinks for five seconds after each dot. Meanwhile pages open, an SMS goes, and a code goes."""
    gateway = Peer("sms_peer.py")
    try:
        with Sink("-W", ".:5") as sink, Office(sink.port, gateway=gateway.port) as office:
            server = office.start()
            office.order(readers=people("example.dk", 40))
            office.wait(MAIL + " AND state = 'begun'", 4)
            slowest = 0
            for path in ("/", "/home/otplogin", "/healthz") * 3:
                since = time.time()
                assert server.get(path).status == 200
                slowest = max(slowest, time.time() - since)
            office.order(phones=["+4520123456"])
            office.ask_for_code()
            assert len(gateway.wait(1)) == 1
            office.wait("priority = 0 AND state IN ('begun', 'sent')", 1)
            # None of this had to wait for the mailing: hardly any of it was taken by then.
            assert office.count("priority <> 0 AND state = 'sent' AND " + MAIL) <= 8
            assert slowest < 3, slowest
            office.wait("priority = 0 AND state = 'sent'", 1)
            assert office.count("state = 'queued' AND " + MAIL) >= 24
            server.stop()  # waits for what is under way; the rest is there after the next start
            assert office.count("state IN ('leased', 'begun')") == 0
    finally:
        gateway.stop()


def test_killed_between_the_dot_and_the_answer():
    """The relay has the message, nobody knows: a link and a code go again with their Message-ID, once; for the rest an operator decides."""
    with_link, without, code = "hang-once.link@example.dk", "hang-once.news@example.dk", "hang-once.code@example.dk"
    peer = Peer("smtp_peer.py")
    try:
        with Office(peer.port) as office:
            office.start()
            office.order(asked=[with_link], readers=[without])
            office.order(office=code)
            office.ask_for_code(code)
            assert len(peer.wait(3)) == 3
            office.stop(signal.SIGKILL)
            before = {row["rcpt_to"][0]: row for row in peer.messages()}
            assert office.count("state = 'begun'") == 3
            office.start()
            office.wait("state = 'queued'", 2)
            states = dict(office.query("SELECT recipient, state FROM outbox WHERE channel = 1 AND recipient LIKE 'hang-once%' AND state <> 'sent'"))
            assert states == {with_link: "queued", without: "unknown", code: "queued"}, states
            told = office.outbox()
            assert re.search(r"unknown .*%s" % without, told), told
            number = office.query("SELECT id FROM outbox WHERE recipient = ?", without)[0][0]
            assert "nobody can know whether it arrived" in office.outbox("explain", str(number))
            time.sleep(1)
            assert len(peer.messages()) == 3
            office.stop()
            waits = dict(office.query("SELECT recipient, next_at - ? FROM outbox WHERE state = 'queued'", int(time.time() * 1000)))
            assert 10 * 60000 < waits[with_link] < 15 * 60000 and waits[code] < 60000, waits
            office.later("UPDATE outbox SET next_at = next_at - 900000 WHERE state = 'queued'")
            office.start()
            office.wait("state = 'sent' AND recipient LIKE 'hang-once%'", 2)
            assert "is sent now" in office.outbox("retry", str(number))
            office.wait("state = 'sent' AND recipient LIKE 'hang-once%'", 3)
            for address in (with_link, without, code):
                first, second = copies(peer, address)
                assert message_id(first) == message_id(second) == message_id(before[address]), address
            link = r"http://\S+/l/[A-Za-z0-9_-]{43}"
            texts = [parse(base64.b64decode(m["base64"])).get_body(("plain",)).get_content() for m in copies(peer, with_link)]
            assert re.findall(link, texts[0]) == re.findall(link, texts[1]) != []
    finally:
        peer.stop()


def test_a_domain_that_asks_for_less():
    """What is for it waits without being touched, also over a restart; others and a code go on; then it is resumed, and nothing is lost or doubled."""
    peer = Peer("smtp_peer.py")
    busy, others = people("busy.dk", 12) + people("busy.dk", 3, "bo"), people("other.dk", 30)
    turned_away = os.path.join(peer.folder, "turned-away")
    asked = lambda: open(turned_away).read().count("\n")
    try:
        with open(os.path.join(peer.folder, "busy"), "w") as f:
            f.write("busy.dk 421 4.7.0 Slow down, please\n")
        with Office(peer.port) as office:
            office.start()
            office.order(readers=busy + others, office="chef@busy.dk")
            office.wait("state = 'sent'", len(others))
            each_once(peer, others)
            assert office.count("state = 'queued'") == len(busy)
            tried = office.query("SELECT sum(attempts) FROM outbox WHERE state = 'queued'")[0][0]
            assert 1 <= asked() == tried <= 5, (asked(), tried)  # as many as there are connections
            told = office.outbox()
            assert "busy.dk asks to slow down: nothing is sent to it before" in told and "421 4.7.0" in told, told
            number = office.query("SELECT id FROM outbox WHERE state = 'queued' AND attempts = 0")[0][0]
            assert re.search(r"waits +busy.dk asks to slow down", office.outbox("explain", str(number)))
            assert office.log().count("event=domain-slowed") == 1
            os.unlink(os.path.join(peer.folder, "busy"))  # it would take mail again, but nobody knows
            office.ask_for_code("chef@busy.dk")
            office.wait("state = 'sent' AND priority = 0", 1)
            office.stop()
            office.start()
            fence = office.query("SELECT sum(fence) FROM outbox")
            time.sleep(2)
            assert office.query("SELECT sum(fence) FROM outbox") == fence, "they are leased and put back"
            assert office.count("state = 'queued'") == len(busy)
            office.stop()
            office.later("UPDATE paces SET open_at = open_at - 60000")
            office.later("UPDATE outbox SET next_at = next_at - 120000 WHERE state = 'queued' AND attempts > 0")
            office.start()
            office.wait("state = 'sent' AND priority <> 0", len(busy) + len(others))
            each_once(peer, busy + others)
            assert asked() == tried
    finally:
        peer.stop()


class Sick:
    """A relay that takes connections and closes them at once: how often it is asked, and by how many at a time."""

    def __init__(self, port):
        self.server = socket.create_server(("127.0.0.1", port))
        self.asked = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.asked.append(time.time())
            connection.close()

    def heal(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def test_a_relay_that_is_gone_for_a_while():
    port, readers = free_port(), people("example.dk", 60)
    sick, peer = Sick(port), None
    try:
        with Office(port) as office:
            office.start()
            office.order(readers=readers)
            time.sleep(7)
            told, log = office.outbox("--limit", "1"), office.log()
            assert re.search(r"mail does not work: \d+ failures in a row, asked again by one message at", told), told
            assert log.count("event=relay-down") == 1 and log.count("event=message-settled") == 0, log
            # Every connection finds out once; then it is one message at a time, ever more seldom.
            assert 3 <= len(sick.asked) <= 10, sick.asked
            asked = sick.asked[-2:]
            assert asked[1] - asked[0] > 0.8, sick.asked
            assert office.query("SELECT sum(attempts) FROM outbox WHERE state = 'queued'")[0][0] == 0
            assert office.query("SELECT count(DISTINCT next_at) FROM outbox")[0][0] == 1  # nobody's own waiting has begun
            sick.heal()
            peer = Peer("smtp_peer.py", "--port", str(port))
            office.stop()  # whoever restarts it does not wait for the next probe
            office.start()
            office.wait("state = 'sent'", len(readers))
            each_once(peer, readers)
            assert office.query("SELECT max(attempts) FROM outbox")[0][0] == 1
            assert office.log().count("event=relay-up") == 1
            assert "does not work" not in office.outbox()
    finally:
        if peer:
            peer.stop()


def test_a_fallback_takes_over():
    """The relay takes a mail, and dies without a word; so it is used no more. What it has goes through it alone, the rest through the other."""
    port, readers = free_port(), people("example.dk", 30)
    peer, second, back = Peer("smtp_peer.py", "--port", str(port)), Peer("smtp_peer.py", "--pipelining"), None
    maybe = "drop@example.dk"
    try:
        with Office(port, mail="  fallback: {relay: 'smtp://127.0.0.1:%d', tls: off}\n" % second.port) as office:
            office.start()
            office.order(asked=[maybe])
            office.wait("state = 'queued' AND uncertain = 1", 1)
            kept = peer.messages()
            peer.stop()
            office.order(readers=readers)
            office.wait("state = 'sent'", len(readers))
            each_once(second, readers)
            told = office.outbox()
            assert "mail does not work" in told and "fallback" not in told, told
            assert "event=relay-down relay=mail " in office.log()
            office.stop()
            office.later("UPDATE outbox SET next_at = 0 WHERE state = 'queued'")
            office.start()
            time.sleep(4)
            office.wait("state IN ('queued', 'leased', 'begun') AND uncertain = 1", 1)
            assert not copies(second, maybe)
            back = Sink(port=port)
            office.wait("state = 'sent' AND uncertain = 1", 1)
            again = [d for d in back.dumps() if d[0]["X-Rcpt-Args"] == ["<%s>" % maybe]]
            assert len(kept) == len(again) == 1 and message_id(kept[0]) == parse(again[0][1])["Message-ID"]
            office.order(readers=["late@example.dk"])
            office.wait("state = 'sent'", len(readers) + 2)
            assert not copies(second, "late@example.dk")
    finally:
        second.stop()
        if back:
            back.stop()
        if peer.process.poll() is None:
            peer.stop()


def test_a_code_overtakes_two_thousand():
    """Even where the relay takes ten mails a second: the code is counted, but does not wait."""
    peer = Peer("smtp_peer.py")
    try:
        with Office(peer.port, mail="  per_minute: 600\n") as office:
            office.start()
            for i in range(2):
                office.order(readers=people("example.dk", 1000, "ida%d-" % i), office="office@example.dk")
            since = time.time()
            office.ask_for_code()
            office.wait("state = 'sent' AND priority = 0", 1)
            assert time.time() - since < 10
            waiting = office.count("state = 'queued'")
            assert waiting > 1000, waiting
            got = peer.messages()
            assert sum("office@example.dk" in m["rcpt_to"] for m in got) == 1
            # No more than it said, whatever the number of connections: a tenth of a minute's at once, then one by one.
            taken, elapsed = office.count("state = 'sent'"), time.time() - since + 5
            assert taken <= 60 + elapsed * 10 + 1, (taken, elapsed)
    finally:
        peer.stop()


def test_a_connection_ends_after_its_share_and_when_idle():
    peer = Peer("smtp_peer.py")
    readers = people("example.dk", 23)

    def open_connections():
        port = "%04X" % peer.port
        return sum(line.split()[2].endswith(":" + port) and line.split()[3] == "01" for line in open("/proc/net/tcp").readlines()[1:])

    try:
        with Office(peer.port, mail="  per_connection: 5\n  connections: 2\n  idle_seconds: 2\n") as office:
            office.start()
            office.order(readers=readers)
            office.wait("state = 'sent'", len(readers))
            used = collections.Counter(m["peer"] for m in peer.messages())
            assert max(used.values()) == 5 and len(used) <= 8, used
            each_once(peer, readers)
            end = time.time() + 10
            while open_connections() > 0 and time.time() < end:
                time.sleep(0.1)
            assert open_connections() == 0
            office.order(readers=["late@example.dk"])
            office.wait("state = 'sent'", len(readers) + 1)
    finally:
        peer.stop()


main([test_a_relay_slow_after_the_dot_delays_nobody_else, test_killed_between_the_dot_and_the_answer, test_a_domain_that_asks_for_less,
      test_a_relay_that_is_gone_for_a_while, test_a_fallback_takes_over, test_a_code_overtakes_two_thousand, test_a_connection_ends_after_its_share_and_when_idle])
