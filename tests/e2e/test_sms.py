"""SMS from the outbox to the phone and back: Kannel as a real gateway, and one over HTTP that reports and fails as the tests like."""
import base64, datetime, email, email.policy, json, os, re, shutil, sys, tempfile, time, urllib.parse, zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import ROOT, Peer, Server, fill, main, make_site, post_form, run, walk

PACKAGES = [os.path.join(ROOT, "tests", "packages", name) for name in ("text-message", "payment")]


class Office:
    """A site with a gateway behind it; described: its own description of it."""

    def __init__(self, gateway="gatewayapi", described=None):
        self.peer = Peer("kannel.py" if gateway == "kannel" else "sms_peer.py")
        self.relay = Peer("smtp_peer.py")
        self.folder = tempfile.mkdtemp(prefix="stafet-site-")
        token = os.path.join(self.peer.folder, "password")
        if gateway == "gatewayapi":
            open(token, "w").write("t0p-secret\n")
            os.chmod(token, 0o600)
        mail = "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % self.relay.port
        sms = "sms:\n  gateway: %s\n  url: http://127.0.0.1:%d%s\n  from: Skolen\n  user: stafet\n  token_file: %s\n" % (
            "./my-gateway.yaml" if described else gateway, self.peer.port, "/cgi-bin/sendsms" if gateway == "kannel" else "/rest/mtsms", token)
        self.site, _ = make_site(PACKAGES, mail + sms, folder=self.folder)
        if described:
            open(os.path.join(self.site, "my-gateway.yaml"), "w").write(described)
        self.server = Server("serve", self.site)
        self.secret = open(token).read().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.peer.stop()
        self.relay.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, words, phone="+4522334455", until=None):
        """The message's id in the outbox. until: a time of this computer's clock."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"phone": phone, "words": words, **({"until": until} if until else {})}, file)
            file.flush()
            run("start", "text-message", "--data", file.name, site=self.site)
        return re.findall(r"^ *(\d+)  ", self.outbox("--state", "all"), re.M)[-1]

    def outbox(self, *args):
        return run("outbox", *args, site=self.site).stdout

    def until(self, number, pattern, wait=20):
        """What `stafet outbox explain` says, once it says that."""
        end = time.time() + wait
        while True:
            told = self.outbox("explain", number)
            if re.search(pattern, told, re.M):
                return told
            assert time.time() < end, (pattern, told, self.server.log_text()[-3000:])
            time.sleep(0.05)

    def report_path(self, number):
        """Where the gateway was told to report on it."""
        fields = [m["fields"] for m in self.peer.messages() if m["fields"].get("userref") == number][-1]
        return urllib.parse.urlsplit(fields["callback_url"]).path

    def report(self, number, status, **more):
        body = json.dumps({"id": 1, "msisdn": 4522334455, "time": 1450000000, "status": status, "userref": number, **more}).encode()
        return self.server.request("POST", self.report_path(number), body=body, headers={"Content-Type": "application/json"})


def link_of(mail):
    parsed = email.message_from_bytes(base64.b64decode(mail["base64"]), policy=email.policy.default)
    return re.search(r"/l/[A-Za-z0-9_-]{43}", parsed.get_body(("plain",)).get_content()).group(0)


def parts_of(messages):
    return sorted((m for m in messages if m["part"]), key=lambda m: m["part"])


def logged(office, number, event="sms-parts"):
    return re.search(r"event=%s id=%s (.*)" % (event, number), office.server.log_text()).group(1)


def test_kannel_brings_texts_to_the_phone_and_their_reports_back():
    with Office("kannel") as office:
        number = office.send("Rødgrød med fløde på Ærø å Å é € [x]")
        office.until(number, r"^delivery    delivered")
        [got] = office.peer.wait(1)
        assert got == {"from": "Skolen", "number": "4522334455", "coding": "gsm", "text": "Rødgrød med fløde på Ærø å Å é € [x]", "part": None}, got
        assert logged(office, number).startswith("parts=1 coding=gsm")
        # what a text program makes of quotes and dashes does not make it dear
        plain = office.send("“Hej” – det er ’ja’… så\u00a0vi ses")
        office.until(plain, r"^delivery    delivered")
        assert office.peer.wait(2)[-1]["coding"] == "gsm" and office.peer.messages()[-1]["text"] == "\"Hej\" - det er 'ja'... så vi ses", office.peer.messages()[-1]
        # one letter that is not in the alphabet
        emoji = office.send("Tillykke 🎉 Ida")
        office.until(emoji, r"^delivery    delivered")
        assert office.peer.wait(3)[-1]["coding"] == "ucs2" and office.peer.messages()[-1]["text"] == "Tillykke 🎉 Ida"
        assert "coding=ucs2 character=U+1F389" in logged(office, emoji)
        # 8 and 1 come in any order; the operator's 8 never moves it back
        told = office.until(emoji, r"(?s)status=8.*status=1(?!.*not read)|status=1.*status=8(?!.*not read)")
        assert "delivery    delivered" in told, told
        assert not re.search(re.escape(office.secret), office.server.log_text()), "the password is in the log"
        assert "reported: delivered" in office.outbox("--state", "all")


def test_kannel_divides_as_it_was_counted():
    with Office("kannel") as office:
        for words, count, coding in (("æ" * 160, 1, "gsm"), ("æ" * 161, 2, "gsm"), ("ab€" * 77, 3, "gsm"), ("ж" * 70, 1, "ucs2"), ("ж" * 71, 2, "ucs2"), ("ж" * 135, 3, "ucs2")):
            before = len(office.peer.messages())
            number = office.send(words)
            office.until(number, r"^delivery    delivered")
            got = office.peer.wait(before + count)[before:]
            assert len(got) == count and {m["coding"] for m in got} == {coding}, (words[:5], len(words), got)
            assert "".join(m["text"] for m in (parts_of(got) or got)) == words
            assert logged(office, number).startswith("parts=%d coding=%s" % (count, coding)), logged(office, number)


def test_a_wrong_password_is_an_error_of_the_configuration():
    with Office("kannel") as office:
        office.server.stop()
        open(os.path.join(office.folder, "wrong"), "w").write("wrong-password-1\n")
        os.chmod(os.path.join(office.folder, "wrong"), 0o600)
        path = os.path.join(office.site, "stafet.yaml")
        text = open(path).read()
        open(path, "w").write(re.sub(r"token_file: .*", "token_file: %s/wrong" % office.folder, text))
        office.server = Server("serve", office.site)
        number = office.send("Hej")
        told = office.until(number, r"Authorization failed")
        assert "state       queued" in told and "configuration=true" in office.server.log_text() and "wrong-password-1" not in office.server.log_text()


def test_reports_never_move_back():
    with Office() as office:
        number = office.send("Hej")
        office.until(number, "state       sent")
        assert "delivery" not in office.outbox("explain", number)
        for status, shown in (("ENROUTE", "on-way"), ("UNDELIVERABLE", "failed"), ("DELIVERED", "delivered"), ("ENROUTE", "delivered"), ("EXPIRED", "delivered"),
                              ("DELIVERED", "delivered"), ("Delivered", "delivered"), ("NONSENSE", "delivered")):
            answer = office.report(number, status, error="Absent Subscriber" if status == "UNDELIVERABLE" else None)
            assert answer.status == 200 and answer.text == "ok\n" and answer.header("Set-Cookie") is None
            told = office.until(number, r"^delivery    %s" % shown)
            assert ("Absent Subscriber" in re.findall(r"^delivery .*", told, re.M)[0]) == (status == "UNDELIVERABLE"), told
            if status == "UNDELIVERABLE":
                assert "reported as not arrived" in office.outbox() and "+4522334455" in office.outbox("--state", "undelivered")
        told = office.until(number, r"status.. .NONSENSE(?!.*not read yet)")
        assert len(re.findall(r"^report ", told, re.M)) == 8 and "report-not-understood" in office.server.log_text()
        assert "+4522334455" not in office.outbox("--state", "undelivered") and "reported as not arrived" not in office.outbox()


def test_a_workflow_hears_of_a_text_that_did_not_arrive():
    with Office() as office:
        for status, state, told in (("REJECTED", "written", "not-there"), ("UNDELIVERABLE", "wrong-number", "nobody"), ("DELIVERED", "written", None)):
            number = office.send("Hej", "+45203040%02d" % len(status))
            office.until(number, "state       sent")
            reference = re.search(r"^case +(\S+)", office.outbox("explain", number), re.M).group(1)
            for _ in range(3):
                office.report(number, status)
            office.until(number, r"(?s)(^report (?!.*not read yet).*){3}")
            end = time.time() + 10
            while told and told not in run("history", reference, site=office.site).stdout and time.time() < end:
                time.sleep(0.05)
            history = run("history", reference, site=office.site).stdout
            assert history.count(told or "not-there") == (1 if told else 0), history
            assert re.search(r"^%s +text-message +%s" % (reference, state), run("list", "text-message", site=office.site).stdout, re.M), status


def after_refusal(office, phone, state, fault):
    number = office.send("Hej", phone)
    told = office.until(number, r"(?s)^state       %s.*^answer" % state)
    assert re.search(r"event=message-settled id=%s .*fault=%s " % (number, fault), office.server.log_text()), office.server.log_text()[-2000:]
    return run("history", re.search(r"^case +(\S+)", told, re.M).group(1), site=office.site).stdout


def until_told(office, event):
    end = time.time() + 10
    while time.time() < end:
        listed = "".join(run("history", reference, site=office.site).stdout for reference in re.findall(r"^(\S+) +text-message", run("list", "text-message", site=office.site).stdout, re.M))
        if event in listed:
            return listed
        time.sleep(0.05)
    raise AssertionError(listed)


def test_a_workflow_hears_of_a_number_that_is_refused_at_once():
    # what is the site's own fault concerns no workflow: no credit, a wrong request, an answer that makes no sense
    with Office() as office:
        for phone, state in (("+4520000216", "queued"), ("+4520000400", "failed"), ("+4520000999", "failed")):
            assert "not-there" not in after_refusal(office, phone, state, "none")
        after_refusal(office, "+4520000214", "failed", "policy")
        assert until_told(office, "not-there").count("not-there") == 1 and "wrong-number" not in run("list", "text-message", site=office.site).stdout
    described = "query: to={{to}}&msg={{text}}\nsuccess: {member: ids.0}\nrefusal: {member: error, no_number: [refused 400]}\n"
    with Office(described=described) as office:
        after_refusal(office, "+4520000400", "failed", "address")
        assert "nobody" in until_told(office, "nobody") and "wrong-number" in run("list", "text-message", site=office.site).stdout
    with Office("kannel") as office:
        after_refusal(office, "+4597000000", "failed", "policy")
        assert until_told(office, "not-there").count("not-there") == 1 and not office.peer.messages()


def test_one_part_that_is_missing_spoils_the_text():
    with Office() as office:
        number = office.send("æ" * 200)
        office.until(number, "state       sent")
        for status in ("DELIVERED", "UNDELIVERABLE", "DELIVERED"):
            office.report(number, status)
        told = office.until(number, r"(?s)^delivery    failed.*(^report .*){3}")
        assert "At least one of its parts" in told


def test_a_report_settles_what_nobody_knew():
    with Office() as office:
        for phone, status, state in (("+4520000998", "DELIVERED", "sent"), ("+4520000996", "ENROUTE", "sent"), ("+4520000990", "UNDELIVERABLE", "sent")):
            number = office.send("Hej", phone)
            office.until(number, r"^state       unknown")
            assert office.report(number, status).status == 200
            office.until(number, r"^state       %s" % state)
        assert len(office.peer.messages()) == 3
        # a refusal for now, and it came nevertheless: it is not sent again
        number = office.send("Hej", "+4520000500")
        office.until(number, r"(?s)^state       queued.*^answer .*refused 500")
        office.report(number, "UNDELIVERABLE")
        office.until(number, r"^delivery    failed")
        assert "state       queued" in office.outbox("explain", number)
        office.report(number, "DELIVERED")
        office.until(number, r"^state       sent")


def test_an_answer_that_makes_no_sense_is_never_sent():
    with Office() as office:
        for last, state in ((301, "queued"), (988, "failed"), (989, "unknown"), (990, "unknown"), (991, "unknown"), (992, "unknown"), (993, "unknown"), (994, "unknown"),
                            (999, "failed"), (400, "failed"), (502, "unknown")):
            number = office.send("Hej", "+4520000%03d" % last)
            office.until(number, r"^state       %s" % state)
        assert all(m["headers"]["Authorization"] == "Token t0p-secret" for m in office.peer.messages())
        assert "t0p-secret" not in office.server.log_text()


def in_denmark(seconds):
    """That many seconds from now, as the site's clock on the wall shows it."""
    return datetime.datetime.fromtimestamp(time.time() + seconds, zoneinfo.ZoneInfo("Europe/Copenhagen")).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_text_that_would_come_too_late_is_not_sent():
    """The gateway is down while what a text says is true; when it works again only what is still true goes, and by hand the other goes no more either."""
    with Office() as office:
        port = office.peer.port
        office.peer.process.terminate()
        office.peer.process.wait(10)
        late = office.send("Det er din tur i ti sekunder", "+4522334401", in_denmark(10))
        still = office.send("Det er din tur i en time", "+4522334402", in_denmark(3000))
        office.until(still, r"(?s)^state       queued.*^waits")
        office.until(late, r"(?s)^state       expired: It could not be sent while it was of use.*^pages say   Not sent in time$.*^answer      not sent: its deadline has passed$", 60)
        office.peer.stop()
        office.peer = Peer("sms_peer.py", "--port", str(port))
        assert "message %s is sent now" % still in office.outbox("retry", still)
        office.until(still, r"^state       sent", 60)
        refused = run("outbox", "retry", late, site=office.site, check=False)
        assert refused.returncode == 1 and "what it says held until its deadline" in refused.stdout + refused.stderr, refused
        [got] = office.peer.wait(1)
        assert got["fields"]["message"] == "Det er din tur i en time" and 2500 <= got["fields"]["validity_period"] <= 3000, got["fields"]
        assert re.search(r"^ *%s  expired " % late, office.outbox(), re.M) and re.search(r"^ *%s  expired " % late, office.outbox("--state", "expired"), re.M)
        assert "message %s is cancelled" % late in office.outbox("cancel", late) and not office.outbox("--state", "expired")
        # Too late before it was written.
        office.until(office.send("For sent", "+4522334403", in_denmark(-5)), r"^state       expired", 60)
        assert len(office.peer.messages()) == 1


def test_a_texted_code_is_of_use_no_longer_than_itself():
    with Office() as office:
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
        host = urllib.parse.urlsplit(office.server.url).hostname
        assert re.search(r"\n\n@%s #\d{6}$" % re.escape(host), got["fields"]["message"]), got["fields"]["message"]
        assert 60 <= got["fields"]["validity_period"] <= 900 and got["fields"]["encoding"] == "UTF8", got["fields"]
        # a text without a code: as its workflow says
        number = office.send("Hej 🎉")
        office.until(number, "state       sent")
        fields = office.peer.wait(2)[1]["fields"]
        assert 3500 <= fields["validity_period"] <= 3600 and fields["encoding"] == "UCS2" and fields["userref"] == number


def test_a_number_that_gets_no_text_is_told_when_typed():
    with Office() as office:
        for typed, told in (("+1 900 555 0123", "numre, der begynder med +45, +298, +299"), ("2233 445", "Et dansk nummer har 8 cifre"), ("ring til mig", "med tal, som 20 12 34 56")):
            answer = office.server.post("/start/payment", {}, headers={"Accept-Language": "da"})
            page = office.server.follow(answer)
            where = answer.header("Location") or "/start/payment"
            form = post_form(page)
            answers = {"clerk_email": "ole@example.dk", "purpose": "Kaffe", "amount": "240", "treasurer_email": "eva@example.dk", "treasurer_phone": typed}
            answer = office.server.post(form["action"] or where, fill(form, answers), headers={"Accept-Language": "da"})
            page = office.server.follow(answer, {"Accept-Language": "da"})
            assert told in page.text and post_form(page)["fields"]["treasurer_phone"]["values"] == [typed], (typed, page.text)
        # and at the command line
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"phone": "+1 900 555 0123", "words": "Hej"}, file)
            file.flush()
            answer = run("start", "text-message", "--data", file.name, site=office.site, check=False)
            assert answer.returncode == 1 and "numbers that begin with +45" in answer.stdout + answer.stderr, answer


def test_forged_reports_do_nothing():
    with Office() as office:
        number = office.send("Hej")
        office.until(number, "state       sent")
        path = office.report_path(number)
        token = path.rsplit("/", 1)[1]
        flip = lambda at: token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
        forged = ["x", token[:-1], token + "A", flip(0), flip(10), flip(20), flip(42), "%2e%2e", "A" * 43]
        for name in forged:
            for method, body in (("GET", None), ("POST", b'{"status": "UNDELIVERABLE"}')):
                answer = office.server.request(method, "/report/%s?status=UNDELIVERABLE" % name, body=body, headers={"Content-Type": "application/json"} if body else {})
                assert answer.status == 404 and answer.header("Set-Cookie") is None, (name, answer.status)
        assert "delivery" not in office.outbox("explain", number)
        told = re.findall(r"event=refused status=404 from=127.0.0.1 path=/report/ ", office.server.log_text())
        assert len(told) == 2 * len(forged) and token[10:30] not in office.server.log_text(), told
        # of the right address: no HEAD, no more than 8 KB, any type and any bytes
        assert office.server.request("HEAD", path).status == 405
        assert office.server.request("PUT", path).status == 405
        assert office.server.request("POST", path, body=b"x" * 9000, headers={"Content-Type": "application/json"}).status == 413
        assert office.server.request("POST", path, body=b"\xff\x00\x1b[31m{", headers={"Content-Type": "application/octet-stream"}).status == 200
        assert office.server.get(path + "?a=%zz&b=%ff&status=%00").status == 200
        assert office.server.get(path).status == 200
        told = office.until(number, r"(?s)(^report .*){3}")
        assert "\x1b" not in told and "delivery" not in told
        # what is too many is answered, and dropped
        for i in range(60):
            assert office.server.get(path + "?status=ENROUTE").status == 200
        told = office.until(number, r"^delivery    on-way")
        assert len(re.findall(r"^report ", told, re.M)) == 50 and "report-dropped" in office.server.log_text()
        assert office.server.get(path, headers={"Host": "else.where"}).status == 421


def test_a_gateway_of_ones_own():
    description = """query: to={{to}}&msg={{text}}&key={{token}}&lang={{coding}}&back={{report_url}}%3Fr%3D{{reference}}
coding: {gsm: latin, ucs2: all}
success: {begins: ['{"ids"']}
report: {status: result, delivered: [OK], failed: [NO, GONE], reason: [why]}
"""
    with Office(described=description) as office:
        number = office.send("Rødgrød & \"fløde\" 100 %")
        office.until(number, "state       sent")
        [got] = office.peer.wait(1)
        assert got["method"] == "GET" and got["fields"]["to"] == "+4522334455" and got["fields"]["msg"] == "Rødgrød & \"fløde\" 100 %" and got["fields"]["lang"] == "latin", got
        back = urllib.parse.urlsplit(got["fields"]["back"])
        assert back.query == "r=%s" % number
        office.server.post(back.path + "?" + back.query, {"result": "GONE", "why": "Nummeret findes ikke"})
        assert "Nummeret findes ikke" in office.until(number, r"^delivery    failed")
        # a fault in it is told with its place, before anything is served
        office.server.stop()
        open(os.path.join(office.site, "my-gateway.yaml"), "w").write(description.replace("begins", "begin"))
        answer = run("serve", office.site, check=False)
        assert answer.returncode == 1 and re.search(r"my-gateway.yaml:3:\d+: unknown key 'begin', did you mean begins", answer.stdout + answer.stderr), answer


def test_killed_while_the_gateway_thinks():
    with Office() as office:
        number = office.send("Hej", "+4520000997")
        office.peer.wait(1)
        office.server.process.kill()
        office.server.stop()
        office.server = Server("serve", office.site)
        office.until(number, r"^state       unknown")
        assert office.report(number, "DELIVERED").status == 200
        office.until(number, r"^state       sent")
        assert len(office.peer.messages()) == 1


def test_a_gateway_reports_by_get_too():
    with Office() as office:
        number = office.send("Hej")
        office.until(number, "state       sent")
        assert office.server.get(office.report_path(number) + "?status=EXPIRED&error=Slukket%20telefon").status == 200
        assert "The gateway says: Slukket telefon" in office.until(number, r"^delivery    expired")
        office.server.stop()
        office.server = Server("serve", office.site)
        assert "delivery    expired" in office.outbox("explain", number)
        # the phone is on again: the same text once more
        assert "is sent now" in office.outbox("retry", number)
        first, second = [m["fields"] for m in office.peer.wait(2)]
        assert (first["message"], first["userref"], first["callback_url"]) == (second["message"], second["userref"], second["callback_url"])
        office.until(number, "state       sent")
        office.report(number, "DELIVERED")
        office.until(number, r"^delivery    delivered")
        # and even what arrived, if somebody wants it: as a text of its own
        assert "is sent again, as" in office.outbox("retry", number)
        third = office.peer.wait(3)[2]["fields"]
        assert third["message"] == first["message"] and third["userref"] != first["userref"]


main([test_kannel_brings_texts_to_the_phone_and_their_reports_back, test_kannel_divides_as_it_was_counted, test_a_wrong_password_is_an_error_of_the_configuration,
      test_reports_never_move_back, test_a_workflow_hears_of_a_text_that_did_not_arrive,
      test_a_workflow_hears_of_a_number_that_is_refused_at_once, test_one_part_that_is_missing_spoils_the_text, test_a_report_settles_what_nobody_knew,
      test_an_answer_that_makes_no_sense_is_never_sent, test_a_text_that_would_come_too_late_is_not_sent, test_a_texted_code_is_of_use_no_longer_than_itself,
      test_a_number_that_gets_no_text_is_told_when_typed, test_forged_reports_do_nothing, test_a_gateway_of_ones_own, test_killed_while_the_gateway_thinks,
      test_a_gateway_reports_by_get_too])
