#!/usr/bin/python3
"""make bench, the part with a store: transitions beside the bare store, mails beside nodemailer's pool with a durable outbox, codes while 10,000 mails wait, texts, pages of PDF.
argv: folder of the built programs, the JSON file of the first part, which is added to. COUNT (2000) scales the numbers."""
import json, os, re, shutil, socket, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS, RESULTS = sys.argv[1:3]
COUNT = int(os.environ.get("COUNT", "2000"))
PACKAGE = os.path.join(ROOT, "templates", "declaration")
rows = {}


def report(name, value, unit="/s", digits=0):
    rows[name] = round(value, digits + 1)
    print("%-52s %12.*f %s" % (name, digits, value, unit), flush=True)


def run(*args, **options):
    done = subprocess.run([str(a) for a in args], capture_output=True, cwd=ROOT, timeout=1200, **options)
    if done.returncode != 0:
        sys.exit("%s: exit %d\n%s" % (args[0], done.returncode, done.stderr.decode()[-2000:]))
    return done.stdout


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
    """None: it is not installed."""
    if not os.path.isdir(os.path.join(ROOT, "tests", "bench", "node_modules", "better-sqlite3", "build")):
        return None
    return float(run("node", os.path.join(ROOT, "tests", "bench", "nodemailer.mjs"), port, connections, count))


class Sink:
    """Postfix's smtp-sink, which throws away what it takes."""

    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        program = shutil.which("smtp-sink", path=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen([program, *(["-u", "nobody"] if os.getuid() == 0 else []), "127.0.0.1:%d" % self.port, "1024"], cwd="/tmp")
        time.sleep(0.5)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


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


transitions()
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
with open(RESULTS, encoding="utf-8") as f:
    first = json.load(f)
with open(RESULTS, "w", encoding="utf-8") as f:
    json.dump({**first, **rows}, f, indent=2)
