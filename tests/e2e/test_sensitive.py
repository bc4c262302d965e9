"""Sensitive fields from outside: a whole story with a number and words that must not be found anywhere but on the page that reveals them."""
import glob, html, json, os, re, shutil, sqlite3, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_declaration as people
from stafet import ROOT, Server, fill, forms, main, post_form, run
from test_declaration import Visitor, link, mail, words

NUMBER, HEALTH, SINCE = "0707611234", "Ondt i venstre knæ", "24-12-2025"
CORRECTED = "0807619876"
LISTED, IMPORTED = "2412011111", "2512012222"  # in a register: of the package, and imported
# Every way that they could be written down.
SECRETS = [NUMBER, "070761-1234", "070761 1234", HEALTH, "venstre kn", "Ondt+i+venstre", SINCE, "2025-12-24", "24. december 2025", CORRECTED, "080761-9876", LISTED, IMPORTED]
server = site = folder = None


def open_server():
    global server, site, folder
    folder = tempfile.mkdtemp(prefix="stafet-sensitive-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", *[os.path.join(ROOT, "tests", "packages", p) for p in ("visit", "visit-lab")])
    server = people.server = Server("demo", site, "--listen", "127.0.0.1:0")


def clean(text, where):
    """None of it, as it is or escaped."""
    raw = text if isinstance(text, bytes) else text.encode()
    for secret in SECRETS:
        for form in (secret, html.escape(secret), json.dumps(secret)[1:-1]):
            assert form.encode() not in raw, "%s has %r: ...%r..." % (where, form, raw[max(0, raw.index(form.encode()) - 100):][:300])


def files():
    found = glob.glob(os.path.join(folder, "**", "*"), recursive=True) + [server.log.name]
    return [f for f in found if os.path.isfile(f)]


def clean_files():
    names = files()
    assert any(n.endswith(".db") for n in names), names
    for name in names:
        clean(open(name, "rb").read(), name)
    clean(json.dumps(server.inbox(), ensure_ascii=False), "captured messages")


def start():
    """The start form, with a mistake, a page that comes again, and a draft."""
    ida = Visitor()
    page = ida.get("/start/visit")
    # A wrong address: the page comes again without the number, but with its mask and what it was.
    page = ida.answer(page, {"name": "Ida", "number": "070761-1234", "email": "no address"})
    assert page.status == 422 and "Udfyldt: 070761****" in words(page), words(page)
    clean(page.text, "the page that came again")
    form = post_form(page)
    assert form["fields"]["number"]["values"] == [""] and form["fields"]["number.sealed"]["kind"] == "hidden"
    # The sealed number is this page's own: on another it is nothing.
    other = ida.get("/start/visit")
    stolen = ida.request("POST", "/start/visit", fill(post_form(other), {"name": "Eva", "email": "eva@example.dk"}) + [("number.sealed", form["fields"]["number.sealed"]["values"][0])])
    assert stolen.status == 422 and "Udfyldt" not in words(stolen), words(stolen)
    page = ida.answer(page, {"email": "ida@example.dk"})
    assert "Helbred" in words(page), words(page)
    # Back again: it is filled in, and stays so.
    back = ida.get(re.search(r'href="([^"]*step=1[^"]*)"', page.text).group(1).replace("&amp;", "&"))
    assert "Udfyldt: 070761****" in words(back), words(back)
    clean(back.text, "the first page")
    page = ida.answer(back, {})
    page = ida.answer(page, {"health": HEALTH})
    assert "Siden hvornår?" in words(page), words(page)
    page = ida.answer(page, {"since": SINCE})
    assert "070761****" in words(page) and "Tjek" in words(page), words(page)
    clean(page.text, "the check page")
    clean_files()
    page = ida.answer(page, {})
    assert "Tak" in words(page), words(page)
    clean(page.text, "the receipt")
    return ida


def test_a_whole_story_leaves_it_nowhere():
    start()
    note = mail("ida@example.dk", "sende")
    assert "070761****" in note["text"] and NUMBER not in json.dumps(note)
    Visitor().walk(link("ida@example.dk", "sende"), {"sure": "true"}, lambda page: clean(page.text, "confirming"))
    # The number is corrected; an empty input would keep what is there.
    ida = Visitor()
    page = ida.get(link("ida@example.dk", "bestilt"))
    assert "Udfyldt: 070761****" in words(page), words(page)
    clean(page.text, "correcting")
    page = ida.answer(page, {"number": "321361-9876"})
    assert page.status == 422 and "ti cifre" in words(page), words(page)
    page = ida.answer(page, {"number": "080761-9876"})
    assert "080761****" in words(page), words(page)
    page = ida.answer(page, {})
    clean(page.text, "corrected")
    desk = Visitor()
    receive = link("desk@example.dk", "bestilt")
    page = desk.get(receive)
    assert "080761****" in words(page), words(page)
    clean(page.text, "receiving")
    # The one page that reveals it, for who is logged in as the desk.
    assert desk.log_in("desk@example.dk")[1]
    listed = desk.get("/backend?view=visit.visits")
    clean(listed.text, "the list")
    row = re.search(r'href="([^"]*[?;&]row=[^"]*)"', listed.text)
    assert row, re.findall(r'href="([^"]*)"', listed.text)
    page = desk.get(html.unescape(row.group(1)))
    for shown in (CORRECTED, HEALTH, SINCE):
        assert shown in page.text, words(page)
    assert page.header("Cache-Control") == "no-store"
    export = desk.get(re.search(r'href="([^"]*export=csv[^"]*)"', listed.text).group(1).replace("&amp;", "&"))
    assert export.status == 200 and "Ida" in export.text
    clean(export.text, "the spreadsheet")
    desk.walk(receive, {"sure": "true"})
    # The child has it as its own.
    sample = mail("desk@example.dk", "laboratoriet")
    assert "0807****" in sample["text"], sample["text"]
    shown = Visitor().get(link("desk@example.dk", "laboratoriet"))
    assert CORRECTED in shown.text and NUMBER not in shown.text, words(shown)
    closed = Visitor().get(receive)
    clean(closed.text, "the link that was used")
    clean_files()


def test_an_answer_is_deleted():
    """One that may be left out, by a tick beside it: an empty input keeps it, what is typed wins."""
    data = os.path.join(folder, "liv.json")
    with open(data, "w", encoding="utf-8") as f:
        json.dump({"name": "Liv", "email": "liv@example.dk", "number": NUMBER, "health": HEALTH}, f)
    reference = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", run("start", "visit", "--data", data, site=site).stdout).group(0)
    os.unlink(data)
    Visitor().walk(link("liv@example.dk", "sende"), {"sure": "true"})
    liv, corrections = Visitor(), link("liv@example.dk", "bestilt")
    page = liv.get(corrections)
    assert "health.cleared" in post_form(page)["fields"] and "number.cleared" not in post_form(page)["fields"], "only what may be left out"
    assert "Slet det, der står nu" in words(page)
    # Pressed without a tick it stays; with one, but with something wrong beside it, the tick stays.
    page = liv.answer(page, {})
    assert "****" in words(page).split("Helbred")[1][:40], words(page)
    again = liv.get(re.search(r'href="([^"]*step=1[^"]*)"', page.text).group(1).replace("&amp;", "&"))
    wrong = liv.answer(again, {"health.cleared": "1", "number": "1"})
    assert wrong.status == 422, wrong.status
    page = liv.answer(wrong, {"number": NUMBER})
    told = words(page).split("Helbred")[1][:40]
    assert "****" not in told and "Ikke udfyldt" in told, words(page)
    assert '"health"' in run("show", reference, site=site).stdout, "not sent yet"
    # Back once more: the tick stands there, and can be taken away.
    again = liv.get(re.search(r'href="([^"]*step=1[^"]*)"', page.text).group(1).replace("&amp;", "&"))
    assert post_form(again)["fields"]["health.cleared"]["values"] == ["1"], post_form(again)["fields"]
    page = liv.answer(again, {"health.cleared": []})
    assert "****" in words(page).split("Helbred")[1][:40], words(page)
    again = liv.get(re.search(r'href="([^"]*step=1[^"]*)"', page.text).group(1).replace("&amp;", "&"))
    page = liv.answer(again, {"health.cleared": "1"})
    page = liv.answer(page, {})
    assert page.status == 200 and '"health"' not in run("show", reference, site=site).stdout, words(page)
    assert '"number"' in run("show", reference, site=site).stdout and "0 faults" in run("verify", reference, site=site).stdout


def test_commands_tell_the_mask():
    listed = run("list", site=site).stdout
    assert len(listed.splitlines()) == 2, listed
    for line in listed.splitlines():
        reference = line.split()[0]
        for command in (["show", reference], ["history", reference], ["verify", reference]):
            clean(run(*command, site=site).stdout, command)
        assert "****" in run("show", reference, site=site).stdout
    clean(run("outbox", site=site).stdout, "outbox")
    waiting = run("start", "visit", "--data", "-", site=site, input=json.dumps({"name": "Bo", "email": "bo@example.dk", "number": NUMBER}), check=False)
    clean(waiting.stdout + waiting.stderr, "start")
    backup = os.path.join(folder, "backup.db")
    run("backup", backup, site=site)
    clean_files()
    assert "0 faults" in run("verify", site=site).stdout or run("verify", site=site).returncode == 0


def test_registers_keep_it_sealed():
    with tempfile.TemporaryDirectory() as elsewhere:
        rows = os.path.join(elsewhere, "rows.csv")
        open(rows, "w").write("id,name,number\nv1,Vera,%s\nv3,Vips,%s\n" % (LISTED, IMPORTED))
        told = run("import", "visit-lab.patients", rows, site=site)
        assert "1 added, 0 changed, 1 removed, 1 the same" in told.stdout, told.stdout
        open(rows, "w").write("id,name,number\nv3,Vips,****\n")
        refused = run("import", "visit-lab.patients", rows, site=site, check=False)
        assert refused.returncode == 1 and "no mask" in refused.stdout, refused.stdout
    clean_files()


def test_nothing_opens_it_as_another_case():
    """What is sealed is one case's one field: put into another by hand, it stays shut and the log says so."""
    server.stop()
    (name,) = glob.glob(os.path.join(site, "**", "*.db"), recursive=True)
    db = sqlite3.connect(name)
    rows = dict(db.execute("SELECT workflow, data FROM instances WHERE state <> 'unconfirmed'"))
    theirs = json.loads(rows["visit-lab"])
    own = dict(theirs, number=json.loads(rows["visit"])["number"])
    db.execute("UPDATE instances SET data = ? WHERE workflow = 'visit-lab'", [json.dumps(own, separators=(",", ":"))])
    db.commit()
    db.close()
    people.server = globals()["server"] = Server("demo", site, "--listen", "127.0.0.1:0")
    page = Visitor().get(link("desk@example.dk", "laboratoriet"))
    assert page.status == 200 and CORRECTED not in page.text and "080761****" in words(page), words(page)
    assert "event=sealed-unreadable" in server.log_text()
    verified = run("verify", site=site, check=False)
    assert verified.returncode != 0 and "not what its history left" in verified.stdout, verified.stdout
    server.stop()
    db = sqlite3.connect(name)
    db.execute("UPDATE instances SET data = ? WHERE workflow = 'visit-lab'", [rows["visit-lab"]])
    db.commit()
    db.close()
    people.server = globals()["server"] = Server("demo", site, "--listen", "127.0.0.1:0")


def test_a_person_is_told_and_forgotten():
    """What is kept about somebody; then it goes, from the running server and with it stopped, and the link still says where it stands."""
    told = run("export-person", "ida@example.dk", site=site).stdout
    assert "visit, as patient" in told and "080761****" in told and "Ida" in told, told
    clean(told, "export-person")
    assert CORRECTED in run("export-person", "ida@example.dk", "--reveal", site=site).stdout
    number = re.search(r"case (\S+)", told).group(1)
    before = run("show", number, site=site).stdout
    # The lab's case still runs: nothing is erased, or it is ended.
    refused = run("erase", number, site=site, check=False)
    assert refused.returncode == 1 and "still runs" in refused.stdout + refused.stderr, refused
    assert run("show", number, site=site).stdout == before
    dry = run("erase", number, "--running", "--dry-run", site=site).stdout
    assert dry.count("would be erased") == 2 and run("show", number, site=site).stdout == before, dry
    shown = link("ida@example.dk", "bestilt")
    done = run("erase", "--contact", "ida@example.dk", "--running", site=site).stdout
    assert done.count(": erased") == 2 and "forgotten" in done, done
    after = run("show", number, site=site).stdout
    assert "data       {}" in after and "person" not in after and "message" not in after, after
    assert "received" in run("history", number, site=site).stdout
    assert run("verify", site=site).returncode == 0
    for command in (["export-person", "ida@example.dk"], ["erase", "--contact", "ida@example.dk"]):
        gone = run(*command, site=site, check=False)
        assert gone.returncode == 1 and "nobody with the address" in gone.stdout + gone.stderr, gone
    page = Visitor().get(shown)
    assert page.status in (200, 410) and "Ida" not in page.text, (page.status, words(page))
    assert "event=erased cases=2 reason=asked" in server.log_text()
    server.stop()
    assert "was erased before" in run("erase", number, site=site).stdout
    (name,) = glob.glob(os.path.join(site, "**", "stafet.db"), recursive=True)
    raw = open(name, "rb").read()
    assert b"ida@example.dk" not in raw and b"Ida" not in raw
    assert run("erase", site=site, check=False).returncode == 2 and run("erase", number, "--all", site=site, check=False).returncode == 2
    people.server = globals()["server"] = Server("demo", site, "--listen", "127.0.0.1:0")


def test_another_key_opens_nothing():
    server.stop()
    (keys,) = glob.glob(os.path.join(site, "**", "*key*"), recursive=True)
    os.unlink(keys)
    other = os.path.join(folder, "other")
    run("init", other)
    shutil.copy(glob.glob(os.path.join(other, "**", "*key*"), recursive=True)[0], keys)
    os.chmod(keys, 0o600)
    told = run("list", site=site, check=False)
    assert told.returncode != 0 and "key" in told.stdout + told.stderr, told.stdout + told.stderr


if __name__ == "__main__":
    open_server()
    tests = [test_a_whole_story_leaves_it_nowhere, test_commands_tell_the_mask, test_registers_keep_it_sealed, test_nothing_opens_it_as_another_case, test_a_person_is_told_and_forgotten, test_an_answer_is_deleted, test_another_key_opens_nothing]
    main(tests)
