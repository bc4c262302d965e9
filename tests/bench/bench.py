#!/usr/bin/python3
"""make bench, the part with a store: transitions beside the bare store, mails beside nodemailer's pool with a durable outbox, codes while 10,000 mails wait, texts, pages of PDF.
argv: folder of the built programs, the JSON file of the first part, which is added to. COUNT (2000) scales the numbers."""
import datetime, json, os, re, shutil, sqlite3, subprocess, tempfile, time, urllib.request, zoneinfo

from measured import COUNT, HERE, PEERS, PROGRAMS, RESULTS, ROOT, Sink, report, run, save

PACKAGE = os.path.join(ROOT, "templates", "declaration")


def bench(kind, *args):
    return [float(word) for word in run(os.path.join(PROGRAMS, "bench-mail"), kind, PACKAGE, *args).split()]


def transitions():
    """The shipped declaration's `assess`; the bare store executes the statements that it executed."""
    with open(RESULTS, encoding="utf-8") as f:
        disk = json.load(f)["disk: append 4 KB and fdatasync"]
    for batch, name in ((1, "alone"), (32, "in groups of 32")):
        ours, bare, statements = [float(word) for word in run(os.path.join(PROGRAMS, "bench-sql"), PACKAGE, min(COUNT, 500), batch).split()]
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


def mails(sink):
    far = subprocess.Popen([os.path.join(PROGRAMS, "bench-delay"), str(sink.port), "5000"], stdout=subprocess.PIPE)
    ports = {0: sink.port, 10: int(re.match(rb"port=(\d+)", far.stdout.readline()).group(1))}
    for away, port in ports.items():
        for connections in (1, 4, 16):
            count = COUNT if away == 0 else min(COUNT, 100 + 60 * connections)
            name = "%d connection%s, %d ms away" % (connections, "s"[:connections > 1], away)
            ours, theirs = bench("mail", port, connections, count)[0], nodemailer(port, connections, count)
            report("mails, " + name, ours, digits=1)
            if not theirs:
                continue
            report("nodemailer with an outbox, " + name, theirs, digits=1)
            report("ratio: mails / nodemailer, " + name, ours / theirs, "", 2)
    far.terminate()
    far.wait(10)
    far.stdout.close()


def pages():
    """The longest document of the tests, drawn as the server does it: by a child each time."""
    folder = tempfile.mkdtemp(prefix="stafet-bench-")
    try:
        data = os.path.join(folder, "data.json")
        with open(data, "w", encoding="utf-8") as f:
            json.dump({"site": "Skolen", "name": "Ida", "rows": [{"label": "Eleven kan planlægge eget arbejde %d" % i, "value": "3", "note": "Øvet igen i juni."} for i in range(400)]}, f)
        text = os.path.join(folder, "long.da.md")
        with open(text, "w", encoding="utf-8") as f:
            f.write("title: Erklæring\n---\n| Mål | Niveau | Note |\n|---|---|---|\n{{#rows}}\n| {{label}} | {{value}} | {{note}} |\n{{/rows}}\n")
        render = [os.path.join(PROGRAMS, "stafet"), "render", text, "--data", data, "--to", "pdf"]
        pdf = run(*render)
        count = len(re.findall(rb"/Type /Page\b", pdf))
        times = max(1, COUNT // 200)
        since = time.monotonic()
        for _ in range(times):
            run(*render)
        report("pages of PDF, %d a document" % count, count * times / (time.monotonic() - since))
    finally:
        shutil.rmtree(folder)


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
    folder = os.path.join(tempfile.mkdtemp(prefix="stafet-bench-"), "site")
    store = os.path.join(folder, "data", "stafet.db")
    stafet = os.path.join(PROGRAMS, "stafet")
    try:
        run(stafet, "init", folder, "--with", os.path.join(HERE, "sleeper"))
        first = 10 + count // 2500
        since = time.monotonic()
        run(os.path.join(PROGRAMS, "bench-fill"), folder, count, soon, first, within)
        if time.monotonic() - since > first - 2:
            print("(the store was filled too late for %s)" % name)
            return
        begun = time.monotonic()
        server = subprocess.Popen([stafet, "serve", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        url = server.stdout.readline().decode().split("url=")[1].strip()
        report("start with %s" % name, (time.monotonic() - begun) * 1000, "ms")
        late = []
        took = pages_meanwhile(url + "/", lambda: late.extend(woken(store, soon) or []) or len(late) > 0 or time.monotonic() - since > first + within + 120)
        report("memory with %s" % name, resident(server.pid), "MB", 1)
        if late:
            report("late by, 99 of 100, %s" % name, late[len(late) * 99 // 100], "ms", 1)
        report("a page meanwhile, 99 of 100, %s" % name, took[len(took) * 99 // 100], "ms", 1)
        server.terminate()
        server.wait(30)
        server.stdout.close()
    finally:
        shutil.rmtree(os.path.dirname(folder))


transitions()
SLEEPERS = int(os.environ.get("SLEEPERS", "100000"))
sleepers(SLEEPERS, 1000, 10, "%d asleep, 100 a second waking" % SLEEPERS)
if SLEEPERS >= 10000:
    sleepers(SLEEPERS // 10, 10000, 1, "%d asleep, 10000 waking at once" % (SLEEPERS // 10))
sink = Sink()
try:
    mails(sink)
    middle, worst, empty = bench("code", sink.port, COUNT * 5)
    report("a code while %d mails wait: the middle of 20" % (COUNT * 5), middle, "ms", 1)
    report("a code while %d mails wait: the slowest of 20" % (COUNT * 5), worst, "ms", 1)
    if empty:
        print("(the mails did not last: take a larger COUNT)")
    report("texts to a gateway", bench("sms", COUNT)[0])
    pages()
finally:
    sink.stop()
save()
