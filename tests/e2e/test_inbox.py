"""The site's mailbox (a real Dovecot): bounces find their message by signed address or Message-ID; forged, automatic, hostile and personal mail does no harm."""
import base64, datetime, email, email.policy, glob, html, json, os, re, shutil, signal, sqlite3, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from mailing import Office, Sink, parse
from stafet import PYTHON, ROOT, Peer, Server, main, make_site, package, run, walk
import imap_peer

CORPUS = os.path.join(ROOT, "tests", "fuzz", "corpus", "arrival")


class Mailbox:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="stafet-mailbox-")
        self.open()

    def open(self):
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen([PYTHON, os.path.join(ROOT, "tests", "peers", "imap_peer.py"), self.folder], stdout=subprocess.PIPE, env=env)
        line = self.process.stdout.readline().decode()
        self.port, self.tls = (int(n) for n in re.findall(r"\d+", line))

    def put(self, text):
        """A list is a mail in pieces."""
        imap_peer.put(self.folder, text.encode() if isinstance(text, str) else text)

    def flags(self):
        """The flags of each mail, in order of arrival."""
        names = [name for part in ("new", "cur") for name in os.listdir(os.path.join(self.folder, "mail", part))]
        return [name.partition(":2,")[2] for name in sorted(names, key=lambda n: int(re.search(r"_(\d+)\.test", n).group(1)))]

    def close(self):
        self.process.terminate()
        self.process.wait(15)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def config(self, url=None, more=""):
        return "  bounce_address: retur@skole.example\ninbox:\n  url: %s\n  user: retur\n  password_file: %s/password\n%s" % (
            url or "imap://127.0.0.1:%d" % self.port, self.folder, more)


def corpus(name, **changes):
    text = open(os.path.join(CORPUS, name + ".eml"), encoding="utf-8").read()
    for old, new in changes.pop("replace", {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def until(what, seconds=60):
    end = time.time() + seconds
    while not what() and time.time() < end:
        time.sleep(0.05)
    assert what(), what


def ready(office):
    until(lambda: "event=inbox-open" in office.log())


def link_in(text):
    return re.search(r"/l/[A-Za-z0-9_-]{43}", text).group(0)


def arrivals(office):
    return office.query("SELECT kind, outcome, outbox_id, sender, text FROM arrivals WHERE kind <> 'start' ORDER BY id")


def bounced(office):
    return {a for a, in office.query("SELECT value FROM contacts WHERE bounced_at IS NOT NULL")}


def sent(office, sink, *readers):
    """{address: (envelope sender, Message-ID, id in the outbox)}"""
    office.order(readers=list(readers))
    office.wait("state = 'sent'", len(readers))
    found = {}
    for head, raw in sink.wait(len(readers)):
        to = re.search(r"<(.*)>", head["X-Rcpt-Args"][0]).group(1)
        row, = office.query("SELECT id FROM outbox WHERE recipient = ?", to)
        found[to] = (re.search(r"<(.*?)>", head["X-Mail-Args"][0]).group(1), parse(raw)["Message-ID"], row[0])
    return found


def test_a_bounce_finds_its_message():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        mails = sent(office, sink, "mester@snedker.example", "leder@firma.example", "vejleder@kommune.example", "svend@gmail.example", "ida@x.example")
        assert len({m[0] for m in mails.values()}) == 5 and all(re.fullmatch(r"retur\+[0-9a-f.]+@skole\.example", m[0]) for m in mails.values()), mails
        # By the signed address, also where a server has folded its case; by the Message-ID, where a server has dropped what stands behind the +.
        mailbox.put(corpus("postfix-no-such-user", replace={"To: retur+m1@skole.example": "To: " + mails["mester@snedker.example"][0].upper()}))
        mailbox.put(corpus("exim-plain", replace={"To: retur+m3@skole.example": "To: " + mails["leder@firma.example"][0]}))
        mailbox.put(corpus("microsoft-365", replace={"<retur+m4@skole.example>": "<retur@skole.example>",
                                                     "<fedcba98765432100123456789abcdef@skole.example>": mails["vejleder@kommune.example"][1]}))
        mailbox.put(corpus("gmail", replace={"retur+m5@skole.example": mails["svend@gmail.example"][0]}))
        until(lambda: len(arrivals(office)) == 4)
        assert [(k, o, i) for k, o, i, _, _ in arrivals(office)] == [
            ("report", "failed", mails["mester@snedker.example"][2]), ("report", "failed", mails["leder@firma.example"][2]),
            ("report", "failed", mails["vejleder@kommune.example"][2]), ("report", "expired", mails["svend@gmail.example"][2])], arrivals(office)
        # A full mailbox and one that is switched off say nothing against the address.
        assert bounced(office) == {"mester@snedker.example", "vejleder@kommune.example"}, bounced(office)
        told = office.outbox("explain", str(mails["mester@snedker.example"][2]))
        assert "User unknown" in told, told
        assert "User unknown" not in office.outbox("explain", str(mails["ida@x.example"][2]))
        until(lambda: mailbox.flags() == ["S"] * 4)


def test_what_is_not_ours_changes_nothing():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        mailbox.put("From: old@x.example\nSubject: from before\n\nx\n")
        office.start()
        ready(office)
        mails = sent(office, sink, "mester@snedker.example", "ida@x.example")
        head, _, mac = mails["mester@snedker.example"][0].rpartition("@")[0].rpartition(".")
        other = "retur+1.%x.%s@skole.example" % (mails["ida@x.example"][2], mac)
        wrong = {"other's": other, "no tag": "retur+@skole.example", "short": head + ".@skole.example", "long": head + "." + "f" * 40 + "@skole.example",
                 "elsewhere": mails["ida@x.example"][0].replace("skole.example", "evil.example"), "huge": "retur+1.ffffffffffffffffff.%s@skole.example" % mac}
        for to in wrong.values():
            mailbox.put(corpus("postfix-no-such-user", replace={"To: retur+m1@skole.example": "To: " + to}))
        mailbox.put(corpus("absence"))
        mailbox.put(corpus("person"))
        mailbox.put("From: x@y.example\nSubject: /l/%s\n\nSe https://svar.example/l/%s\n" % ("A" * 43, "B" * 43))
        mailbox.put(b"\x00\xff\xfe" * 1000)
        mailbox.put(b"From: big@x.example\n\n" + b"x" * (26 << 20))
        mailbox.put("From: last@x.example\nSubject: the end\n\nx\n")
        until(lambda: arrivals(office) and arrivals(office)[-1][3] == "last@x.example", 60)
        rows = arrivals(office)
        assert [r[:3] for r in rows] == [("report", "not-ours", None)] * 6 + [("automatic", "noted", None), ("person", "noted", None), ("person", "noted", None),
                                                                            ("unreadable", "noted", None), ("unreadable", "noted", None), ("person", "noted", None)], rows
        assert rows[7][4] == "Hej,\n\ndet er ikke mig, men Søren." and "BBB" not in rows[8][4] and "/l/***" in rows[8][4]
        assert not bounced(office) and office.query("SELECT count(*) FROM reports") == [(0,)]
        until(lambda: mailbox.flags() == [""] + ["S"] * 7 + ["", "", "F", "F", ""])
        time.sleep(1)
        assert len(sink.dumps()) == 2  # nobody was answered


def number_anew(mailbox, office, meanwhile):
    """The mailbox was restored from a copy; a mail came meanwhile."""
    office.stop()
    port = mailbox.port
    mailbox.close()
    for name in glob.glob(os.path.join(mailbox.folder, "mail", "dovecot*")):
        os.unlink(name)
    mailbox.put(meanwhile)
    mailbox.open()
    path = os.path.join(office.site, "stafet.yaml")
    text = open(path, encoding="utf-8").read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("imap://127.0.0.1:%d" % port, "imap://127.0.0.1:%d" % mailbox.port))
    office.start()


def test_each_mail_counts_once():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        mails = sent(office, sink, "mester@snedker.example")
        bounce = corpus("postfix-delayed", replace={"retur+m2@skole.example": mails["mester@snedker.example"][0], "Subject: Delayed": "Message-ID: <delayed@mx.skole.example>\nSubject: Delayed"})
        mailbox.put(bounce)
        until(lambda: len(arrivals(office)) == 1)
        office.stop(signal.SIGKILL)
        mailbox.put(corpus("postfix-no-such-user", replace={"To: retur+m1@skole.example": "To: " + mails["mester@snedker.example"][0]}))
        office.start()
        until(lambda: len(arrivals(office)) == 2)
        assert [r[1] for r in arrivals(office)] == ["on-way", "failed"]
        assert office.query("SELECT count(*) FROM reports") == [(2,)]
        # Restored from a copy it has new numbers: what was noted before does not count again, what came meanwhile does.
        number_anew(mailbox, office, corpus("absence"))
        until(lambda: len(arrivals(office)) == 5)
        assert [r[1] for r in arrivals(office)] == ["on-way", "failed", "seen-before", "seen-before", "noted"] and office.query("SELECT count(*) FROM reports") == [(2,)], arrivals(office)


def test_what_can_never_be_done_is_set_aside():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        mails = sent(office, sink, "mester@snedker.example")
        office.stop()
        office.later("UPDATE outbox SET instance_id = 999999")  # a store that somebody has put a hand to
        mailbox.put(corpus("postfix-no-such-user", replace={"To: retur+m1@skole.example": "To: " + mails["mester@snedker.example"][0]}))
        mailbox.put(corpus("absence"))
        office.start()
        until(lambda: len(arrivals(office)) == 2)
        assert [r[0] for r in arrivals(office)] == ["unreadable", "automatic"] and "event=mail-set-aside" in office.log(), arrivals(office)
        until(lambda: mailbox.flags() == ["F", "S"])
        assert office.query("SELECT count(*) FROM reports") == [(0,)]


def test_what_came_in_long_ago_goes():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        mailbox.put(corpus("person"))
        mailbox.put(corpus("absence"))
        until(lambda: len(arrivals(office)) == 2)
        office.stop()
        office.later("UPDATE arrivals SET at = at - 366 * 86400000 WHERE kind = 'person'")
        office.start()
        until(lambda: arrivals(office)[0] == ("gone", "noted", None, "", ""))
        listed = run("inbox", site=office.site).stdout
        assert arrivals(office)[1][0] == "automatic" and "person" not in listed and "automatic" in listed, listed
        mailbox.put("From: ida@x.example\nSubject: hej\n\nx\n")
        until(lambda: len(arrivals(office)) == 3)


def test_only_a_verified_server_is_told_the_password():
    with Mailbox() as mailbox, Sink() as sink:
        url = "imaps://localhost:%d" % mailbox.tls
        with Office(sink.port, mailbox.config(url)) as office:
            office.start()
            until(lambda: "event=inbox-down" in office.log())
            time.sleep(0.5)
            assert "event=inbox-open" not in office.log() and office.log().count("event=inbox-down") == 1, office.log()
            assert "Login:" not in open(os.path.join(mailbox.folder, "dovecot.log")).read()
        with Office(sink.port, mailbox.config(url, "  ca_file: %s/cert.pem\n" % mailbox.folder)) as office:
            office.start()
            ready(office)
            mailbox.put("From: ida@x.example\nSubject: hej\n\nx\n")
            until(lambda: len(arrivals(office)) == 1)


def text_to(peer, address, words):
    """The newest mail to that address whose text has these words; waits for it."""
    end = time.time() + 20
    while time.time() < end:
        for mail in reversed(peer.messages()):
            text = email.message_from_bytes(base64.b64decode(mail["base64"]), policy=email.policy.default).get_body(("plain",)).get_content()
            if address in mail["rcpt_to"] and words in text:
                return text, mail["mail_from"]
        time.sleep(0.05)
    raise AssertionError("no mail to %s says '%s'; there are %s" % (address, words, [m["rcpt_to"] for m in peer.messages()]))


def test_an_answer_by_mail_is_an_event():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        reference = office.order(asked=["mester@snedker.example", "ida@x.example"])
        found = {re.search(r"<(.*)>", head["X-Rcpt-Args"][0]).group(1): parse(raw)["Message-ID"] for head, raw in sink.wait(2)}
        ours = "<0123456789abcdef0123456789abcdef@skole.example>"
        answer = corpus("person").replace(ours, found["mester@snedker.example"])
        stranger = answer.replace("Mester@Snedker.Example", "svend@snedker.example").replace("<CAF-1@", "<CAF-2@")
        absence = corpus("absence", replace={ours: found["mester@snedker.example"]})
        more = [answer.replace("<CAF-1@", "<CAF-x%d@" % i).replace("SGVq", "SGV5") for i in range(7)]
        for mail in [stranger, absence, answer, more[0]]:
            mailbox.put(mail)
        until(lambda: len(arrivals(office)) == 4)
        office.stop()
        office.later("UPDATE outbox SET sent_at = sent_at - 60000")
        office.start()
        for mail in more[1:]:
            mailbox.put(mail)
        until(lambda: len(arrivals(office)) == 10)
        assert [r[1] for r in arrivals(office)] == ["from-somebody-else", "noted", "answer", "too-soon"] + ["answer"] * 4 + ["too-many"] * 2, arrivals(office)
        until(lambda: run("history", reference, site=office.site).stdout.count("written") == 5)
        told = run("inbox", "--limit", "3", site=office.site).stdout
        assert re.search(r"person .* answer +%s +Mester@snedker.example  Sv: Udfyld erklæring\n" % re.escape(reference), told) and "go on with --after" in told, told
        assert "det er ikke mig, men Søren" in office.query("SELECT data FROM instances WHERE reference = ?", reference)[0][0]
        time.sleep(0.5)
        assert len(sink.dumps()) == 2 and run("verify", site=office.site).returncode == 0


def away(office, mailbox, sink, more, seconds=8):
    """Somebody's program answers every mail of ours at once, whatever it is, with these header lines; what was sent, and what became of the answers."""
    seen, end = 0, time.time() + seconds
    while time.time() < end:
        for head, raw in sink.dumps()[seen:]:
            seen += 1
            ours = parse(raw)
            assert ours["Auto-Submitted"] == "auto-generated" and ours["X-Auto-Response-Suppress"] == "All", ours
            mailbox.put("From: bo@x.example\nTo: noreply@skole.example\nSubject: Sv: %s\nMessage-ID: <away-%d@x.example>\nIn-Reply-To: %s\nReferences: %s\n%s\nJeg er paa ferie. (%d)\n" % (
                ours["Subject"], seen, ours["Message-ID"], ours["Message-ID"], more, seen))
        time.sleep(0.05)
    return seen, [r[:2] for r in arrivals(office)]


def test_programs_that_answer_each_other_stop():
    for more, expected in (("Auto-Submitted: auto-replied\n", (1, [("automatic", "noted")])), ("Precedence: auto_reply\n", (1, [("automatic", "noted")])),
                           ("", (2, [("person", "answer"), ("person", "too-soon")]))):
        with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
            path = os.path.join(office.folder, "mailing", "workflow.yaml")
            text = open(path).read()
            written = text.replace("actions: [{set: {said: reply_text}}]", "actions: [{set: {said: reply_text}}, {send: {to: asked, message: news}}]")
            assert written != text
            open(path, "w").write(written)  # a workflow that answers each answer
            office.start()
            ready(office)
            office.order(asked=["bo@x.example"])
            assert away(office, mailbox, sink, more) == expected, (more, arrivals(office))


def main_memory(office):
    """The most that the server itself has ever held, in MB."""
    status = open("/proc/%d/status" % office.server.process.pid).read()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) // 1024


def asked_by_mail(office, sink, address):
    """(reference, Message-ID, path of the link) of a question to that address."""
    reference = office.order(asked=[address])
    mail = parse(sink.wait(1)[0][1])
    return reference, mail["Message-ID"], link_in(mail.get_body(("plain",)).get_content())


def papers(office, reference):
    data = json.loads(office.query("SELECT data FROM instances WHERE reference = ?", reference)[0][0])
    return [file["name"] for file in data.get("papers") or []]


def test_files_of_an_answer_become_the_cases_files():
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        reference, ours, link = asked_by_mail(office, sink, "ida@example.dk")
        answer = corpus("files", replace={"<0123456789abcdef0123456789abcdef@skole.example>": ours})
        for mail in (answer, answer.replace("<files-1@", "<files-2@").replace("ida@example.dk", "evil@example.dk"), answer.replace("<files-1@", "<files-3@").replace("Subject:", "Precedence: bulk\nSubject:")):
            mailbox.put(mail)
        until(lambda: len(arrivals(office)) == 3)
        assert [r[1] for r in arrivals(office)] == ["answer", "from-somebody-else", "noted"]
        until(lambda: papers(office, reference) == ["rød grød.pdf", "værksted.jpg", "noter.txt"])
        told = run("inbox", site=office.site).stdout
        assert re.search(r"Sv: Billeder\n {8}rød grød.pdf: taken\n {8}værksted.jpg: taken\n {8}noter.txt: taken\n {8}regning.exe: not of a kind that is asked for\n {8}logo.png: a picture of the text\n", told), told
        assert told.count("værksted.jpg: stays in the mailbox") == 1, told  # of somebody else's mail
        # Like files that were uploaded: shown at the link, and fetched there.
        page = office.server.get(link)
        found = dict((name, html.unescape(path)) for path, name in re.findall(r'href="([^"]+)"[^>]*>([^<]*\.(?:pdf|jpg|txt))', page.text))
        assert set(found) == {"rød grød.pdf", "værksted.jpg", "noter.txt"}, page.text
        got = office.server.get(found["noter.txt"])
        assert got.status == 200 and got.body.strip() == "Blåbær".encode() and "attachment" in got.header("Content-Disposition"), (got.status, got.body)
        assert office.server.get(found["rød grød.pdf"]).body == b"%PDF-1.4\n%%EOF\n"
        # A large one of a kind that is asked for is taken, one that is larger than the field takes is not.
        office.stop()
        office.later("UPDATE outbox SET sent_at = sent_at - 60000")
        office.start()
        big = b"%PDF-1.4\n" + os.urandom(12 << 20) + b"\n%%EOF\n"
        attached = b"--b\nContent-Type: application/pdf; name=%s\nContent-Transfer-Encoding: base64\n\n%s\n"
        head = ("From: ida@example.dk\nIn-Reply-To: %s\nMessage-ID: <big@example.dk>\nContent-Type: multipart/mixed; boundary=b\n\n" % ours).encode()
        mailbox.put(head + attached % (b"stor.pdf", base64.encodebytes(big)) + attached % (b"en-til.pdf", base64.encodebytes(b"%PDF-1.4\n%%EOF\n")) + b"--b--\n")
        mailbox.put(head.replace(b"<big@", b"<huge@") + attached % (b"enorm.pdf", base64.encodebytes(big + big[:5 << 20])) + b"--b--\n")
        until(lambda: len(arrivals(office)) == 5, 60)
        until(lambda: papers(office, reference)[3:] == ["stor.pdf", "en-til.pdf"])
        told = run("inbox", site=office.site).stdout
        assert "stor.pdf: taken\n        en-til.pdf: taken\n" in told and "enorm.pdf: too large" in told, told
        id, size = office.query("SELECT id, size FROM blobs WHERE name = 'stor.pdf'")[0]
        assert size == len(big) and b"".join(b for b, in office.query("SELECT bytes FROM blob_chunks WHERE blob_id = ? ORDER BY number", id)) == big
        assert office.query("SELECT count(*) FROM blobs WHERE instance_id IS NULL OR name = 'enorm.pdf'") == [(0,)]
        memory = main_memory(office)
        assert memory < 400, memory
        assert run("verify", site=office.site).returncode == 0 and mailbox.flags()[0] == ""
        # Nothing comes twice: the same mail once more, and all of them under new numbers.
        mailbox.put(answer)
        until(lambda: len(arrivals(office)) == 6)
        office.stop(signal.SIGKILL)
        office.start()
        number_anew(mailbox, office, corpus("absence"))
        until(lambda: len(arrivals(office)) == 13, 60)
        assert [r[1] for r in arrivals(office)][5:] == ["seen-before"] * 7 + ["noted"], arrivals(office)
        assert len(papers(office, reference)) == 5 and office.query("SELECT count(*) FROM blobs") == [(5,)] and run("verify", site=office.site).returncode == 0


def test_hostile_mail_kills_at_most_its_reader():
    """Each is read or flagged, none is answered, the next one is read, and the server itself holds none of the large ones."""
    with Mailbox() as mailbox, Sink() as sink, Office(sink.port, mailbox.config()) as office:
        office.start()
        ready(office)
        mails = sent(office, sink, "mester@snedker.example")
        envelope, ours, _ = mails["mester@snedker.example"]
        head = b"From: mester@snedker.example\nIn-Reply-To: %s\n" % ours.encode()
        report = corpus("postfix-no-such-user").encode()
        forged = [envelope[:-16] + "x" + envelope[-15:], envelope.replace(".", ".0", 1), "retur+" + "1." * 20000 + "@skole.example", "retur+%s@skole.example" % ("A" * 100000)]
        hostile = [
            b"Subject: large\n\n" + b"x" * 998 + b"\n",  # and 100 MB of it, below
            b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: application/pdf; name=a.pdf\n\nx\n" * 1000 + b"--b--\n",
            b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(20000)) + b"\nx\n",
            b"Content-Type: message/rfc822\n\n" * 20000 + b"From: x\n\nx\n",
            b"Content-Type: text/plain; charset=klingon\nSubject: =?klingon?Q?=FF?= =?utf-8?B?////?= =?utf-16?Q?=D8?=\n\n" + b"\xff\xfe\x00\xd8" * 5000,
            b"Content-Type: text/plain; charset=utf-7\nContent-Transfer-Encoding: base64\n\n" + b"=" * 5000 + b"+AD4-" * 5000,
            b"Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=1B$B=\n" * 50000,
            b"Subject: " + b"=?utf-8?B?w6bDuMOl?= " * 50000 + b"\n\nx",
            b"To: " + b"a@b.example, " * 50000 + b"(\n\nx",
            b"X: " + b"(" * 500000 + b"\n\nx",
            b"\x00" * 1000000,
            b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n" + b"QUJD\n" * 2000000,
        ]
        before = main_memory(office)
        begun = time.time()
        mailbox.put([head + hostile[0]] + [b"x" * 999 + b"\n"] * 100000)
        for mail in hostile[1:]:
            mailbox.put(head + mail)
        for to in forged:
            mailbox.put(report.replace(b"To: retur+m1@skole.example", b"To: " + to.encode()))
        mailbox.put("From: last@x.example\nSubject: the end\n\nx\n")
        until(lambda: arrivals(office) and arrivals(office)[-1][3] == "last@x.example", 60)
        rows, memory = arrivals(office), main_memory(office)
        kinds = [r[0] for r in rows]
        assert len(rows) == len(hostile) + len(forged) + 1 and rows[0][:2] == ("unreadable", "noted"), rows
        assert all(r[1] == "not-ours" for r in rows[len(hostile):-1]) and set(kinds[1:len(hostile)]) <= {"person", "unreadable"}, rows
        until(lambda: [("F" in f) for f in mailbox.flags()] == [k == "unreadable" for k in kinds])
        assert memory < 80 and not bounced(office) and office.query("SELECT count(*) FROM reports") == [(0,)], (before, memory)
        assert len(sink.dumps()) == 1 and "event=inbox-down" not in office.log()
        assert time.time() - begun < 60


def test_a_mistyped_address_is_back_with_whoever_typed_it():
    """Refused by the relay at once (nouser), or later by a mail that comes back: the apprentice mends it, and the case goes on."""
    peer = Peer("smtp_peer.py")
    with Mailbox() as mailbox:
        config = "mail:\n  from_address: noreply@skole.example\n  relay: smtp://127.0.0.1:%d\n  tls: off\n%s" % (peer.port, mailbox.config())
        site, _ = make_site([package("declaration")], config)
        server = Server("serve", site)
        try:
            until(lambda: "event=inbox-open" in server.log_text())
            data = {"apprentice_name": "Ida Holm", "apprentice_email": "ida@example.dk", "training_form": "company", "education": "furniture",
                    "period_end": (datetime.date.today() + datetime.timedelta(20)).isoformat(), "main_course": 2, "school": "nordby", "class_name": "MS-2",
                    "cvr": "13585628", "supervisor_emails": ["nouser@firma.example"], "school_emails": ["skole@skole.example"]}
            path = os.path.join(mailbox.folder, "request.json")
            with open(path, "w") as f:
                json.dump(data, f)
            run("start", "declaration", "--data", path, site=site)
            text, _ = text_to(peer, "ida@example.dk", "/l/")
            walk(server, link_in(text), {"confirmed": "true"})
            text, _ = text_to(peer, "ida@example.dk", "nouser@firma.example, men mailen kom retur")
            walk(server, link_in(text), {"new_supervisor_emails": ["mester@firma.example"]})
            _, envelope = text_to(peer, "mester@firma.example", "/l/")
            mailbox.put(corpus("postfix-no-such-user", replace={"To: retur+m1@skole.example": "To: " + envelope, "mester@snedker.example": "mester@firma.example"}))
            begun = time.time()
            text, _ = text_to(peer, "ida@example.dk", "mester@firma.example, men mailen kom retur")
            assert time.time() - begun < 60
            walk(server, link_in(text), {"new_supervisor_emails": ["leder@firma.example"]})
            text_to(peer, "leder@firma.example", "/l/")
            assert run("verify", site=site).returncode == 0
        finally:
            server.stop()
            peer.stop()
            shutil.rmtree(os.path.dirname(site), ignore_errors=True)


class Questions:
    """A site with the package contact-form, whose mailbox takes mail to spoerg@skole.example."""

    def __init__(self, mailbox):
        self.peer = Peer("smtp_peer.py")
        self.site, _ = make_site([package("contact-form")], "mail:\n  from_address: svar@skole.example\n  relay: smtp://127.0.0.1:%d\n  tls: off\n%s" % (
            self.peer.port, mailbox.config(more="  starts: {spoerg@skole.example: contact-form}\n")))
        self.start()

    def start(self):
        self.server = Server("serve", self.site)
        until(lambda: "event=inbox-open" in self.server.log_text())
        until(lambda: self.query("SELECT 1 FROM arrivals"))  # from here on what comes is ours

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.peer.stop()
        shutil.rmtree(os.path.dirname(self.site), ignore_errors=True)

    def query(self, sql):
        found = [os.path.join(at, name) for at, _, names in os.walk(self.site) for name in names if name.endswith(".db")]
        with sqlite3.connect("file:%s?mode=ro" % found[0], uri=True) as db:
            return db.execute(sql).fetchall()

    def outcomes(self, count):
        until(lambda: len(self.query("SELECT 1 FROM arrivals WHERE kind <> 'start'")) >= count)
        return [o for o, in self.query("SELECT outcome FROM arrivals WHERE kind <> 'start' ORDER BY id")]

    def instances(self):
        return self.query("SELECT reference, state, data FROM instances ORDER BY id")

    def sent_to(self, address):
        return [base64.b64decode(m["base64"]) for m in self.peer.messages() if address in m["rcpt_to"]]


def writes(name, sender="Ida@example.dk", text="Har I åbent i påsken?", to="spoerg@skole.example", more=""):
    return "From: Ida Holm <%s>\nTo: %s\nMessage-ID: <%s@example.dk>\nSubject: =?utf-8?q?=C3=85bningstider?=\n%sMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n%s\n" % (
        sender, to, name, more, text)


def test_a_mail_starts_a_case_and_gets_its_answer():
    with Mailbox() as mailbox, Questions(mailbox) as office:
        mailbox.put(writes("q1", text="Har I åbent i påsken?\n\nDen 2. marts 2026 skrev Skolen:\n> Velkommen"))
        text, _ = text_to(office.peer, "kontoret@nordby.example.dk", "Har I åbent i påsken?")
        assert "Velkommen" not in text and "Ida@example.dk" in text, text
        text, _ = text_to(office.peer, "Ida@example.dk", "Vi har fået dit spørgsmål")
        assert "påsken" not in text, "a receipt repeats nothing of a stranger's words"
        asked = email.message_from_bytes(office.sent_to("kontoret@nordby.example.dk")[0], policy=email.policy.default)
        assert asked["Subject"] == "Spørgsmål: Åbningstider", asked["Subject"]
        answer = "From: Kontoret <Kontoret@nordby.example.dk>\nTo: svar@skole.example\nMessage-ID: <a1@nordby.example.dk>\nIn-Reply-To: %s\nSubject: Sv\n\nJa, om torsdagen.\n\n> Har I\n" % asked["Message-ID"]
        mailbox.put(answer)
        text_to(office.peer, "Ida@example.dk", "Ja, om torsdagen.")
        assert office.outcomes(2) == ["started", "answer"]
        told = run("inbox", site=office.site).stdout
        assert len(re.findall(re.escape(office.instances()[0][0]), told)) == 2, told
        # whoever thanks us asks on in the same case; what answers no one of ours any more is no start either
        thanks = email.message_from_bytes(office.sent_to("Ida@example.dk")[-1], policy=email.policy.default)["Message-ID"]
        mailbox.put(writes("t1", text="Og om fredagen?", more="In-Reply-To: %s\n" % thanks))
        mailbox.put(writes("t2", sender="bo@example.dk", text="Og om fredagen?", more="References: %s\n" % thanks))
        assert office.outcomes(4)[2:] == ["answer", "from-somebody-else"]
        text_to(office.peer, "kontoret@nordby.example.dk", "Og om fredagen?")
        assert len(office.instances()) == 1 and run("verify", site=office.site).returncode == 0


def test_what_must_not_start_does_not():
    with Mailbox() as mailbox, Questions(mailbox) as office:
        for i, header in enumerate(("Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <x.example>", "X-Auto-Response-Suppress: All", "Return-Path: <>")):
            mailbox.put(writes("auto%d" % i, more=header + "\n"))
        mailbox.put(corpus("absence") + "")
        mailbox.put(corpus("postfix-no-such-user", replace={"retur+m1@skole.example": "spoerg@skole.example"}))
        mailbox.put(writes("other", to="svar@skole.example"))
        mailbox.put(writes("own", sender="spoerg@skole.example"))
        mailbox.put(writes("daemon", sender="MAILER-DAEMON@example.dk"))
        assert set(office.outcomes(10)) == {"noted", "not-ours", "our-own"} and not office.instances(), office.outcomes(10)
        # what we sent ourselves comes around by a mailbox that passes it on, with the mark of a program taken out
        mailbox.put(writes("q1"))
        text_to(office.peer, "kontoret@nordby.example.dk", "Har I åbent")
        around = re.sub(rb"(?mi)^(Auto-Submitted|X-Auto-Response-Suppress):.*\r\n", b"", office.sent_to("kontoret@nordby.example.dk")[0])
        mailbox.put(b"Delivered-To: spoerg@skole.example\r\n" + re.sub(rb"(?m)^From:.*\r\n", b"From: kontoret@nordby.example.dk\r\n", around))
        # copied to us, twice delivered, and delivered by an alias that is not in To
        mailbox.put(writes("q1"))
        mailbox.put(writes("q2", sender="bo@example.dk", to="Alle <alle@skole.example>", more="Delivered-To: SPOERG@skole.example\n"))
        assert office.outcomes(14)[10:] == ["started", "our-own", "seen-before", "started"], office.outcomes(14)
        assert len(office.instances()) == 2
        # what does not fit is told once, and another time not
        mailbox.put(writes("e1", sender="liv@example.dk", text=""))
        mailbox.put(writes("e2", sender="liv@example.dk", text="x" * 5000))
        assert office.outcomes(16)[14:] == ["does-not-fit-told", "does-not-fit"]
        text, envelope = text_to(office.peer, "liv@example.dk", "Der var ingen tekst")
        assert "/start/contact-form" in text, text
        answer = office.server.get("/start/contact-form")
        assert answer.status == 200, (answer.status, answer.text)
        mail = email.message_from_bytes(office.sent_to("liv@example.dk")[0], policy=email.policy.default)
        assert mail["Auto-Submitted"] == "auto-generated" and len(office.sent_to("liv@example.dk")) == 1
        # no more than ten a day
        for i in range(11):
            mailbox.put(writes("many%d" % i, sender="noah@example.dk"))
        assert office.outcomes(27)[16:] == ["started"] * 10 + ["too-many"]
        until(lambda: mailbox.flags().count("") >= 18)  # what people wrote stays unread


def holding(mailbox, text):
    """With a mail that came an hour ago."""
    mailbox.put(text)
    for name in glob.glob(os.path.join(mailbox.folder, "mail", "new", "*")):
        os.utime(name, (time.time() - 3600,) * 2)
    return mailbox


def test_a_mail_starts_once_whatever_dies():
    with Mailbox() as mailbox, Questions(holding(mailbox, writes("before", sender="long.ago@example.dk"))) as office:
        for i in range(6):
            mailbox.put(writes("k%da" % i, sender="p%d@example.dk" % i))
            mailbox.put(writes("k%db" % i, sender="p%d@example.dk" % i))
            time.sleep(0.02 * i)
            office.server.stop(signal.SIGKILL)
            office.start()
        assert office.outcomes(12) == ["started"] * 12, office.outcomes(12)
        assert len(office.instances()) == 12 and run("verify", site=office.site).returncode == 0
        # The mailbox is numbered anew: each is seen again, and starts nothing; nor does what was there before it was ours.
        for name in glob.glob(os.path.join(mailbox.folder, "mail", "dovecot*")):
            os.unlink(name)
        office.server.stop()
        port = mailbox.port
        mailbox.close()
        mailbox.open()
        path = os.path.join(office.site, "stafet.yaml")
        text = open(path, encoding="utf-8").read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("imap://127.0.0.1:%d" % port, "imap://127.0.0.1:%d" % mailbox.port))
        office.start()
        mailbox.put(writes("last", sender="last@example.dk"))
        until(lambda: len(office.instances()) == 13)
        assert office.outcomes(26)[12:] == ["noted"] + ["seen-before"] * 12 + ["started"], office.outcomes(26)


if __name__ == "__main__":
    main([test_a_bounce_finds_its_message, test_what_is_not_ours_changes_nothing, test_each_mail_counts_once, test_what_can_never_be_done_is_set_aside,
          test_what_came_in_long_ago_goes, test_only_a_verified_server_is_told_the_password,
          test_an_answer_by_mail_is_an_event, test_programs_that_answer_each_other_stop,
          test_hostile_mail_kills_at_most_its_reader, test_files_of_an_answer_become_the_cases_files,
          test_a_mistyped_address_is_back_with_whoever_typed_it,
          test_a_mail_starts_a_case_and_gets_its_answer, test_what_must_not_start_does_not, test_a_mail_starts_once_whatever_dies])
