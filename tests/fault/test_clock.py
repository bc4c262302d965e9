#!/usr/bin/python3
"""The wall clock is set an hour forward and back in the middle of the story; and the server stands still for a week."""
import base64, json, os, re, shutil, signal, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from story import SHIM, Order, Stage, Story
from mailing import Office, parse, write
from stafet import Peer, Server, main, run, walk

HOUR, DAY = 3600, 86400
UNDER_WAY = "SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'cancelled') UNION ALL SELECT 1 FROM documents WHERE state <> 'ready' UNION ALL SELECT 1 FROM texts_in"
WORKFLOW = """\
workflow: mailing
start: {by: office, form: order}
initial: open
roles: {office: {contact: office}, asked: {contact: asked}}
data:
  office: {type: email}
  asked: {type: email}
  agreed: {type: bool, accept: true}
forms:
  order: {fields: [office, asked]}
  reply: {fields: [agreed], check: false}
states:
  open:
    entry: [{send: {to: asked, message: question, link: reply}}]
    on: {reply: {by: asked, form: reply, target: done}}
    after:
      - {every: 1d, times: 10, name: nudge, actions: [{send: {to: asked, message: reminder, link: reply}}]}
      - {in: 9d, name: late, priority: 10, target: over}
  done: {final: true}
  over: {final: true}
"""
TEXTS = """\
title: Spoergsmaal
intro: Spoerg en
roles: {office: Kontor, asked: Spurgt}
fields: {office: {label: Kontor}, asked: {label: Spurgt}, agreed: {label: Enig}}
forms:
  order: {title: Spoerg, submit: Send, receipt: {title: Sendt, text: Tak}}
  reply: {title: Svar, submit: Svar, receipt: {title: Svaret, text: Tak}}
states: {open: Aaben, done: Slut, over: For sent}
events: {reply: Svar, nudge: Paamindelse, late: For sent}
"""


def test_jumps_of_an_hour():
    """Each step at another time of day: no message comes twice, no answer is lost, and the histories are whole."""
    for jumps in ([HOUR, 0, -HOUR, 0, 2 * HOUR, HOUR], [-HOUR, 0, HOUR, 2 * HOUR, 0, -HOUR]):
        with Stage() as stage:
            story = Story(stage)
            story.start()
            for number, step in enumerate(story.STEPS):
                # What is queued when the clock is put back waits until that hour comes again.
                assert story.wait(lambda: not story.query(UNDER_WAY), 8), story.query("SELECT message, state FROM outbox")
                stage.order.set_clock(jumps[number % len(jumps)])
                assert getattr(story, step)(8), (step, story.server.log_text()[-2000:])
                story.done.add(step)
            story.end("term")
            stage.order.set_clock(0)
            story.forget_log()
            story.finish()
            story.judge()
            ids = [mail["message_id"] for mail in story.person.mailbox.rows]
            assert len(ids) == len(set(ids)), "a message came twice"


class Still(Office):
    """A site on a clock of its own, with one question open."""

    def __init__(self, relay):
        super().__init__(relay)
        package = os.path.join(self.folder, "mailing")
        shutil.rmtree(package)
        write(os.path.join(package, "workflow.yaml"), WORKFLOW)
        for language in ("da", "en"):
            write(os.path.join(package, "texts", language + ".yaml"), TEXTS)
            write(os.path.join(package, "messages", "question.%s.md" % language), "subject: Svar\n---\n[Svar]({{link}})\n")
            write(os.path.join(package, "messages", "reminder.%s.md" % language), "subject: Husk\n---\n[Svar]({{link}})\n")
        self.order_file = Order(self.folder)

    def start(self):
        self.server = Server("serve", self.site, env=dict(os.environ, LD_PRELOAD=SHIM, STAFET_FAULT=self.order_file.path))

    def ask(self, number=1):
        path = os.path.join(self.folder, "question.json")
        with open(path, "w") as f:
            json.dump({"office": "office@example.dk", "asked": "svar%d@example.dk" % number}, f)
        run("start", "mailing", "--data", path, site=self.site)

    def reminders(self, count, seconds=15):
        self.wait("message = 'reminder' AND state = 'sent'", count, seconds)
        time.sleep(0.5)
        assert self.count("message = 'reminder'") == count, self.query("SELECT message, state, created_at FROM outbox")


def link_of(peer, address):
    raw = next(base64.b64decode(m["base64"]) for m in peer.wait(1) if m["rcpt_to"] == [address])
    return re.search(r"/l/[A-Za-z0-9_-]{43}", parse(raw).get_body(("plain",)).get_content()).group(0)


def stand_still(killed):
    """Seven reminders were missed: one comes, and the others count as given. Then they go on, and the deadline is what it was."""
    peer = Peer("smtp_peer.py")
    try:
        with Still(peer.port) as site:
            site.start()
            site.ask()
            site.wait("message = 'question' AND state = 'sent'", 1)
            if killed:
                site.stop(signal.SIGKILL)
                site.order_file.set_clock(7 * DAY + HOUR)
                site.start()
            else:
                site.server.process.send_signal(signal.SIGSTOP)
                site.order_file.set_clock(7 * DAY + HOUR)
                site.server.process.send_signal(signal.SIGCONT)
                site.ask(2)  # whatever is written first, what was due before comes before it
            site.reminders(1)
            site.order_file.set_clock(8 * DAY + 2 * HOUR)
            site.ask(3)
            site.reminders(2 if killed else 3)  # the second question has had its first day too
            link = link_of(peer, "svar1@example.dk")
            site.order_file.set_clock(9 * DAY + 2 * HOUR)
            late = site.server.get(link)
            assert late.status in (200, 410), late.status
            site.ask(4)
            end = time.time() + 10
            while site.query("SELECT state FROM instances ORDER BY id LIMIT 1") != [("over",)]:
                assert time.time() < end, "its deadline has passed"
                time.sleep(0.05)
            walk(site.server, link_of(peer, "svar3@example.dk"), {"agreed": "true"})
            site.stop()
            assert ", 0 faults" in run("verify", site=site.site).stdout
    finally:
        peer.stop()


def test_a_week_of_standstill():
    stand_still(killed=True)


def test_a_week_asleep():
    stand_still(killed=False)


def test_a_jump_while_a_mail_is_under_way():
    """Once a minute the mailer takes back what nobody holds any more; a clock that is set ahead ends no hold."""
    peer = Peer("smtp_peer.py", "--slow", "14")
    try:
        with Office(peer.port) as site:
            order = Order(site.folder)
            site.server = Server("serve", site.site, env=dict(os.environ, LD_PRELOAD=SHIM, STAFET_FAULT=order.path))
            began = time.time()
            time.sleep(55)
            site.order(readers=["slow@example.dk"])
            site.wait("state = 'begun'", 1)
            order.set_clock(HOUR)
            time.sleep(max(0, began + 62 - time.time()))
            site.order(readers=["quick@example.dk"])  # somebody looks at what is due
            site.wait("state = 'sent'", 2, 20)
            assert "settlement-lost" not in site.log() and "outbox-reclaimed" not in site.log(), site.log()
    finally:
        peer.stop()


main([test_jumps_of_an_hour, test_a_week_of_standstill, test_a_week_asleep] + ([test_a_jump_while_a_mail_is_under_way] if os.environ.get("FAULT") == "all" else []))
