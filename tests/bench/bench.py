#!/usr/bin/python3
"""make bench, the part with a store: transitions beside the bare store, mails beside nodemailer's pool with a durable outbox, codes while 10,000 mails wait, texts, pages of PDF.
argv: folder of the built programs, the JSON file of the first part, which is added to. COUNT (2000) scales the numbers."""
import datetime, json, os, re, shutil, sqlite3, time, urllib.request, zoneinfo

from measured import COUNT, HERE, PATH, PEERS, READY, RESULTS, ROOT, Scratch, Server, Sink, program, report, run, save

PACKAGE = os.path.join(ROOT, "templates", "declaration")


def bench(kind, *args):
    return [float(word) for word in run(program("bench-mail"), kind, PACKAGE, *args).split()]


def transitions():
    """The shipped declaration's `assess`; the bare store executes the statements that it executed."""
    with open(RESULTS, encoding="utf-8") as f:
        disk = json.load(f)["disk: append 4 KB and fdatasync"]
    for batch, name in ((1, "alone"), (32, "in groups of 32")):
        ours, bare, statements = [float(word) for word in run(program("bench-sql"), PACKAGE, min(COUNT, 500), batch).split()]
        report("transitions (assess, three recipients), %s" % name, ours)
        report("the bare store, the same statements, %s" % name, bare)
        report("ratio: transitions / bare store, %s" % name, ours / bare, "", 2)
        if batch == 1:
            report("statements a transition", statements, "", 1)
            report("ratio: transitions alone / fdatasync", ours / disk, "", 2)


def nodemailer(port, connections, count):
    """None: it is not installed, or not wanted."""
    if not PEERS or not os.path.isdir(os.path.join(HERE, "node_modules", "better-sqlite3", "build")):
        return None
    return float(run("node", os.path.join(HERE, "nodemailer.mjs"), port, connections, count))


def smtp_source(port, connections, count):
    """Postfix's generator of mails of about the same size: what machine and sink bear when nothing is composed and nothing kept."""
    since = time.monotonic()
    run(shutil.which("smtp-source", path=PATH), "-d", "-s", connections, "-m", count, "-l", 6000, "-f", "a@example.dk", "-t", "b@example.dk", "127.0.0.1:%d" % port)
    return count / (time.monotonic() - since)


def mails(port, away):
    for connections in (1, 4, 16):
        count = COUNT if away == 0 else min(COUNT, 100 + 60 * connections)
        name = "%d connection%s, %d ms away" % (connections, "s"[:connections > 1], away)
        ours, theirs = bench("mail", port, connections, count)[0], nodemailer(port, connections, count)
        report("mails, " + name, ours, digits=1)
        if not theirs:
            continue
        report("nodemailer with an outbox, " + name, theirs, digits=1)
        report("ratio: mails / nodemailer, " + name, ours / theirs, "", 2)


def pages():
    """The longest document of the tests, drawn as the server does it: by a child each time."""
    with Scratch() as folder:
        data = os.path.join(folder, "data.json")
        with open(data, "w", encoding="utf-8") as f:
            json.dump({"site": "Skolen", "name": "Ida", "rows": [{"label": "Eleven kan planlægge eget arbejde %d" % i, "value": "3", "note": "Øvet igen i juni."} for i in range(400)]}, f)
        text = os.path.join(folder, "long.da.md")
        with open(text, "w", encoding="utf-8") as f:
            f.write("title: Erklæring\n---\n| Mål | Niveau | Note |\n|---|---|---|\n{{#rows}}\n| {{label}} | {{value}} | {{note}} |\n{{/rows}}\n")
        render = [program("stafet"), "render", text, "--data", data, "--to", "pdf"]
        pdf = run(*render)
        count = len(re.findall(rb"/Type /Page\b", pdf))
        times = max(1, COUNT // 200)
        since = time.monotonic()
        for _ in range(times):
            run(*render)
        report("pages of PDF, %d a document" % count, count * times / (time.monotonic() - since))


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) / 1024


def woken(store, soon):
    """How late each was, in ms, once all are awake. Their moments are of whole seconds, in the site's zone, which is this machine's in the store."""
    with sqlite3.connect("file:%s?mode=ro" % store, uri=True) as db:
        rows = db.execute("SELECT h.at, json_extract(i.data, '$.wake_at') FROM history h JOIN instances i ON i.id = h.instance_id"
                          " WHERE h.to_state = 'awake' AND h.from_state = 'asleep'").fetchall()
    zone = zoneinfo.ZoneInfo("Europe/Copenhagen")
    return sorted(at - datetime.datetime.fromisoformat(due).replace(tzinfo=zone).timestamp() * 1000 for at, due in rows) if len(rows) == soon else None


def pages_meanwhile(url, until):
    """How long a page takes, in ms, asked for again and again until that is true."""
    took = []
    while not until():
        since = time.monotonic()
        urllib.request.urlopen(url, timeout=10).read()
        took.append((time.monotonic() - since) * 1000)
        time.sleep(0.005)
    return sorted(took)


def sleepers(count, soon, within, name):
    """An organisation with that many instances asleep: what it costs to hold them, to start, and how late those are that wake."""
    with Scratch() as scratch:
        folder = os.path.join(scratch, "site")
        store = os.path.join(folder, "data", "stafet.db")
        run(program("stafet"), "init", folder, "--with", os.path.join(HERE, "sleeper"))
        first = 10 + count // 2500
        since = time.monotonic()
        run(program("bench-fill"), folder, count, soon, first, within)
        if time.monotonic() - since > first - 2:
            print("(the store was filled too late for %s)" % name)
            return
        begun = time.monotonic()
        with Server([program("stafet"), "serve", folder, "--listen", "127.0.0.1:0"], scratch, READY) as server:
            report("start with %s" % name, (time.monotonic() - begun) * 1000, "ms")
            late = []
            took = pages_meanwhile("http://127.0.0.1:%d/" % server.port, lambda: late.extend(woken(store, soon) or []) or len(late) > 0 or time.monotonic() - since > first + within + 120)
            report("memory with %s" % name, resident(server.process.pid), "MB", 1)
        if late:
            report("late by, 99 of 100, %s" % name, late[len(late) * 99 // 100], "ms", 1)
        report("a page meanwhile, 99 of 100, %s" % name, took[len(took) * 99 // 100], "ms", 1)


transitions()
SLEEPERS = int(os.environ.get("SLEEPERS", "100000"))
sleepers(SLEEPERS, 1000, 10, "%d asleep, 100 a second waking" % SLEEPERS)
if SLEEPERS >= 10000:
    sleepers(SLEEPERS // 10, 10000, 1, "%d asleep, 10000 waking at once" % (SLEEPERS // 10))
with Sink() as sink:
    mails(sink.port, 0)
    report("smtp-source without an outbox, 16 connections, 0 ms away", smtp_source(sink.port, 16, COUNT))
    with Scratch() as folder, Server([program("bench-delay"), sink.port, "5000"], folder, r"port=(\d+)") as far:
        mails(far.port, 10)
    middle, worst, empty = bench("code", sink.port, COUNT * 5)
    report("a code while %d mails wait: the middle of 20" % (COUNT * 5), middle, "ms", 1)
    report("a code while %d mails wait: the slowest of 20" % (COUNT * 5), worst, "ms", 1)
    if empty:
        print("(the mails did not last: take a larger COUNT)")
    report("texts to a gateway", bench("sms", COUNT)[0])
    pages()
save()
