"""The demo as outside checks use it: one ready line, the captured inbox, the clock; both packages played through the inbox alone."""
import datetime, glob, json, os, re, shutil, signal, subprocess, sys, tempfile, time, zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import REFERENCE, leave_site, plain
from stafet import BINARY, Peer, Server, fill, forms, main, post_form, run, walk

ZONE = zoneinfo.ZoneInfo("Europe/Copenhagen")
MEMBERS = ["id", "at", "channel", "message_id", "headers", "to", "subject", "text", "html", "links", "attachments"]
DANISH = {"Accept-Language": "da"}


class Demo:
    """A demo server; answers and waits."""

    def __init__(self, *args):
        self.server = Server("demo", *args, "--listen", "127.0.0.1:0")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.server.log_text()[-3000:])
        status = self.server.stop()
        os.unlink(self.server.log.name)
        assert kind or status == 0, status

    def wait(self, to, subject="", count=1):
        """At least count messages to that address, with that in the subject or text."""
        end = time.time() + 15
        while True:
            inbox = self.server.inbox()
            found = [m for m in inbox if m["to"] == to and subject in (m["subject"] or m["text"])]
            if len(found) >= count:
                return found
            assert time.time() < end, "%d of %d '%s' to %s in %s" % (len(found), count, subject, to, [(m["to"], m["subject"]) for m in inbox])
            time.sleep(0.05)

    def link(self, to, subject=""):
        link = self.wait(to, subject)[-1]["links"][0]
        assert link.startswith(self.server.url + "/l/"), link
        return link

    def clock(self, **fields):
        """Moves the clock; the civil time that it shows."""
        answer = self.server.post("/demo/clock", fields)
        assert answer.status == 200 and answer.header("Content-Type") == "application/json", (answer.status, answer.text)
        now = json.loads(answer.text)["now"]
        return datetime.datetime.fromisoformat(now.replace("Z", "+00:00")).astimezone(ZONE)

    def page(self, link):
        return self.server.follow(self.server.get(link, headers=DANISH), DANISH)

    def walk(self, link, answers):
        return walk(self.server, link, answers, headers=DANISH)

    def start(self, workflow, answers):
        page = self.walk("/start/" + workflow, answers)
        assert page.status == 200 and REFERENCE.search(page.text), plain(page)
        return REFERENCE.search(page.text).group(1)


def test_ready_line_and_end():
    process = subprocess.Popen([BINARY, "demo", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = process.stdout.readline().decode()
    assert re.fullmatch(r"event=ready url=http://127\.0\.0\.1:\d+\n", line), line
    # Its own, by the files that it has open: others may run a demo, too.
    opened = [os.readlink(path) for path in glob.glob("/proc/%d/fd/*" % process.pid) if os.path.islink(path)]
    made = {"/".join(name.split("/")[:3]) for name in opened if name.startswith("/tmp/stafet-demo-")}
    assert len(made) == 1, made
    process.send_signal(signal.SIGTERM)
    rest, said = process.communicate(timeout=20)
    assert process.returncode == 0 and rest == b"", (process.returncode, rest, said)
    assert not os.path.exists(made.pop()), "the temporary site stays behind"


def test_front_page_has_all_packages():
    with Demo() as demo:
        front = demo.server.get("/", headers=DANISH)
        assert front.status == 200
        for workflow, title in (("declaration", "erklæring"), ("leave-request", "Ansøg om fri")):
            assert 'href="/start/%s"' % workflow in front.text and title in front.text
        # A sample of each waits in the inbox.
        demo.wait("ida@example.dk")
        demo.wait("liv@firma.example.dk")
        page = demo.server.get("/demo/inbox", headers=DANISH)
        assert page.status == 200 and "ida@example.dk" in page.text and "liv@firma.example.dk" in page.text
        first = demo.server.inbox()[0]
        shown = demo.server.get("/demo/inbox/%d" % first["id"], headers=DANISH)
        assert shown.status == 200 and first["links"][0] in shown.text
        assert demo.server.get("/demo/inbox/999999").status == 404
        assert demo.server.get("/demo/inbox/x").status == 404


def test_inbox_json():
    with Demo() as demo:
        demo.wait("liv@firma.example.dk")
        samples = len(demo.server.inbox())
        demo.walk(demo.link("liv@firma.example.dk"), {"confirmed": "true"})
        demo.wait("mette.lund@firma.example.dk")
        demo.wait("liv@firma.example.dk", count=2)
        answer = demo.server.get("/demo/inbox.json")
        assert answer.header("Content-Type") == "application/json"
        inbox = json.loads(answer.text)
        assert len(inbox) == samples + 2
        for m in inbox:
            assert list(m) == MEMBERS, list(m)
            if m["channel"] == "sms":  # a sample round has sent some
                assert m["to"].startswith("+45") and m["text"] and (m["message_id"], m["headers"], m["subject"], m["html"], m["attachments"]) == ("", [], "", "", []), m
                continue
            assert m["channel"] == "mail" and all(list(a) == ["name", "type", "url"] for a in m["attachments"])
            for a in m["attachments"]:
                got = demo.server.get(a["url"])
                assert a["name"].endswith(".pdf") and a["type"] == got.header("Content-Type") == "application/pdf" and got.body.startswith(b"%PDF-")
            assert re.fullmatch(r"<[^<>\s]+@[^<>\s]+>", m["message_id"]), m["message_id"]
            heads = [h for h in m["headers"] if isinstance(h, list) and len(h) == 2]
            assert heads == m["headers"] and {"Subject", "From", "To", "Message-ID", "Date"} <= {h[0] for h in heads}
            assert dict(heads)["Message-ID"] == m["message_id"] and dict(heads)["Subject"] == m["subject"]
            assert "@" in m["to"] and m["text"] and "<" in m["html"]
            assert all(link in m["text"] for link in m["links"])
            assert m["links"] or "/l/" not in m["text"]  # a receipt may have none
            datetime.datetime.fromisoformat(m["at"].replace("Z", "+00:00"))
        assert any(m["attachments"] for m in inbox), "the samples have documents"
        assert [m["id"] for m in inbox] == sorted({m["id"] for m in inbox}), "oldest first"
        assert [m["at"] for m in inbox] == sorted(m["at"] for m in inbox)
        mails = [m for m in inbox if m["channel"] == "mail"]
        assert len({m["message_id"] for m in mails}) == len(mails)
        assert json.loads(demo.server.get("/demo/inbox.json?after=%d" % inbox[1]["id"]).text) == inbox[2:]


def test_clock():
    with Demo() as demo:
        start = demo.clock(advance="0s")
        assert abs((start - datetime.datetime.now(ZONE)).total_seconds()) < 10
        for span, seconds in (("90s", 90), ("15min", 900), ("3h", 10800)):
            before = demo.clock(advance="0s")
            assert 0 <= (demo.clock(advance=span) - before).total_seconds() - seconds < 5, span
        before = demo.clock(advance="0s")
        after = demo.clock(advance="7d")  # the same time of day, whatever the clocks did in between
        assert (after.replace(tzinfo=None) - before.replace(tzinfo=None)).days == 7
        wanted = (after + datetime.timedelta(days=30)).replace(hour=12, minute=0, second=0, microsecond=0)
        assert demo.clock(set=wanted.strftime("%Y-%m-%dT%H:%M")).replace(second=0, microsecond=0) == wanted
        for wrong in ({}, {"advance": ""}, {"advance": "7"}, {"advance": "x"}, {"advance": "-1d"}, {"advance": "9999999999d"}, {"set": "2020-01-01T00:00"}, {"set": "morgen"},
                      {"set": "2026-13-01T00:00"}, {"advance": "4000d"}):
            assert demo.server.post("/demo/clock", wrong).status == 422, wrong
        now = demo.clock(advance="0s")
        assert 0 <= (now - wanted).total_seconds() < 30, "a refused move moves nothing"
        browser = demo.server.post("/demo/clock", {"advance": "1d"}, headers={"Accept": "text/html,*/*"})
        assert browser.status == 303 and browser.header("Location") == "/demo/inbox"
        assert demo.server.get("/demo/clock").status == 405


def test_nothing_of_it_under_serve():
    peer = Peer("smtp_peer.py")
    site, _ = leave_site(peer)
    server = Server("serve", site)
    try:
        for method, path in (("GET", "/demo"), ("GET", "/demo/"), ("GET", "/demo/inbox"), ("GET", "/demo/inbox/1"), ("GET", "/demo/inbox.json"), ("HEAD", "/demo/inbox.json"),
                             ("GET", "/demo/clock"), ("POST", "/demo/clock")):
            answer = server.request(method, path, fields={"advance": "7d"} if method == "POST" else None)
            assert answer.status == 404, (method, path, answer.status)
        assert "demo" not in server.get("/").text
    finally:
        assert server.stop() == 0
        os.unlink(server.log.name)
        peer.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)


def next_weekday(day, weekday):
    return day + datetime.timedelta(days=(weekday - day.weekday()) % 7)


def leave(today, **more):
    first = next_weekday(today + datetime.timedelta(days=28), 0)
    return dict({"employee_name": "Bo Ærlig", "employee_email": "bo@example.dk", "employee_phone": "20 12 34 56", "department": "workshop", "kind": "holiday",
                 "first_day": first.strftime("%d-%m-%Y"), "last_day": (first + datetime.timedelta(days=4)).strftime("%d-%m-%Y")}, **more), first


def test_leave_with_reminder_escalation_and_sms():
    with Demo() as demo:
        # A Monday morning in March: no holidays for two weeks.
        year = datetime.date.today().year + 1
        monday = next_weekday(datetime.date(year, 2, 1), 0)
        demo.clock(set=monday.strftime("%Y-%m-%dT08:00"))
        answers, first = leave(monday)
        reference = demo.start("leave-request", answers)
        assert not [m for m in demo.server.inbox() if m["to"] == "mette.lund@firma.example.dk"], "nobody else before the address is confirmed"
        receipt = demo.walk(demo.link("bo@example.dk", "Bekræft"), {"confirmed": "true"})
        assert reference in receipt.text and "Ansøgningen er sendt til din leder" in receipt.text
        request = demo.link("mette.lund@firma.example.dk", "søger om fri")
        withdraw = demo.link("bo@example.dk")
        demo.clock(set=(monday + datetime.timedelta(days=3)).strftime("%Y-%m-%dT08:59"))
        time.sleep(0.6)
        assert len(demo.wait("mette.lund@firma.example.dk")) == 1, "the reminder waits for nine o'clock"
        demo.clock(advance="1min")
        reminder = demo.wait("mette.lund@firma.example.dk", count=2)[-1]
        assert reminder["links"] == [request], "a reminder repeats the link"
        demo.clock(set=(monday + datetime.timedelta(days=7)).strftime("%Y-%m-%dT09:00"))
        head = demo.link("karen.dahl@firma.example.dk")
        passed_on = demo.link("mette.lund@firma.example.dk")
        page = demo.page(head)
        assert page.status == 200 and "Bo Ærlig" in page.text and post_form(page)["fields"]["decision"]["choices"] == ["approve", "refuse"]
        receipt = demo.walk(head, {"decision": "approve"})
        assert reference in receipt.text and "Dit svar er sendt" in receipt.text
        # The slower of the two and the one who asked find a page that says so.
        for link in (passed_on, request, withdraw):
            page = demo.page(link)
            assert page.status in (200, 409, 410) and not [f for f in forms(page) if f["method"] == "post"], (page.status, plain(page))
        approved = demo.wait("bo@example.dk", "Du har fået fri")[-1]
        assert "Bo Ærlig" in approved["text"]
        demo.page(approved["links"][0])
        last = first + datetime.timedelta(days=4)
        demo.clock(set=last.strftime("%Y-%m-%dT08:59"))
        time.sleep(0.6)
        assert not [m for m in demo.server.inbox() if m["to"] == "+4520123456"]
        demo.clock(advance="1min")
        sms = demo.wait("+4520123456")[-1]
        assert list(sms) == MEMBERS and sms["channel"] == "sms"
        assert sms["text"].startswith("Hej Bo Ærlig. I dag er sidste dag, du har fri."), sms["text"]
        assert (sms["message_id"], sms["headers"], sms["subject"], sms["html"], sms["links"], sms["attachments"]) == ("", [], "", "", [], []), sms
        sent_at = datetime.datetime.fromisoformat(sms["at"].replace("Z", "+00:00")).astimezone(ZONE)
        assert sent_at.date() == last and sent_at.hour == 9
        demo.clock(advance="30d")
        time.sleep(0.6)
        assert len([m for m in demo.server.inbox() if m["to"] == "+4520123456"]) == 1


def test_clock_waits_for_what_is_due():
    """Who moves the clock right after an answer loses no mail, and reads what became due right after that."""
    with Demo() as demo:
        demo.start("declaration", request(demo.clock(advance="0s").date()))
        demo.walk(demo.link("ida.ny@example.dk"), {"confirmed": "true"})
        for week in range(3):
            demo.clock(advance="7d")
        inbox = [m for m in demo.server.inbox() if m["to"] in ("mester@example.dk", "ida.ny@example.dk")]
        assert [m["to"] for m in inbox].count("mester@example.dk") == 4, [(m["at"], m["to"], m["subject"]) for m in inbox]
        assert [m["to"] for m in inbox].count("ida.ny@example.dk") == 3, [(m["at"], m["to"], m["subject"]) for m in inbox]


def test_leave_refused_with_a_reason():
    with Demo() as demo:
        today = demo.clock(advance="0s").date()
        answers, _ = leave(today, employee_phone="", kind="other", note="Flytning & <b>mere</b>")
        # Something that is asked only after another answer: the page comes again with it.
        page = demo.page("/start/leave-request")
        answer = demo.server.post("/start/leave-request", fill(post_form(page), answers), headers=DANISH)
        step = answer.header("Location")
        page = demo.page(step)
        answer = demo.server.post(step, fill(post_form(page), answers), headers=DANISH)
        if answer.status != 303:
            assert "note" in post_form(answer)["fields"], plain(answer)
            answer = demo.server.post(step, fill(post_form(answer), answers), headers=DANISH)
        assert answer.status == 303, (answer.status, plain(answer))
        check = demo.page(answer.header("Location"))
        assert "Flytning &amp; &lt;b&gt;mere&lt;/b&gt;" in check.text and "Bo Ærlig" in check.text
        receipt = demo.walk(answer.header("Location"), {})
        assert REFERENCE.search(receipt.text), plain(receipt)
        demo.walk(demo.link("bo@example.dk", "Bekræft"), {"confirmed": "true"})
        link = demo.link("mette.lund@firma.example.dk")
        answer = demo.server.post(link, fill(post_form(demo.page(link)), {"decision": "refuse"}), headers=DANISH)
        if answer.status != 303:
            answer = demo.server.post(link, fill(post_form(answer), {"decision": "refuse", "reason": "Vi er for få"}), headers=DANISH)
        assert answer.status == 303
        receipt = demo.walk(answer.header("Location"), {})
        assert "Dit svar er sendt" in receipt.text, plain(receipt)
        assert "Vi er for få" in demo.wait("bo@example.dk", "afvist")[-1]["text"]


def test_leave_that_nobody_answers():
    with Demo() as demo:
        today = demo.clock(advance="0s").date()
        answers, first = leave(today)
        demo.start("leave-request", answers)
        demo.walk(demo.link("bo@example.dk", "Bekræft"), {"confirmed": "true"})
        link = demo.link("mette.lund@firma.example.dk")
        demo.clock(set=first.strftime("%Y-%m-%dT00:01"))
        demo.wait("bo@example.dk", "ikke besvaret")
        page = demo.page(link)
        assert page.status in (409, 410) and not [f for f in forms(page) if f["method"] == "post"], (page.status, plain(page))
        assert "Fejl" not in page.text
        refused = demo.server.post(link, {"step": "1", "version": "2", "decision": "approve"}, headers=DANISH)
        assert refused.status in (303, 409, 410), refused.status
        assert not [m for m in demo.server.inbox() if m["to"] == "bo@example.dk" and "Du har fået fri" in m["subject"]]


def test_expired_start_form():
    """A form that was begun is kept for a day; its link then says that the time is over."""
    with Demo() as demo:
        answers, _ = leave(demo.clock(advance="0s").date())
        page = demo.page("/start/leave-request")
        step = demo.server.post("/start/leave-request", fill(post_form(page), answers), headers=DANISH).header("Location")
        assert demo.page(step).status == 200
        demo.clock(advance="23h")
        assert demo.page(step).status == 200
        demo.clock(advance="2h")
        gone = demo.page(step)
        assert gone.status == 410 and "Linket er udløbet" in gone.text, (gone.status, plain(gone))
        refused = demo.server.post(step.split("?")[0], {"step": "2"}, headers=DANISH)
        assert refused.status == 410, refused.status


def request(today):
    return {"apprentice_name": "Ida Ærlig", "apprentice_email": "ida.ny@example.dk", "training_form": "company", "education": "building",
            "period_end": (today + datetime.timedelta(days=14)).strftime("%d-%m-%Y"), "main_course": "3", "school": "nordby", "class_name": "H3-26", "workplace": "Snedkeriet",
            "cvr": "13585628", "supervisor_emails": ["mester@example.dk"], "school_emails": ["skole@example.dk"]}


def assessment(demo, link):
    page = demo.page(link)
    levels = {n: "2" for f in forms(page) for n in f["fields"] if n.startswith("levels.")}
    assert levels, plain(page)
    return dict(levels, work_areas="Vinduer og døre", goals_reached="yes", special_needs="none", together="true", supervisor_name="Mester Madsen")


def test_declaration_with_reminders():
    with Demo() as demo:
        today = demo.clock(advance="0s").date()
        reference = demo.start("declaration", request(today))
        confirm = demo.link("ida.ny@example.dk")
        demo.clock(advance="2d")
        assert demo.wait("ida.ny@example.dk", count=2)[-1]["links"][0] == confirm
        demo.walk(confirm, {"confirmed": "true"})
        first = demo.link("mester@example.dk")
        demo.wait("ida.ny@example.dk", count=3)
        for week in (1, 2, 3):
            demo.clock(advance="7d")
            reminders = demo.wait("mester@example.dk", count=1 + week)
            assert reminders[-1]["links"][0] == first, "week %d" % week
        demo.clock(advance="7d")
        time.sleep(0.6)
        assert len(demo.wait("mester@example.dk")) == 4, "three reminders, not more"
        demo.wait("ida.ny@example.dk", count=4)  # two to confirm, one that it is sent, one after the period
        receipt = demo.walk(first, assessment(demo, first))
        assert reference in receipt.text and "Vinduer og døre" in receipt.text
        shown = demo.page(demo.link("skole@example.dk"))
        assert shown.status == 200 and "Vinduer og døre" in shown.text and "Ida Ærlig" in shown.text
        again = demo.page(first)
        assert reference in again.text and not [f for f in forms(again) if f["method"] == "post"], "a used link shows the receipt"


def test_declaration_that_nobody_answers():
    with Demo() as demo:
        today = demo.clock(advance="0s").date()
        demo.start("declaration", request(today))
        late = demo.link("ida.ny@example.dk")
        demo.clock(advance="8d")
        time.sleep(0.5)
        gone = demo.page(late)
        assert gone.status == 410 and not [f for f in forms(gone) if f["method"] == "post"], (gone.status, plain(gone))
        assert "Sagen er afsluttet" in plain(gone)
        demo.start("declaration", dict(request(today), apprentice_email="ib@example.dk", supervisor_emails=["svend@example.dk"], period_end=(today + datetime.timedelta(days=20)).strftime("%d-%m-%Y")))
        demo.walk(demo.link("ib@example.dk"), {"confirmed": "true"})
        link = demo.link("svend@example.dk")
        demo.clock(advance="100d")
        demo.wait("ib@example.dk", count=3)
        demo.wait("skole@example.dk")
        gone = demo.page(link)
        assert gone.status in (409, 410) and not [f for f in forms(gone) if f["method"] == "post"], (gone.status, plain(gone))


def without_port(demo):
    """The inbox, with the files' addresses as they are after a start on another port."""
    inbox = demo.server.inbox()
    for file in (a for m in inbox for a in m["attachments"]):
        file["url"] = file["url"][len(demo.server.url):]
    return inbox


def test_a_demo_folder_is_kept():
    folder = tempfile.mkdtemp(prefix="stafet-demo-kept-")
    site = os.path.join(folder, "site")
    try:
        with Demo(site) as demo:
            demo.wait("liv@firma.example.dk")
            before = without_port(demo)
        with Demo(site) as demo:
            assert without_port(demo) == before, "the inbox of a demo with a folder is still there"
        checked = run("verify", site=site).stdout
        assert re.search(r"\b\d+ instances checked, 0 faults", checked) and len({m["to"] for m in before}) > 10, checked
    finally:
        shutil.rmtree(folder)


main([test_ready_line_and_end, test_front_page_has_all_packages, test_inbox_json, test_clock, test_nothing_of_it_under_serve, test_leave_with_reminder_escalation_and_sms,
      test_clock_waits_for_what_is_due, test_leave_refused_with_a_reason, test_leave_that_nobody_answers, test_expired_start_form, test_declaration_with_reminders, test_declaration_that_nobody_answers,
      test_a_demo_folder_is_kept])
