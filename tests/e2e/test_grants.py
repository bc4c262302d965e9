#!/usr/bin/python3
"""Roles that a register gives, over real HTTP: who may see and do what, by act, role, scope and day, as midnight passes and as colleagues come and go. On the package
tests/packages/wardens."""
import datetime, json, os, re, shutil, sqlite3, sys, tempfile, time, zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import plain
from stafet import *

PACKAGE = os.path.join(ROOT, "tests", "packages", "wardens")
ACTS = ("fix", "move", "settle")
DANISH = {"Accept-Language": "da"}
ZONE = zoneinfo.ZoneInfo("Europe/Copenhagen")
HEAD = "id;name;email;mobile;duty;building;from;until;given_by;given_at"


class Demo:
    """A demo whose clock is moved."""

    def __init__(self, site):
        self.server = Server("demo", site, "--listen", "127.0.0.1:0")

    def clock(self, **fields):
        answer = self.server.post("/demo/clock", fields)
        assert answer.status == 200, answer.text
        return datetime.datetime.fromisoformat(json.loads(answer.text)["now"].replace("Z", "+00:00")).astimezone(ZONE)

    def wait(self, to, subject=""):
        end = time.time() + 15
        while not [m for m in self.server.inbox() if m["to"] == to and subject in m["subject"]]:
            assert time.time() < end, "no '%s' to %s" % (subject, to)
            time.sleep(0.05)

    def page(self, link):
        return self.server.follow(self.server.get(link, headers=DANISH), DANISH)

    def walk(self, link, answers):
        return walk(self.server, link, answers, headers=DANISH)


def take(site, folder, *rows):
    """Other rows for the register, while the server runs."""
    path = os.path.join(folder, "shifts.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join((HEAD,) + rows) + "\n")
    return run("import", "wardens.shifts", path, site=site).stdout


def row(key, who, duty, building="", since="", until=""):
    return "%s;%s;%s@example.dk;;%s;%s;%s;%s;Per;2026-03-02 09:30" % (key, who.title(), who, duty, building, since, until)


def report(site, folder, building, what):
    data = os.path.join(folder, "report.json")
    with open(data, "w", encoding="utf-8") as f:
        json.dump({"tenant_name": "Liv", "tenant_email": "liv@example.dk", "tenant_phone": "30123456", "building": building, "what": what}, f)
    return re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", run("start", "wardens", "--data", data, site=site).stdout).group(0)


def log_in(demo, who):
    """Headers of somebody who is logged in; None: no code comes."""
    server, address = demo.server, who + "@example.dk"
    codes = lambda: [m for m in server.inbox() if m["to"] == address and "kode" in m["subject"]]
    before = len(codes())
    asked = server.post("/home/otplogin", {"step": "address", "address": address}, headers=DANISH)
    pre = next(v for k, v in asked.headers if k == "Set-Cookie" and v.startswith("pre=")).split(";")[0]
    if "sent=none" in re.findall(r"event=login-asked.*", server.log_text())[-1]:
        return None
    while len(codes()) == before:
        time.sleep(0.02)
    code = re.search(r"\b\d{6}\b", codes()[-1]["text"]).group(0)
    answer = server.post("/home/otplogin", {"step": "code", "code": code}, headers=dict(DANISH, Cookie=pre))
    assert answer.status == 303, plain(answer)
    return dict(DANISH, Cookie=next(v for k, v in answer.headers if k == "Set-Cookie" and v.startswith("sid=")).split(";")[0])


def may(demo, session, view, reference):
    """What somebody can do with the case from its page; None: they do not see it. The page's buttons and what a press brings must agree."""
    if not session:
        return None
    path = "/backend?view=wardens.%s&row=%s" % (view, reference)
    page = demo.server.get(path, headers=session)
    listed = demo.server.get("/backend?view=wardens.%s" % view, headers=session)
    assert (page.status == 200) == (listed.status == 200 and reference in listed.text), (page.status, listed.status)
    offered = {v for f in forms(page) for n, field in f["fields"].items() if n == "act" for v in field["values"]}
    taken = {act for act in ACTS if (demo.server.post(path, {"act": act}, headers=session).header("Location") or "").startswith("/l/")}
    assert offered == taken, (offered, taken)
    return offered if page.status == 200 else None


def links(demo, who):
    return [m["links"][0] for m in demo.server.inbox() if m["to"] == who + "@example.dk" and m["links"]]


def over(demo, link, reference):
    """An old link says so in plain words, and nothing of the case; pressing it does nothing."""
    for answer in (demo.server.get(link, headers=DANISH), demo.server.post(link, {"step": "1", "done": "Alligevel"}, headers=DANISH)):
        answer = demo.server.follow(answer, DANISH)
        text = plain(answer)
        assert answer.status == 410 and "Du har ikke længere adgang til sagen" in text, (answer.status, text[:500])
        assert reference not in answer.text and "Vinduet" not in text and "Egehuset" not in text, text[:500]


def state(site, reference):
    return re.search(r"^state +(\S+)", run("show", reference, site=site).stdout, re.M).group(1)


def with_demo(test):
    def inner():
        folder = tempfile.mkdtemp(prefix="stafet-grants-")
        site = os.path.join(folder, "site")
        run("init", site, "--with", PACKAGE)
        try:
            demo = Demo(site)
            try:
                test(demo, site, folder)
            except Exception:
                print(demo.server.log_text()[-3000:])
                raise
            finally:
                demo.server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    inner.__name__ = test.__name__
    return inner


@with_demo
def test_by_act_role_scope_and_day(demo, site, folder):
    now = demo.clock(advance="0s")
    today = now.date() + datetime.timedelta(1)
    demo.clock(set="%sT23:45" % today)
    tomorrow = today + datetime.timedelta(1)
    take(site, folder, row(1, "ida", "warden", "e", "", today), row(2, "bo", "warden", "e", tomorrow), row(3, "ann", "warden", "b"), row(4, "per", "office", "", "", today),
         row(5, "eva", "office", "", tomorrow), row(6, "kim", "warden"), row(7, "sif", "cook", "e"))
    case, other = report(site, folder, "e", "Vinduet er revnet"), report(site, folder, "b", "Døren binder")
    demo.wait("ida@example.dk")
    sessions = {who: log_in(demo, who) for who in ("ida", "bo", "ann", "per", "eva", "kim", "sif", "liv")}
    assert {who for who, session in sessions.items() if session} == {"ida", "ann", "per"}
    rights = lambda: {(who, view, name): may(demo, session, view, name) for who, session in sessions.items() for view in ("duties", "all") for name in (case, other)}
    assert {k: v for k, v in rights().items() if v is not None} == {
        ("ida", "duties", case): {"fix", "move"}, ("ann", "duties", other): {"fix", "move"},
        ("per", "all", case): {"move", "settle"}, ("per", "all", other): {"move", "settle"}}
    mailed, pressed = links(demo, "ida")[0], links(demo, "ann")[0]
    assert demo.page(mailed).status == 200 and "Vinduet" in plain(demo.page(mailed))
    settle = demo.server.post("/backend?view=wardens.all&row=" + case, {"act": "settle"}, headers=sessions["per"]).header("Location")
    assert "Luk sagen" in plain(demo.page(settle))

    # Midnight. Whoever is logged in stays so, and sees nothing of it any more.
    demo.clock(advance="20min")
    for who in ("bo", "eva"):
        sessions[who] = log_in(demo, who)
    assert {who for who, session in sessions.items() if session} == {"ida", "ann", "per", "bo", "eva"}
    assert {k: v for k, v in rights().items() if v is not None} == {
        ("bo", "duties", case): {"fix", "move"}, ("ann", "duties", other): {"fix", "move"},
        ("eva", "all", case): {"move", "settle"}, ("eva", "all", other): {"move", "settle"}}
    for old in (mailed, settle):
        over(demo, old, case)
    home = plain(demo.server.get("/backend?view=home", headers=sessions["ida"]))
    assert "Vinduet" not in home and case not in home and "Udbedr" not in home, home
    assert log_in(demo, "ida") is None, "there is nothing to log in for"
    assert state(site, case) == "reported"
    assert demo.page(pressed).status == 200
    # What is kept about somebody: also what a register gives, on whichever days.
    told = run("export-person", "bo@example.dk", site=site).stdout
    assert "register   wardens.shifts row 2 Bo gives warden, from %s until -" % tomorrow in told, told
    assert "register   wardens.shifts row 1 Ida gives warden, from - until %s" % today in run("export-person", "ida@example.dk", site=site).stdout

    # The new one does it, by the page; who did it is proved.
    answer = demo.server.post("/backend?view=wardens.duties&row=" + case, {"act": "fix"}, headers=sessions["bo"])
    demo.walk(answer.header("Location"), {"done": "Skiftet"})
    demo.wait("liv@example.dk", "udbedret")
    assert state(site, case) == "fixed"
    assert "0 faults" in run("verify", site=site).stdout


def tampered(site, folder):
    """Who was given what by whom: named, while the server runs."""
    store = sqlite3.connect(os.path.join(site, "data", "stafet.db"))
    contact, = store.execute("SELECT contact_id FROM grants WHERE row_key = '1'").fetchone()
    other, = store.execute("SELECT min(id) FROM contacts WHERE id <> ?", (contact,)).fetchone()
    for to, said, status in ((other, "register wardens.shifts: row '1' gives the role 'warden' to somebody else\n", 1), (contact, "", 0)):
        assert store.execute("UPDATE grants SET contact_id = ? WHERE row_key = '1'", (to,)).rowcount > 0
        store.commit()
        done = run("verify", site=site, check=False)
        assert done.returncode == status and said in done.stdout, done
    store.close()


@with_demo
def test_by_the_register_alone(demo, site, folder):
    take(site, folder, row(1, "ida", "warden", "e"), row(2, "bo", "warden", "b"))
    case = report(site, folder, "e", "Vinduet er revnet")
    demo.wait("ida@example.dk")
    ida, link = log_in(demo, "ida"), links(demo, "ida")[0]
    assert may(demo, ida, "duties", case) == {"fix", "move"} and log_in(demo, "bo") is None
    # Begun, but not sent when the row changes.
    form = post_form(demo.page(link))
    assert "2 changed" in take(site, folder, row(1, "ida", "warden", "b"), row(2, "bo", "warden", "e"))
    typed = demo.server.post(form["action"] or link, fill(form, {"done": "Skiftet"}), headers=DANISH)
    assert "Du har ikke længere adgang" in plain(demo.server.follow(typed, DANISH)) and state(site, case) == "reported"
    over(demo, link, case)
    assert may(demo, ida, "duties", case) is None
    demo.clock(advance="2min")  # another code within the minute would not be sent
    bo = log_in(demo, "bo")
    assert may(demo, bo, "duties", case) == {"fix", "move"}
    # The next reminder goes to who it is then.
    demo.clock(advance="2d")
    demo.wait("bo@example.dk", "Egehuset")
    assert len(links(demo, "ida")) == 1
    # Whoever gets it back finds the old link good again.
    take(site, folder, row(1, "ida", "warden", "e"))
    demo.walk(link, {"done": "Skiftet"})
    assert state(site, case) == "fixed" and "0 faults" in run("verify", site=site).stdout
    tampered(site, folder)
    # A used link tells who has left nothing either.
    take(site, folder, row(2, "bo", "warden", "e"))
    over(demo, link, case)


def test_a_mail_that_waits():
    """What was written to somebody who has left before it could be sent is not sent."""
    folder, peer = tempfile.mkdtemp(prefix="stafet-grants-"), Peer("smtp_peer.py")
    site = os.path.join(folder, "site")
    run("init", site, "--with", PACKAGE)
    path = os.path.join(site, "stafet.yaml")
    text = open(path, encoding="utf-8").read()
    open(path, "w", encoding="utf-8").write(text.replace("smtp://127.0.0.1:25", "smtp://127.0.0.1:%d" % peer.port))
    server = None
    try:
        take(site, folder, row(1, "ida", "warden", "e"), row(2, "bo", "warden", "e"))
        case = report(site, folder, "e", "Vinduet er revnet")
        take(site, folder, row(2, "bo", "warden", "e"))
        server = Server("serve", site, "--listen", "127.0.0.1:0")
        peer.wait(1)
        end = time.time() + 10
        while "not sent" not in run("show", case, site=site).stdout and time.time() < end:
            time.sleep(0.05)
        shown = run("show", case, site=site).stdout
        assert re.search(r"please to ida@example.dk: failed, not sent: its recipient takes no part in the case any more", shown), shown
        assert [m["rcpt_to"] for m in peer.messages()] == [["bo@example.dk"]], peer.messages()
        assert state(site, case) == "reported", "nobody was unreachable"
    finally:
        if server:
            server.stop()
        peer.stop()
        shutil.rmtree(folder, ignore_errors=True)


@with_demo
def test_wrong_addresses(demo, site, folder):
    path = os.path.join(folder, "wrong.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write(HEAD + "\n1;Ida;ida at example;;warden;e;;;;\n2;Bo;bo@example.dk;12;warden;e;;;;\n3;Per;per@example.dk;;office;;;;;i går\n")
    told = run("import", "wardens.shifts", path, site=site, check=False)
    assert told.returncode == 1 and "line:2:3: error: 'ida at example' is not an e-mail address (column 'email')" in told.stdout, told.stdout
    assert "line:3:4: error: '12' is not a phone number" in told.stdout and "line:4:10: error: 'i går' is not a date and time" in told.stdout, told.stdout
    assert "0 added, 0 changed" in run("import", "wardens.shifts", os.path.join(PACKAGE, "shifts.csv"), site=site).stdout


if __name__ == "__main__":
    main([value for name, value in list(globals().items()) if name.startswith("test_")])
