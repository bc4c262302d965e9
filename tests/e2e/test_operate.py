"""What an operator and an author do: reload, stop under load, commands beside a running server and without one, wrong usage, expressions, pictures."""
import json, os, re, shutil, signal, sqlite3, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import REFERENCE, Load, Mailbox, application, check_store, drain, leave_site, open_store
from stafet import main, package, Peer, ROOT, run, Server, walk, with_one

PACKAGE = package("leave-request")


class Site:
    """A site with a package of its own that may be changed, and a relay."""

    def __init__(self):
        self.peer = Peer("smtp_peer.py")
        self.mailbox = Mailbox(self.peer.folder)
        self.path, self.port = leave_site(self.peer)
        self.folder = os.path.dirname(self.path)
        self.package = os.path.join(self.folder, "leave-request")
        shutil.copytree(PACKAGE, self.package)
        config = os.path.join(self.path, "stafet.yaml")
        text = open(config, encoding="utf-8").read()
        assert PACKAGE in text
        open(config, "w", encoding="utf-8").write(text.replace(PACKAGE, self.package))
        self.server, self.number = None, 0

    def serve(self):
        self.server = Server("serve", self.path)
        return self.server

    def stop(self):
        assert self.server.stop() == 0, self.server.log_text()[-2000:]
        os.unlink(self.server.log.name)
        self.server = None

    def close(self):
        if self.server:
            self.server.stop()
            os.unlink(self.server.log.name)
        self.peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def change(self, name, old, new):
        path = os.path.join(self.package, name)
        text = open(path, encoding="utf-8").read()
        assert text.count(old) >= 1, (name, old)
        open(path, "w", encoding="utf-8").write(text.replace(old, new, 1))

    def restore(self):
        shutil.rmtree(self.package)
        shutil.copytree(PACKAGE, self.package)

    def reload(self):
        """SIGHUP; what the log says until it is done."""
        before = len(self.server.log_text())
        self.server.process.send_signal(signal.SIGHUP)
        end = time.time() + 10
        while time.time() < end:
            text = self.server.log_text()[before:]
            if re.search(r"event=(reloaded|reload-refused)\b.*\n", text):
                return text
            time.sleep(0.02)
        raise AssertionError("no answer to SIGHUP:\n" + text)

    def apply(self):
        """(reference, address) of a new application."""
        self.number += 1
        answers = application(self.number)
        page = walk(self.server, "/start/leave-request", answers, headers={"X-Forwarded-For": "10.0.%d.1" % self.number, "Accept-Language": "da"})
        return REFERENCE.search(page.text).group(1), answers["employee_email"]

    def mail_to(self, address, subject=""):
        end = time.time() + 15
        while time.time() < end:
            self.mailbox.poll()
            for mail in reversed(self.mailbox.rows):
                if mail["to"] == [address] and subject in mail["subject"]:
                    return mail
            time.sleep(0.05)
        raise AssertionError("no mail '%s' to %s in %s" % (subject, address, [(m["to"], m["subject"]) for m in self.mailbox.rows]))

    def confirm(self, address):
        walk(self.server, self.mail_to(address, "Bekræft")["links"][0], {"confirmed": "true"})

    def cli(self, *args, **options):
        return run(*args, site=self.path, **options)

    def machine(self, reference):
        return re.search(r"\(machine ([0-9a-f]{16})\)", self.cli("show", reference).stdout).group(1)

    def timer(self, reference, name):
        found = re.search(r"^timer +(\S+) %s$" % name, self.cli("show", reference).stdout, re.M)
        return found.group(1)

    def quiet(self):
        """Until no message is on its way."""
        end = time.time() + 15
        while time.time() < end:
            shown = "".join(self.cli("show", line.split()[0]).stdout for line in self.cli("list").stdout.splitlines())
            if not re.search(r"^message .* to \S+: (queued|leased|begun)", shown, re.M):
                return
            time.sleep(0.1)
        raise AssertionError("messages are still on their way:\n" + shown)


@with_one(Site)
def test_wrong_definitions_change_nothing(site):
    site.serve()
    _, address = site.apply()
    lines = open(os.path.join(PACKAGE, "workflow.yaml"), encoding="utf-8").read().split("\n")
    wrong = [
        ("workflow.yaml", "initial: unconfirmed", "initial: unconfirmd", "unconfirmed"),
        ("workflow.yaml", "initial: unconfirmed", "initial: [", ""),
        ("workflow.yaml", "guard: decision == 'approve'", "guard: decison == 'approve'", "decision"),
        ("workflow.yaml", "initial: unconfirmed", "initial: unconfirmed\ninitial: asked", ""),
        ("texts/da.yaml", "title: Ansøg om fri", "titel: Ansøg om fri", "title"),
        ("messages/request.da.md", "{{employee_name}}", "{{employe_name}}", "employee_name"),
    ]
    for name, old, new, hint in wrong:
        site.change(name, old, new)
        said = site.reload()
        assert "event=reload-refused" in said and "level=error" in said, said
        place = re.search(r"%s:(\d+):(\d+)" % re.escape(name), said)
        assert place, (name, said)
        assert hint in said, (hint, said)
        if name == "workflow.yaml" and hint == "unconfirmed":
            assert lines[int(place.group(1)) - 1] == "initial: unconfirmed", said
        page = site.server.get("/", headers={"Accept-Language": "da"})
        assert page.status == 200 and "Ansøg om fri" in page.text
        site.apply()
        site.restore()
    os.rename(site.package, site.package + "-away")
    assert "event=reload-refused" in site.reload()
    site.apply()
    os.rename(site.package + "-away", site.package)
    assert "event=reloaded" in site.reload()
    site.confirm(address)
    assert "0 faults" in site.cli("verify").stdout


@with_one(Site)
def test_changed_texts_are_live(site):
    site.serve()
    reference, address = site.apply()
    machine = site.machine(reference)
    site.change("texts/da.yaml", "title: Ansøg om fri", "title: Søg dine fridage")
    site.change("messages/request.da.md", "subject: {{employee_name}} søger om fri", "subject: Nyt emne {{employee_name}}")
    assert "Søg dine fridage" not in site.server.get("/", headers={"Accept-Language": "da"}).text
    assert "event=reloaded" in site.reload()
    assert "Søg dine fridage" in site.server.get("/", headers={"Accept-Language": "da"}).text
    site.mail_to(address)
    site.confirm(address)
    manager = re.search(r"^person +manager (\S+)", site.cli("show", reference).stdout, re.M).group(1)
    site.mail_to(manager, "Nyt emne Anna Nr 000001")
    other, _ = site.apply()
    assert site.machine(reference) == site.machine(other) == machine, "a text is no machine"


@with_one(Site)
def test_instances_stay_with_their_machine(site):
    site.serve()
    old, address = site.apply()
    machine = site.machine(old)
    site.change("workflow.yaml", "- in: 3 workdays\n        time: \"09:00\"\n        name: reminder", "- in: 1 workday\n        time: \"09:00\"\n        name: reminder")
    assert "event=reloaded" in site.reload()
    new, new_address = site.apply()
    assert site.machine(old) == machine
    assert site.machine(new) != machine
    site.confirm(address)
    site.confirm(new_address)
    assert site.timer(old, "reminder") > site.timer(new, "reminder"), (site.timer(old, "reminder"), site.timer(new, "reminder"))
    graph = site.cli("graph", "--instance", old).stdout
    assert "after 3 workdays" in graph, graph
    assert "after 1 workday" in site.cli("graph", "--instance", new).stdout
    # Read back from the store: the old machine is in no package any more.
    site.stop()
    site.serve()
    assert site.machine(old) == machine
    walk(site.server, site.mail_to(address, "sendt")["links"][0], {"give_up": "true"})
    assert re.search(r"^state +withdrawn", site.cli("show", old).stdout, re.M)
    assert "0 faults" in site.cli("verify").stdout


@with_one(Site)
def test_texts_must_fit_running_instances(site):
    site.serve()
    site.apply()
    site.change("workflow.yaml", "options: [holiday, extra, other]", "options: [holiday, other]")
    for language in ("da", "en"):
        path = os.path.join(site.package, "texts", language + ".yaml")
        text = open(path, encoding="utf-8").read()
        open(path, "w", encoding="utf-8").write(re.sub(r", extra: [^,}]+", "", text))
    assert run("check", site.package).returncode == 0
    said = site.reload()
    assert "event=reload-refused" in said and "extra" in said, said
    page = site.server.get("/start/leave-request", headers={"Accept-Language": "da"})
    assert page.status == 200
    site.apply()


@with_one(Site)
def test_stop_under_load(site):
    load = Load("127.0.0.1:%d" % site.port, site.mailbox, threads=12)
    for turn in range(4):
        site.serve()
        load.up.set()
        if turn == 0:
            load.begin()
        time.sleep(1.2)
        load.up.clear()
        begin = time.time()
        site.stop()
        assert time.time() - begin < 10, "the stop took %.1f s" % (time.time() - begin)
        store = open_store(site.path)
        held = store.execute("SELECT count(*) FROM outbox WHERE state NOT IN ('queued', 'sent', 'cancelled')").fetchone()[0]
        store.close()
        assert held == 0, "%d messages are held by nobody after a good end" % held
    site.serve()
    load.up.set()
    load.end()
    site.stop()
    drain(site.path)
    print(check_store(site.path, load, site.mailbox))


def outputs(site, commands):
    found = []
    for command in commands:
        done = site.cli(*command, check=False)
        found.append((command, done.returncode, done.stdout, done.stderr))
    return found


@with_one(Site)
def test_commands_beside_and_without_a_server(site):
    good, wrong, empty = (os.path.join(site.folder, n) for n in ("good.json", "wrong.json", "empty.csv"))
    json.dump(dict(application(77), kind="other", note="æ 'citeret' & 100 % + \u20ac\nto linjer"), open(good, "w"))
    json.dump(dict(application(78), employee_email="ikke en adresse"), open(wrong, "w"))
    csv = os.path.join(site.package, "departments.csv")
    more = os.path.join(site.folder, "more.csv")
    open(more, "w", encoding="utf-8").write(open(csv, encoding="utf-8").read() + "lager,Lager,Åse Øst,aase@firma.example.dk,karen.dahl@firma.example.dk\n")
    bad = os.path.join(site.folder, "bad.csv")
    open(bad, "w", encoding="utf-8").write("id,name\nx,y\n")
    open(empty, "w").close()
    started = [site.cli("start", "leave-request", "--data", good).stdout]
    site.serve()
    started.append(site.cli("start", "leave-request", "--data", good).stdout)
    reference, address = site.apply()
    site.confirm(address)
    references = [s.split()[0] for s in started] + [reference]
    assert all(re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4} unconfirmed\n", s) for s in started), started
    site.quiet()
    read = [["list"], ["list", "leave-request"], ["list", "--state", "asked"], ["list", "--state", "nowhere"], ["list", "nothing"], ["list", "--limit", "1"],
            ["list", "--limit", "x"], ["verify"], ["verify", reference], ["import", "leave-request.departments", more, "--dry-run"],
            ["import", "leave-request.departments", bad, "--dry-run"], ["import", "leave-request.departments", bad], ["import", "leave-request.nothing", more],
            ["import", "leave-request.departments", empty], ["import", "leave-request.departments", "/nonexistent.csv"], ["import", "leave-request.departments"],
            ["start", "leave-request", "--data", wrong], ["start", "nothing", "--data", good], ["start"], ["show"], ["show", "ZZZZ-ZZZZ"], ["history", "ZZZZ-ZZZZ"],
            ["show", "a", "b"], ["list", "--wrong"], ["graph", "--instance", reference], ["graph", "--instance", "ZZZZ-ZZZZ"], ["verify", "ZZZZ-ZZZZ"]]
    for r in references:
        read += [["show", r], ["history", r], ["graph", "--instance", r, "--to", "dot"]]
    beside = outputs(site, read)
    site.stop()
    without = outputs(site, read)
    for one, other in zip(beside, without):
        assert one == other, "beside a server:\n%s\nwithout:\n%s" % (one, other)
    status = {tuple(command): code for command, code, _, _ in beside}
    for command, code in status.items():
        wanted = 2 if command in (("list", "--limit", "x"), ("start",), ("show",), ("show", "a", "b"), ("list", "--wrong"), ("import", "leave-request.departments"), ("import", "leave-request.departments", empty)) else \
            1 if "ZZZZ-ZZZZ" in command or bad in command or wrong in command or "leave-request.nothing" in command or "/nonexistent.csv" in command or command[:2] == ("start", "nothing") else 0
        assert code == wanted, (command, code, wanted)
    shown = site.cli("show", references[0]).stdout
    assert "to linjer" in shown and "100 % + \u20ac" in shown, shown
    # Changes, each way in turn.
    assert site.cli("import", "leave-request.departments", more).stdout == "1 added, 0 changed, 0 removed, 3 the same\n"
    site.serve()
    assert site.cli("import", "leave-request.departments", more).stdout == "0 added, 0 changed, 0 removed, 4 the same\n"
    assert site.cli("import", "leave-request.departments", csv, "--dry-run").stdout.endswith("\ndry run: 0 added, 0 changed, 1 removed, 3 the same\n")
    assert "Lager" in site.server.get("/start/leave-request", headers={"Accept-Language": "da"}).text
    assert site.cli("import", "leave-request.departments", csv).stdout == "0 added, 0 changed, 1 removed, 3 the same\n"
    assert "Lager" not in site.server.get("/start/leave-request", headers={"Accept-Language": "da"}).text
    site.stop()
    assert "3 instances checked, 0 faults" in site.cli("verify").stdout
    tampered(site, references)


def tampered(site, references):
    """Rows that somebody changed in the file: replay names them, of all cases or of one, and says so by its status."""
    file = os.path.join(site.path, "data", "stafet.db")
    again = site.cli("replay").stdout
    assert again.startswith("3 instances, ") and again.endswith(" 0 faults\n"), again
    for table, change, said in (("timers", "due_at = due_at + 1", r"timer '[a-z-]+', due at \S+, was decided for \S+: it has another time"),
                                ("outbox", "recipient = 'eve@example.dk'", r"queues '[a-z-]+' for 1 people in the role '[a-z-]+', but of these messages 0 stand in the outbox")):
        store = sqlite3.connect(file)
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        kept = open(file, "rb").read()
        row, reference = store.execute("SELECT r.id, i.reference FROM %s r JOIN instances i ON i.id = r.instance_id ORDER BY r.id LIMIT 1" % table).fetchone()
        store.execute("UPDATE %s SET %s WHERE id = %d" % (table, change, row))
        store.commit()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
        for command in (["replay"], ["replay", reference]):
            done = site.cli(*command, check=False)
            assert done.returncode == 1 and re.search(reference + r": .*" + said, done.stdout) and re.search(r" 1 faults$", done.stdout, re.M), done
        for other in set(references) - {reference}:
            assert site.cli("replay", other).stdout.endswith(" 0 faults\n")
        open(file, "wb").write(kept)
    assert site.cli("replay").stdout == again


@with_one(Site)
def test_reading_commands_change_nothing(site):
    """Without a server too: a timer that is overdue waits for the server, which also sends what follows from it."""
    answers = os.path.join(site.folder, "answers.json")
    json.dump(application(1), open(answers, "w"))
    reference = site.cli("start", "leave-request", "--data", answers).stdout.split()[0]
    store = open_store(site.path)
    store.execute("UPDATE timers SET due_at = 1 WHERE name = 'not-confirmed'")
    store.commit()
    departments = os.path.join(site.package, "departments.csv")
    for _ in range(8):
        for command in (["list"], ["show", reference], ["history", reference], ["verify"], ["graph", "--instance", reference], ["import", "leave-request.departments", departments, "--dry-run"]):
            site.cli(*command)
            assert store.execute("SELECT state, version FROM instances").fetchall() == [("unconfirmed", 1)], command
    store.close()
    site.serve()
    end = time.time() + 10
    while not re.search(r"^state +lapsed", site.cli("show", reference).stdout, re.M):
        assert time.time() < end, "the server runs what is overdue"
        time.sleep(0.05)


@with_one(Site)
def test_one_server_a_store(site):
    site.serve()
    for command in (["serve", site.path], ["serve", site.path, "--listen", "127.0.0.1:0"], ["demo", site.path, "--listen", "127.0.0.1:0"]):
        second = run(*command, check=False)
        assert second.returncode == 1, (command, second)
        assert re.search(r"\b%d\b" % site.server.process.pid, second.stdout + second.stderr), second
    assert site.server.get("/healthz").status == 200
    site.apply()
    # A socket and a lock file that a killed server leaves are no obstacle, neither to commands nor to the next server.
    site.server.process.kill()
    site.server.stop()
    assert "1 instances checked, 0 faults" in site.cli("verify").stdout
    site.serve()
    assert "1 instances checked, 0 faults" in site.cli("verify").stdout


@with_one(Site)
def test_keys_must_fit(site):
    keys = os.path.join(site.path, "keys")
    own = open(keys, "rb").read()
    other = os.path.join(site.folder, "other")
    run("init", other)
    def refused(text):
        for command in (["serve", site.path], ["list", "--site", site.path], ["verify", "--site", site.path]):
            done = run(*command, check=False)
            assert done.returncode == 1 and text in done.stdout + done.stderr, (command, text, done)
    shutil.copy(os.path.join(other, "keys"), keys)
    refused("another key file")
    os.unlink(keys)
    refused("keys")
    for wrong in (b"", b"\0" * 64, own[: len(own) // 2], own + b"x" * 5000):
        open(keys, "wb").write(wrong)
        os.chmod(keys, 0o600)
        refused("keys")
    open(keys, "wb").write(own)
    os.chmod(keys, 0o600)
    site.serve()
    site.apply()


def test_exit_statuses():
    folder = tempfile.mkdtemp(prefix="stafet-usage-")
    try:
        site = os.path.join(folder, "site")
        run("init", site, "--with", PACKAGE)
        missing = os.path.join(folder, "nothing")
        cases = [
            (0, ["help"]), (0, ["--help"]), (0, ["-h"]), (2, []), (2, ["nonsense"]), (2, ["--nonsense"]), (2, [""]),
            (2, ["init"]), (2, ["init", "a", "b"]), (1, ["init", site]), (1, ["init", os.path.join(folder, "new"), "--with", missing]),
            (2, ["serve"]), (2, ["serve", "a", "b"]), (2, ["serve", site, "--nonsense"]), (1, ["serve", missing]), (1, ["serve", PACKAGE]),
            (2, ["serve", site, "--listen"]), (1, ["serve", site, "--listen", "nonsense"]), (1, ["serve", site, "--listen", "127.0.0.1:99999"]),
            (2, ["demo", "a", "b"]), (2, ["check"]), (1, ["check", missing]), (0, ["check", PACKAGE]), (0, ["check", site]), (0, ["check", PACKAGE, package("declaration")]),
            (2, ["test"]), (1, ["test", missing]), (0, ["test", PACKAGE]), (2, ["graph"]), (1, ["graph", missing]), (2, ["graph", PACKAGE, "--to", "png"]),
            (2, ["eval"]), (2, ["eval", "1", "2"]), (1, ["eval", "1 +"]), (1, ["eval", "1 / 0"]), (1, ["eval", "nothing"]), (1, ["eval", "1", "--data", missing]),
            (2, ["render"]), (1, ["render", missing]), (2, ["render", missing, "--to", "png"]), (1, ["render", missing, "--to", "pdf"]),
            (2, ["schema", "x"]), (0, ["schema"]), (1, ["list", "--site", missing]), (1, ["list", "--site", folder]), (0, ["list", "--site", site]), (2, ["doctor", "a", "b"]),
        ]
        for wanted, args in cases:
            done = run(*args, check=False, stdin=subprocess.DEVNULL)
            assert done.returncode == wanted, "stafet %s: %d, %d is wanted\n%s%s" % (" ".join(args), done.returncode, wanted, done.stdout, done.stderr)
            if wanted != 0:
                assert (done.stdout + done.stderr).strip(), "stafet %s says nothing" % " ".join(args)
            if wanted == 2:
                assert done.stdout == "" and "stafet" in done.stderr, (args, done)
        assert sorted(os.listdir(folder)) == ["site"], os.listdir(folder)
    finally:
        shutil.rmtree(folder)


def test_eval():
    folder = tempfile.mkdtemp(prefix="stafet-eval-")
    try:
        data = os.path.join(folder, "data.json")
        json.dump({"n": 3, "name": "Ægir", "list": [1, 2, 3], "first": "2026-03-27", "who": {"age": 41}, "on": True, "half": 0.5}, open(data, "w"))
        cases = [
            ("1 + 2 * 3", "7"), ("'a' + \"b\"", '"ab"'), ("1 < 2 ? 'yes' : 'no'", '"yes"'), ("7 % 4", "3"), ("-5 + 2", "-3"), ("2 in [1, 2]", "true"),
            ("date('2026-03-28') + 1d", '"2026-03-29"'), ("date('2026-01-31') + 1 month", '"2026-02-28"'), ("date('2026-04-01') + 3 workdays", '"2026-04-09"'),
            ("n + 1", "4"), ("name.lower()", '"ægir"'), ("list.map(x, x * 2)", "[2, 4, 6]"), ("list.all(x, x > 0) && on", "true"), ("who.age >= 18", "true"),
            ("date(first).weekday()", "5"), ("has(n)", "true"), ("half * 2.0", "1"),
        ]
        for expression, wanted in cases:
            done = run("eval", expression, "--data", data, check=False)
            assert done.returncode == 0, (expression, done.stdout, done.stderr)
            assert json.loads(done.stdout) == json.loads(wanted), (expression, done.stdout, wanted)
        wrong = run("eval", "n + nam", "--data", data, check=False)
        assert wrong.returncode == 1 and "expression:1:5" in wrong.stdout and "name" in wrong.stdout, wrong
        wrong = run("eval", "n + 'x'", "--data", data, check=False)
        assert wrong.returncode == 1 and "expression:1:" in wrong.stdout, wrong
        open(data, "w").write('{"n": ')
        wrong = run("eval", "n", "--data", data, check=False)
        assert wrong.returncode == 1 and "data.json" in wrong.stdout, wrong
    finally:
        shutil.rmtree(folder)


def test_render():
    folder = tempfile.mkdtemp(prefix="stafet-render-")
    try:
        data = os.path.join(folder, "data.json")
        json.dump({"employee_name": "Bo <b>*Æ*</b>", "first_day": "1. maj", "last_day": "4. maj", "link": "https://svar.example/l/abc", "site": "Nordby", "back_on": "5. maj"}, open(data, "w"))
        message = os.path.join(PACKAGE, "messages", "confirm.da.md")
        text = run("render", message, "--data", data).stdout
        assert text.startswith("Subject: Bekræft din ansøgning om fri\n\nHej Bo <b>*Æ*</b>\n"), text
        assert "https://svar.example/l/abc" in text and "Nordby" in text
        html = run("render", message, "--data", data, "--to", "html").stdout
        assert "Bo &lt;b&gt;*Æ*&lt;/b&gt;" in html and 'href="https://svar.example/l/abc"' in html and "<em>" not in html, html
        sms = run("render", os.path.join(PACKAGE, "messages", "last-day.da.txt"), "--data", data).stdout
        assert sms.strip() == "Hej Bo <b>*Æ*</b>. I dag er sidste dag, du har fri. Velkommen tilbage 5. maj. Hilsen Nordby", sms
        # Items of a group have their fields.
        items = os.path.join(folder, "items.md")
        open(items, "w").write("subject: x\n---\n{{#things}}{{name}}: {{number}}{{#note}} ({{note}}){{/note}}. {{/things}}\n")
        json.dump({"things": [{"name": "Bor", "number": 2, "note": "stor"}, {"name": "Sav", "number": 1, "note": None}]}, open(data, "w"))
        assert run("render", items, "--data", data).stdout.split("\n\n")[1].strip() == "Bor: 2 (stor). Sav: 1."
        for expression, wanted in (("things.map(t, t.name)", '["Bor","Sav"]'), ("things.filter(t, has(t.note))[0].number", "2"), ("has(things[1].note)", "false")):
            assert run("eval", expression, "--data", data).stdout.strip() == wanted, expression
        wrong = os.path.join(folder, "wrong.md")
        open(wrong, "w").write("subject: x\n---\nHej\n\n{{#a}}\n")
        done = run("render", wrong, "--data", data, check=False)
        assert done.returncode == 1 and re.search(r"wrong\.md:5:\d+", done.stdout), done
    finally:
        shutil.rmtree(folder)


def test_graph():
    for name in ("leave-request", "declaration"):
        states = re.findall(r"^  ([a-z][a-z-]*):", open(os.path.join(package(name), "workflow.yaml"), encoding="utf-8").read().split("\nstates:\n")[1].split("\nviews:\n")[0], re.M)
        assert len(states) > 4
        for to, begin in ((None, "stateDiagram-v2\n"), ("mermaid", "stateDiagram-v2\n"), ("dot", "digraph ")):
            text = run("graph", package(name), *(["--to", to] if to else [])).stdout
            assert text.startswith(begin), text[:100]
            for state in states:
                assert re.search(r"\b%s\b" % state, text), (name, to, state)
        # The package's own page shows the machine as it is.
        readme = open(os.path.join(package(name), "README.md"), encoding="utf-8").read()
        assert run("graph", package(name)).stdout.strip() in readme, "%s/README.md shows another machine" % name


def test_schema():
    text = run("schema").stdout
    schema = json.loads(text)
    assert text == open(os.path.join(ROOT, "docs", "workflow.schema.json"), encoding="utf-8").read(), "make schema"
    assert schema["type"] == "object" and "states" in schema["properties"] and "registers" in schema["$defs"]
    refs = set(re.findall(r'"\$ref":\s*"#/\$defs/([^"]+)"', text))
    assert refs <= set(schema["$defs"]), refs - set(schema["$defs"])


main([test_wrong_definitions_change_nothing, test_changed_texts_are_live, test_instances_stay_with_their_machine, test_texts_must_fit_running_instances,
      test_stop_under_load, test_commands_beside_and_without_a_server, test_reading_commands_change_nothing, test_one_server_a_store, test_keys_must_fit, test_exit_statuses, test_eval, test_render,
      test_graph, test_schema])
