"""Texts from phones: an answer is an event, STOP is heard, a stranger is answered once; Kannel as a real gateway, and one over HTTP."""
import base64, email, email.policy, json, os, re, shutil, signal, sqlite3, sys, tempfile, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import ROOT, Peer, Server, fill, main, make_site, post_form, run, walk

PACKAGES = [os.path.join(ROOT, "tests", "packages", name) for name in ("text-message", "payment")]


def until(what, wait=20):
    end = time.time() + wait
    while True:
        got = what()
        if got:
            return got
        assert time.time() < end, "it does not come"
        time.sleep(0.05)


class Office:
    """A site with a gateway behind it; Kannel is told the address for what comes in before it starts."""

    def __init__(self, kannel=False, contact=None, packages=PACKAGES):
        self.folder = tempfile.mkdtemp(prefix="stafet-site-")
        self.relay = Peer("smtp_peer.py")
        self.site, _ = make_site(packages, "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % self.relay.port, folder=self.folder)
        self.peer = Peer("kannel.py", "--inbound", run("inbox", "address", site=self.site).stdout.strip()) if kannel else Peer("sms_peer.py")
        token = os.path.join(self.peer.folder, "password")
        if not kannel:
            open(token, "w").write("t0p-secret\n")
            os.chmod(token, 0o600)
        path = os.path.join(self.site, "stafet.yaml")
        if contact:
            written = re.sub(r"(?m)^(site:\n)", r"\1  contact: %s\n" % contact, re.sub(r"(?m)^ +contact:.*\n(?:    .*\n)*", "", open(path).read()))
            open(path, "w").write(written)
        with open(path, "a") as file:
            file.write("sms:\n  gateway: %s\n  url: http://127.0.0.1:%d%s\n  from: Skolen\n  user: stafet\n  token_file: %s\n" % (
                "kannel" if kannel else "gatewayapi", self.peer.port, "/cgi-bin/sendsms" if kannel else "/rest/mtsms", token))
        self.server = Server("serve", self.site)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.peer.stop()
        self.relay.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *args, **options):
        return run(*args, site=self.site, **options).stdout

    def send(self, words, phone="+4522334455"):
        """The message's id in the outbox."""
        path = os.path.join(self.folder, "data.json")
        with open(path, "w") as file:
            json.dump({"phone": phone, "words": words}, file)
        self.run("start", "text-message", "--data", path)
        return re.findall(r"^ *(\d+)  ", self.run("outbox", "--state", "all"), re.M)[-1]

    def told(self, number, pattern):
        return until(lambda: (lambda told: re.search(pattern, told, re.M) and told)(self.run("outbox", "explain", number)))

    def query(self, sql):
        found = [os.path.join(at, name) for at, _, names in os.walk(self.site) for name in names if name.endswith(".db")]
        with sqlite3.connect("file:%s?mode=ro" % found[0], uri=True) as db:
            return db.execute(sql).fetchall()


    def phone(self, sender, text, kind="text"):
        """Somebody texts, through Kannel."""
        path = os.path.join(self.peer.folder, "%d.phone" % time.monotonic_ns())
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("%s 1204 %s %s\n" % (sender, kind, text))
        os.rename(path + ".new", path)

    def webhook(self, sender, text, name=None):
        """Somebody texts, through a gateway that calls with JSON."""
        body = json.dumps({"msisdn": sender, "receiver": 1204, "message": text, "senttime": 1450000000, **({"id": name} if name else {})}).encode()
        return self.server.request("POST", urllib.parse.urlsplit(self.run("inbox", "address").strip()).path, body=body, headers={"Content-Type": "application/json"})

    def came(self):
        return self.query("SELECT sender, text, outcome FROM arrivals ORDER BY id")

    def outcomes(self, count):
        until(lambda: len(self.came()) >= count)
        return [row[2] for row in self.came()]

    def answers(self):
        return [json.loads(data).get("answer") for (data,) in self.query("SELECT data FROM instances ORDER BY id")]


def test_kannel_brings_answers():
    with Office(kannel=True) as office:
        number = office.send("Kommer du?")
        office.told(number, r"^state       sent")
        office.phone("4522334455", "Ja, jeg kommer på fredag & lørdag + søndag")
        until(lambda: office.answers() == ["Ja, jeg kommer på fredag & lørdag + søndag"])
        office.phone("+4522334455", urllib.parse.quote("Tillykke 🎉 Ж".encode("utf-16-be")), "ucs2")
        until(lambda: office.answers() == ["Tillykke 🎉 Ж"])
        assert office.came()[1] == ("+4522334455", "Tillykke 🎉 Ж", "answer"), office.came()
        office.phone("4522334455", "stop.")
        assert office.outcomes(3) == ["answer", "answer", "stop"] and "+4522334455" in office.run("suppressions")
        number = office.send("Er du der?")
        assert "wants no messages (sms: stop." in office.told(number, r"^state       failed")
        office.phone("4522334455", "Start")
        assert office.outcomes(4)[3] == "start" and office.run("suppressions") == ""
        # a stranger, and a name
        office.phone("4599887766", "Hvem er I?")
        assert office.outcomes(5)[4] == "stranger-told"
        until(lambda: office.peer.messages()[-1]["number"] == "4599887766")
        assert "Ingen læser sms'er" in office.peer.messages()[-1]["text"], office.peer.messages()[-1]
        office.phone("Reklame", "Køb nu")
        assert office.outcomes(6)[5] == "stranger"
        listed = office.run("inbox")
        assert re.search(r"^ *1  text .*  answer +\S+ +\+4522334455", listed, re.M), listed


def texts_with_start(office, starts):
    """The gateway's words start the package contact-form."""
    office.server.stop()
    path = os.path.join(office.site, "stafet.yaml")
    with open(path, "a") as file:
        file.write("  starts: %s\n" % starts)
    run("check", office.site)
    office.server = Server("serve", office.site)


def test_a_text_starts_a_case_and_gets_its_answer():
    """Through Kannel: the word, an answer to it, and what is not for it."""
    with Office(kannel=True, packages=PACKAGES + [os.path.join(ROOT, "templates", "contact-form")]) as office:
        texts_with_start(office, "{spørg: contact-form}")
        states = lambda: office.query("SELECT state FROM instances WHERE workflow = 'contact-form' ORDER BY id")
        office.phone("4522334455", "SPØRG: Hvornår åbner I?")
        assert office.outcomes(1) == ["started"]
        until(lambda: any(m["number"] == "4522334455" and "Tak, vi har fået" in m["text"] for m in office.peer.messages()))
        mail = until(lambda: office.relay.messages())[0]
        assert mail["rcpt_to"] == ["kontoret@nordby.example.dk"] and "Hvornår åbner I?" in text_of(mail), text_of(mail)
        # the office answers on the page behind its link; the answer goes as a text
        walk(office.server, link_of(mail), {"answer": "Kl. 10 på lørdage"})
        until(lambda: any("Kl. 10 på lørdage" in m["text"] for m in office.peer.messages()))
        # without the word it is an answer to us, also when it is a question; with it, another case
        office.phone("4522334455", "Og om søndagen?")
        office.phone("4522334455", "spoerg Har I en parkeringsplads?")
        assert office.outcomes(3)[1:] == ["answer", "started"]
        until(lambda: states() == [("asked",), ("asked",)])
        office.phone("4522334455", "STOP")
        office.phone("4522334456", "Har I åbent?")
        office.phone("Reklame", "spørg Vil I købe noget?")
        assert office.outcomes(6)[3:] == ["stop", "stranger-told", "stranger"]
        assert "started" in office.run("inbox")
        office.run("verify")


def test_any_text_may_start_when_no_question_is_open():
    with Office(packages=PACKAGES + [os.path.join(ROOT, "templates", "contact-form")]) as office:
        texts_with_start(office, "{'*': contact-form}")
        office.told(office.send("Kommer du?"), r"^state       sent")
        office.webhook(4522334455, "Ja", "a1")
        until(lambda: "Ja" in office.answers())
        # from somebody else; again by its name: once; too short, told once; a country that gets no texts
        for number, text, name in ((4530405060, "Hvornår åbner I?", "b1"), (4530405060, "Hvornår åbner I?", "b1"), (4530405061, "?", "b2"), (4530405061, "!", "b3"), (4915112345678, "Wann?", "b4")):
            office.webhook(number, text, name)
        assert office.outcomes(6) == ["answer", "started", "seen-before", "does-not-fit-told", "does-not-fit", "does-not-fit"], office.outcomes(6)
        until(lambda: [m for m in office.peer.messages() if "Vi kunne ikke tage imod din sms. Dit spørgsmål: Skriv mindst 2 tegn" in m["fields"]["message"]])
        # what is said next goes to the case that is open now
        office.webhook(4530405060, "På søndag?", "c1")
        assert office.outcomes(7)[6] == "answer"
        until(lambda: office.query("SELECT count(*) FROM instances WHERE workflow = 'contact-form'") == [(1,)])


def test_who_wants_nothing_gets_nothing():
    with Office() as office:
        assert "+4522334455 gets no messages from now on" in office.run("suppressions", "add", "22 33 44 55", "--reason", "Ringede og bad om det")
        assert "gets none already" in office.run("suppressions", "add", "+4522334455", "--reason", "igen")
        office.run("suppressions", "add", "Ida@example.dk", "--reason", "x")
        listed = office.run("suppressions")
        assert re.search(r"^sms +\+4522334455 .*Ringede og bad om det$", listed, re.M) and re.search(r"^mail +Ida@example.dk", listed, re.M) and "igen" not in listed, listed
        number = office.send("Hej")
        assert "wants no messages (Ringede og bad om det" in office.told(number, r"^state       failed")
        until(lambda: "not-there" in office.run("history", re.search(r"^case +(\S+)", office.run("outbox", "explain", number), re.M).group(1)))
        assert not office.peer.messages()
        # somebody else, and the same one again once it is taken out
        office.told(office.send("Hej", "+4522334456"), r"^state       sent")
        assert "gets messages again" in office.run("suppressions", "remove", "+4522334455", "ida@example.dk") and office.run("suppressions") == ""
        assert "is not there" in office.run("suppressions", "remove", "+4522334455")
        office.run("outbox", "retry", number)
        office.told(number, r"^state       sent")
        for wrong in (["add", "22334455"], ["add", "--reason", "x"], ["add", "22334455", "--reason", "a\nb"], ["remove"], ["remove", "22334455", "--reason", "x"], ["list"]):
            assert run("suppressions", *wrong, site=office.site, check=False).returncode == 2, wrong
        refused = run("suppressions", "add", "22334457", "12", "--reason", "x", site=office.site, check=False)
        assert refused.returncode == 1 and office.run("suppressions") == "", refused


def test_an_answer_is_for_the_newest_open_question():
    with Office() as office:
        first, second, other = office.send("En?"), office.send("To?"), office.send("Tre?", "+4522334456")
        for number in (first, second, other):
            office.told(number, r"^state       sent")
        assert office.webhook(4522334455, "Ja\n\x1b[31mtak", "a1").status == 200
        until(lambda: office.answers() == [None, "Ja\n [31mtak", None])
        # again, by its number or by its words: once
        for text, name in (("Ja\ntak", "a1"), ("noget andet", "a1")):
            office.webhook("+45 22334455", text, name)
        office.webhook("004522334455", "Nej")
        office.webhook("4522334455", "Nej")
        outcomes = office.outcomes(5)
        # a minute may have begun between the last two
        assert outcomes[:4] == ["answer", "seen-before", "seen-before", "answer"] and outcomes[4] in ("seen-before", "answer"), outcomes
        until(lambda: office.answers() == [None, "Nej", None])
        # no more than a few a day
        for i in range(6):
            office.webhook(4522334456, "svar %d" % i, "b%d" % i)
        assert office.outcomes(11)[5:] == ["answer"] * 5 + ["too-many"]
        until(lambda: office.answers()[2] == "svar 4")
        # the secret of a link is not kept
        office.webhook(4522334455, "se /l/" + "A" * 43, "c1")
        office.outcomes(12)
        assert office.came()[11][1] == "se /l/" + "*" * 43
        office.run("verify")
        # the newest one is over: the one before it still waits
        fields = [m["fields"] for m in office.peer.messages() if m["fields"]["userref"] == second][0]
        office.server.post(urllib.parse.urlsplit(fields["callback_url"]).path, {"status": "UNDELIVERABLE"})
        until(lambda: office.query("SELECT state FROM instances ORDER BY id")[1] == ("wrong-number",))
        office.webhook(4522334455, "Til den første", "d1")
        until(lambda: office.answers()[0] == "Til den første")


def test_forged_and_broken_texts_do_nothing():
    with Office() as office:
        office.told(office.send("Hej"), r"^state       sent")
        path = urllib.parse.urlsplit(office.run("inbox", "address").strip()).path
        token = path.rsplit("/", 1)[1]
        flip = lambda at: token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
        body = json.dumps({"msisdn": 4522334455, "message": "STOP"}).encode()
        for name in ("x", token[:-1], token + "A", flip(0), flip(10), flip(20), flip(42), "A" * 43):
            answer = office.server.request("POST", "/inbound/" + name, body=body, headers={"Content-Type": "application/json"})
            assert answer.status == 404 and answer.header("Set-Cookie") is None, name
        assert office.server.request("POST", "/report/" + token, body=body).status == 404
        assert len(re.findall(r"event=refused status=404 from=127.0.0.1 path=/(?:inbound|report)/", office.server.log_text())) == 9
        assert office.query("SELECT count(*) FROM arrivals") == [(0,)] and office.query("SELECT count(*) FROM texts_in") == [(0,)]
        # of the right address
        assert office.server.request("HEAD", path).status == 405 and office.server.request("PUT", path).status == 405
        assert office.server.request("POST", path, body=b"x" * 9000).status == 413
        for broken in (b"\xff\x00\x1b{", b"{", b'{"msisdn": 1}', b'{"message": "x"}', b'{"msisdn": [1], "message": "x"}', b"msisdn=&message=x"):
            assert office.server.request("POST", path, body=broken).status == 200
        assert office.server.get(path).status == 200
        assert office.outcomes(7) == ["noted"] * 7 and office.query("SELECT DISTINCT kind FROM arrivals") == [("unreadable",)]
        assert office.server.log_text().count("event=text-not-understood") == 7 and office.answers() == [None]
        assert office.run("suppressions") == ""


def test_a_stranger_is_told_once():
    with Office(contact="Ring til kontoret, 87 65 43 21") as office:
        office.webhook(4530405060, "Hej?")
        [got] = office.peer.wait(1)
        assert got["fields"]["recipients"][0]["msisdn"] == 4530405060 and got["fields"]["message"].endswith("Ingen læser sms'er, der sendes til dette nummer. Ring til kontoret, 87 65 43 21"), got
        # whoever we answered is no less a stranger for that; nor is one who cannot be answered
        for sender in (4530405060, "Butik", 1204, "4915112345678", "x" * 500, "+45 30405060"):
            office.webhook(sender, "Og så? %s" % sender)
        assert office.outcomes(7) == ["stranger-told"] + ["stranger"] * 6
        office.webhook(4530405061, "Stop!")
        office.webhook(4530405061, "Hallo")
        assert office.outcomes(9)[7:] == ["stop", "stranger"]
        for i in range(22):
            office.webhook(4530406000 + i, "Hej")
        assert office.outcomes(31)[9:] == ["stranger-told"] * 19 + ["stranger"] * 3, office.outcomes(31)
        time.sleep(1)
        assert len(office.peer.messages()) == 20


def test_what_is_stored_survives_the_kill():
    with Office() as office:
        office.told(office.send("Hej"), r"^state       sent")
        path = os.path.join(office.site, "stafet.yaml")
        text = open(path).read()
        # Without a gateway nobody reads what came.
        office.server.stop()
        open(path, "w").write(text[:text.index("sms:")])
        office.server = Server("serve", office.site)
        assert office.webhook(4522334455, "Jeg kommer", "k1").status == 200
        office.server.stop(signal.SIGKILL)
        assert office.query("SELECT count(*) FROM texts_in") == [(1,)] and office.came() == []
        open(path, "w").write(text)
        office.server = Server("serve", office.site)
        until(lambda: office.answers() == ["Jeg kommer"])
        for i in range(5):
            assert office.webhook(4522334455, "STOP" if i % 2 == 0 else "START", "k%d" % (i + 2)).status == 200
            office.server.stop(signal.SIGKILL)
            office.server = Server("serve", office.site)
        assert office.outcomes(6) == ["answer", "stop", "start", "stop", "start", "stop"] and office.query("SELECT count(*) FROM texts_in") == [(0,)]


def text_of(mail):
    return email.message_from_bytes(base64.b64decode(mail["base64"]), policy=email.policy.default).get_body(("plain",)).get_content()


def link_of(mail):
    return re.search(r"/l/[A-Za-z0-9_-]{43}", text_of(mail)).group(0)


def test_a_code_that_somebody_asks_for_is_sent_nevertheless():
    with Office() as office:
        office.webhook(4522334455, "STOP")
        assert office.outcomes(1) == ["stop"]
        walk(office.server, "/start/payment", {"clerk_email": "ole@example.dk", "purpose": "Kaffe", "amount": "240", "treasurer_email": "eva@example.dk", "treasurer_phone": "22 33 44 55"})
        walk(office.server, link_of(office.relay.wait(1)[0]), {"agreed": "true"})
        where = link_of(office.relay.wait(2)[1])
        page = office.server.get(where)
        for _ in range(6):
            answer = office.server.post(post_form(page)["action"] or where, fill(post_form(page), {"account": "ordinary"}))
            where = answer.header("Location")
            page = office.server.get(where)
            if "step=code" in where:
                break
        [got] = office.peer.wait(1)
        assert re.search(r"#\d{6}$", got["fields"]["message"]), got


main([test_a_text_starts_a_case_and_gets_its_answer, test_any_text_may_start_when_no_question_is_open,
      test_a_code_that_somebody_asks_for_is_sent_nevertheless, test_kannel_brings_answers, test_an_answer_is_for_the_newest_open_question,
      test_forged_and_broken_texts_do_nothing, test_a_stranger_is_told_once, test_what_is_stored_survives_the_kill, test_who_wants_nothing_gets_nothing])
