"""What the tests of sending share: a workflow whose start writes to many people at once, Postfix's smtp-sink, and a look into the outbox."""
import email, email.policy, os, re, shutil, signal, sqlite3, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import Server, free_port, make_site, run

WORKFLOW = """\
workflow: mailing
start: {by: office, form: order}
initial: open
roles:
  office: {contact: office, name: sender}
  reader: {contact: readers}
  asked: {contact: asked, name: person}
  mobile: {contact: phones}
data:
  office: {type: email}
  sender: {type: text, max: 1000}
  person: {type: text, max: 1000}
  readers: {type: email, many: 1..1000}
  asked: {type: email, many: 1..5}
  phones: {type: phone, many: 1..5}
  words: {type: longtext, max: 10000}
  agreed: {type: bool, accept: true}
  said: {type: longtext, max: 10000}
  papers: {type: file, extensions: [pdf, jpg, txt], many: 1..9, max: 15MB}
forms:
  order: {fields: [office, sender, person, words, {field: readers, optional: true}, {field: asked, optional: true}, {field: phones, optional: true}]}
  reply: {show: [papers], fields: [agreed], check: false}
states:
  open:
    entry:
      - send: {to: reader, message: news}
      - send: {to: asked, message: question, link: reply}
      - send: {to: mobile, message: text}
    on:
      reply: {by: asked, form: reply, target: done}
      written: {replied: asked, files: papers, actions: [{set: {said: reply_text}}]}
    after: [{in: 90d, target: done}]
  done: {final: true}
views:
  mine: {kind: list, for: office, columns: [reference, state], login: true, digits: 4}
"""
TEXTS = """\
title: Rundskriv
intro: Skriv til mange
roles: {office: Kontor, reader: Modtager, asked: Spurgt, mobile: Mobil}
fields: {office: {label: Kontor}, sender: {label: Afsender}, person: {label: Navn}, readers: {label: Modtagere}, asked: {label: Spurgte}, phones: {label: Telefoner},
         words: {label: Tekst}, agreed: {label: Enig}, papers: {label: Bilag}}
forms:
  order: {title: Rundskriv, submit: Send, receipt: {title: Sendt, text: Tak}}
  reply: {title: Svar, submit: Svar, receipt: {title: Svaret, text: Tak}}
states: {open: Aaben, done: Slut}
events: {reply: Svar paa brevet}
views: {mine: {title: Mine, empty: Ingen}}
"""
MESSAGES = {
    "news": "subject: Nyt fra {{sender}}\n---\nHej\n\n{{words}}\n\nHilsen {{sender}}\n",
    "question": "subject: Til {{person}}\n---\nHej {{recipient}}\n\n{{words}}\n\n[Svar]({{link}})\n",
    "text": "{{words}}\n",
}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def write_package(folder, messages=MESSAGES):
    write(os.path.join(folder, "workflow.yaml"), WORKFLOW)
    for language in ("da", "en"):
        write(os.path.join(folder, "texts", language + ".yaml"), TEXTS)
        for name, text in messages.items():
            write(os.path.join(folder, "messages", "%s.%s%s" % (name, language, ".txt" if name == "text" else ".md")), text)
    return folder


class Office:
    """A site with that workflow. mail, sms: YAML lines below their key; relay and tls stand in mail already."""

    def __init__(self, relay_port, mail="", gateway=None, messages=MESSAGES):
        self.folder = tempfile.mkdtemp(prefix="stafet-sending-")
        text = "mail:\n  from_name: Skolen\n  from_address: noreply@skole.example\n  relay: smtp://127.0.0.1:%d\n  tls: off\n%s" % (relay_port, mail)
        if gateway:
            write(os.path.join(self.folder, "gateway.yaml"), "url: http://127.0.0.1:%d/send\nbody: 'to={{digits}}&text={{text}}'\n" % gateway)
            text += "sms:\n  gateway: %s\n" % os.path.join(self.folder, "gateway.yaml")
        self.site, _ = make_site([write_package(os.path.join(self.folder, "mailing"), messages)], text, folder=self.folder)
        self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server and self.server.process.poll() is None:
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.server = Server("serve", self.site)
        return self.server

    def stop(self, sig=signal.SIGTERM):
        self.server.stop(sig)

    def log(self):
        return self.server.log_text()

    def order(self, **answers):
        import json
        path = os.path.join(self.folder, "order.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(dict({"office": "office@example.dk", "sender": "Kontoret", "person": "Ida", "words": "Husk det."}, **answers), f)
        return run("start", "mailing", "--data", path, site=self.site).stdout.split()[0]

    def ask_for_code(self, address="office@example.dk"):
        answer = self.server.post("/home/otplogin", {"step": "address", "address": address})
        assert answer.status == 303, answer.text

    def outbox(self, *args):
        return run("outbox", *args, site=self.site).stdout

    def query(self, sql, *values):
        with sqlite3.connect("file:%s/data/stafet.db?mode=ro" % self.site, uri=True) as db:
            return db.execute(sql, values).fetchall()

    def later(self, sql, *values):
        """What time would have done meanwhile; the server must not run."""
        assert self.server.process.poll() is not None
        with sqlite3.connect("%s/data/stafet.db" % self.site) as db:
            db.execute(sql, values)

    def count(self, where="1"):
        return self.query("SELECT count(*) FROM outbox WHERE " + where)[0][0]

    def wait(self, where, count, seconds=30):
        end = time.time() + seconds
        while self.count(where) < count and time.time() < end:
            time.sleep(0.05)
        found = self.count(where)
        assert found >= count, "%d rows, not %d, are %s:\n%s" % (found, count, where, self.query("SELECT id, recipient, state, attempts, answer FROM outbox LIMIT 30"))
        return found


class Sink:
    """Postfix's smtp-sink: takes everything, and dumps it as it came over the line."""

    def __init__(self, *options, port=None):
        self.folder, self.port = tempfile.mkdtemp(prefix="stafet-sink-"), port or free_port()
        os.chmod(self.folder, 0o777)
        program = next((p for p in ("/usr/sbin/smtp-sink", "/usr/bin/smtp-sink") if os.access(p, os.X_OK)), "smtp-sink")
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        self.process = subprocess.Popen([program, *user, "-R", self.folder, "-d", "%s.", *options, "127.0.0.1:%d" % self.port, "64"], cwd="/tmp", stderr=subprocess.PIPE)
        end = time.time() + 10
        import socket
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            assert time.time() < end and self.process.poll() is None, self.process.stderr.read().decode()
            time.sleep(0.02)

    def dumps(self):
        """(envelope and session lines of the sink's own, bytes of the message) of each that is complete."""
        found = []
        for name in sorted(os.listdir(self.folder)):
            raw = open(os.path.join(self.folder, name), "rb").read()
            head, rest = {"X-Rcpt-Args": []}, raw
            while rest.startswith((b"X-Client", b"X-Helo", b"X-Mail", b"X-Rcpt")):
                line, _, rest = rest.partition(b"\n")
                key, _, value = line.decode().partition(": ")
                head.setdefault(key, []).append(value.strip())
            boundary = re.search(rb'boundary="([^"]+)"', rest)
            if boundary and rest.rstrip().endswith(b"--" + boundary.group(1) + b"--"):  # it is written piece by piece
                # A Received: line of the sink's is folded over three.
                rest = re.sub(rb"\AReceived: [^\n]*\n(?:[ \t][^\n]*\n)*", b"", rest)
                found.append((head, rest))
        return found

    def wait(self, count, seconds=20):
        end = time.time() + seconds
        while len(self.dumps()) < count and time.time() < end:
            time.sleep(0.05)
        return self.dumps()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def parse(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)
