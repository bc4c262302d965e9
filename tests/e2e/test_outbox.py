"""Messages that do not go at once: what the relay's answers do to them, and what `stafet outbox` says and can do."""
import base64, email, email.policy, json, os, re, shutil, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import application
from stafet import ROOT, Peer, Server, forms, main, make_site, package, run, walk


class Office:
    """A site whose applicants have the addresses that the relay answers by."""

    def __init__(self, folder=package("leave-request")):
        self.package = folder

    def __enter__(self):
        self.peer, self.number = Peer("smtp_peer.py"), 0
        self.site, _ = make_site([self.package], "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % self.peer.port)
        self.server = Server("serve", self.site)
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.peer.stop()
        shutil.rmtree(os.path.dirname(self.site), ignore_errors=True)

    def apply(self, address):
        """The confirmation's id in the outbox."""
        self.number += 1
        answers = dict(application(self.number), employee_email=address)
        walk(self.server, "/start/leave-request", answers, headers={"X-Forwarded-For": "10.0.%d.1" % self.number})
        return self.settled(address)

    def outbox(self, *args, **options):
        return run("outbox", *args, site=self.site, **options).stdout

    def settled(self, address, state=r"queued|unknown|failed|sent", wait=15):
        """The id of the message to that address, once it was tried."""
        end = time.time() + wait
        while time.time() < end:
            found = re.search(r"^ *(\d+)  (%s) .* %s  \S" % (state, re.escape(address)), self.outbox("--state", "all"), re.M)
            if found:
                return found.group(1)
            time.sleep(0.05)
        raise AssertionError("%s is not %s:\n%s" % (address, state, self.outbox("--state", "all")))

    def copies(self, address):
        return [m for m in self.peer.messages() if address in m["rcpt_to"]]


def parse(mail):
    """(Message-ID, path of the link)"""
    parsed = email.message_from_bytes(base64.b64decode(mail["base64"]), policy=email.policy.default)
    return parsed["Message-ID"], re.search(r"/l/[A-Za-z0-9_-]{43}", parsed.get_body(("plain",)).get_content()).group(0)


NOTE = """workflow: note
start: {by: person, form: write}
roles: {person: {contact: mail}}
data: {mail: {type: email}, lost: {type: text, max: 100}}
forms: {write: {fields: [mail]}}
initial: written
states:
  written:
    entry: [{send: {to: person, message: note, deadline: 20s}}]
    on: {not-there: {bounced: person, actions: [{set: {lost: actor}}]}}
    after: [{in: 30d, target: over}]
  over: {final: true}
"""
WORDS = """roles: {person: Person}
fields: {mail: {label: E-mail}, lost: {label: Retur}}
forms: {write: {title: Note, submit: Send}}
states: {written: Start, over: Slut}
events: {not-there: Retur}
"""


def test_a_mailbox_that_stays_full_is_told():
    """Until its deadline a mail is refused for now: for the recipient's sake, which its workflow hears of, or because the other side is busy, which says nothing of them."""
    with tempfile.TemporaryDirectory() as folder:
        note, data = os.path.join(folder, "note"), os.path.join(folder, "data.json")
        for part in ("texts", "messages"):
            os.makedirs(os.path.join(note, part))
        for name, text in (("workflow.yaml", NOTE), ("texts/da.yaml", "title: Besked\n" + WORDS), ("texts/en.yaml", "title: Note\n" + WORDS),
                           ("messages/note.da.md", "subject: Besked\n---\nHej\n"), ("messages/note.en.md", "subject: Note\n---\nHello\n")):
            with open(os.path.join(note, name), "w", encoding="utf-8") as f:
                f.write(text)
        with Office(note) as office:
            cases = {}
            for address in ("grey@example.dk", "full@example.dk"):
                with open(data, "w", encoding="utf-8") as f:
                    json.dump({"mail": address}, f)
                cases[address] = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", run("start", "note", "--data", data, site=office.site).stdout).group()
                office.settled(address, "expired")
            told = lambda address: run("show", cases[address], site=office.site).stdout
            end = time.time() + 15
            while '"lost":"full@example.dk"' not in told("full@example.dk") and time.time() < end:
                time.sleep(0.05)
            assert '"lost":"full@example.dk"' in told("full@example.dk") and '"lost"' not in told("grey@example.dk"), told("full@example.dk")


def test_each_answer_is_explained():
    with Office() as office:
        cases = {
            "nouser@example.dk": ("failed", "550 5.1.1", "There is no such address"),
            "full@example.dk": ("queued", "452 4.2.2", "mailbox is full"),
            "grey@example.dk": ("queued", "451 4.7.1", "come back later"),
            "spam@example.dk": ("failed", "554 5.7.1", "SPF, DKIM and DMARC"),
            "drop@example.dk": ("queued", "unknown: ", ""),  # a link may come twice
        }
        ids = {address: office.apply(address) for address in cases}
        listed = office.outbox()
        for address, (state, answer, meaning) in cases.items():
            row = re.search(r"^ *%s  %s .*  mail \S{4}-\S{4} +confirm +%s  .*$" % (ids[address], state, re.escape(address)), listed, re.M)
            assert row and answer in row.group(0), (address, listed)
            told = office.outbox("explain", ids[address])
            assert answer in told and meaning in told and "Message-ID  <" in told and address in told, told
        good = office.apply("ida@example.dk")
        assert "ida@example.dk" not in office.outbox() and "ida@example.dk" in office.outbox("--state", "sent")
        assert "has taken it" in office.outbox("explain", good)
        # One vocabulary: what pages say, in explain and in the help
        words = re.search(r"(?m)^fate:\n((?:  .*\n)+)", open(os.path.join(ROOT, "languages", "en.yaml"), encoding="utf-8").read()).group(1)
        words = dict(line.strip().split(": ") for line in words.splitlines() if '"' not in line)
        assert len(words) == 7 and "pages say   %s\n" % words["sent"] in office.outbox("explain", good), words
        told = run("outbox", "what", site=office.site, check=False)
        usage = told.stdout + told.stderr
        assert all(word.lower() in usage for word in words.values())
        assert "go on with --after" in office.outbox("--limit", "2")


def test_retry_sends_the_same_message_again():
    with Office() as office:
        number = office.apply("grey-once@example.dk")
        assert not office.copies("grey-once@example.dk")
        assert "is sent now" in office.outbox("retry", number)
        office.settled("grey-once@example.dk", "sent")
        assert len(office.copies("grey-once@example.dk")) == 1
        # Taken, and then the connection broke: the same Message-ID, so that a client shows one.
        number = office.apply("drop-once@example.dk")
        office.outbox("retry", number)
        office.settled("drop-once@example.dk", "sent")
        first, second = office.copies("drop-once@example.dk")
        assert parse(first) == parse(second)
        # An unknown id is one fault among several.
        third = office.apply("grey-once.2@example.dk")
        answer = run("outbox", "retry", third, "999", site=office.site, check=False)
        assert answer.returncode == 1 and "message %s is sent now" % third in answer.stdout, answer.stdout


def test_what_was_sent_can_be_sent_again():
    with Office() as office:
        number = office.apply("ida@example.dk")
        office.settled("ida@example.dk", "sent")
        again = re.search(r"message %s is sent again, as (\d+), with the same link" % number, office.outbox("retry", number)).group(1)
        end = time.time() + 15
        while len(office.copies("ida@example.dk")) < 2 and time.time() < end:
            time.sleep(0.05)
        (first, link), (second, same) = [parse(copy) for copy in office.copies("ida@example.dk")]
        assert same == link and second != first, "the same task; a Message-ID of its own, or mail servers drop it"
        # Done through whichever copy, it is done once; then a further copy is of no use
        walk(office.server, same, {"confirmed": "true"})
        assert not [f for f in forms(office.server.get(link)) if "step" in f["fields"]], "the first copy shows the receipt"
        answer = run("outbox", "retry", again, site=office.site, check=False)
        assert answer.returncode == 1 and "of no use any more: its link was used" in answer.stdout, answer.stdout
        # Who wants no messages gets none, and it is said why
        number = office.apply("bo@example.dk")
        office.settled("bo@example.dk", "sent")
        run("suppressions", "add", "bo@example.dk", "--reason", "Ringede og bad om det", site=office.site)
        answer = run("outbox", "retry", number, site=office.site, check=False)
        assert answer.returncode == 1 and "wants no messages (Ringede og bad om det" in answer.stdout, answer.stdout
        assert len(office.copies("bo@example.dk")) == 1


def test_cancelled_is_not_sent():
    with Office() as office:
        number = office.apply("full@example.dk")
        assert "is cancelled" in office.outbox("cancel", number)
        assert "not wanted any more" in office.outbox("explain", number)
        for verb in ("retry", "cancel"):
            assert run("outbox", verb, number, site=office.site, check=False).returncode == 1
        assert "full@example.dk" not in office.outbox()


def test_of_no_use_any_more():
    with Office() as office:
        number = office.apply("drop@example.dk")
        link = parse(office.copies("drop@example.dk")[0])[1]
        walk(office.server, link, {"confirmed": "true"})
        answer = run("outbox", "retry", number, site=office.site, check=False)
        assert answer.returncode == 1 and ("of no use any more" in answer.stdout or "cancelled" in answer.stdout), answer.stdout


def test_usage():
    with Office() as office:
        for args in (["explain"], ["explain", "x"], ["retry"], ["retry", "0"], ["cancel", "1", "x"], ["--state", "nothing"], ["--limit", "0"], ["what"]):
            answer = run("outbox", *args, site=office.site, check=False)
            assert answer.returncode == 2 and "usage: stafet outbox" in answer.stdout + answer.stderr, (args, answer.stderr)


main([test_a_mailbox_that_stays_full_is_told, test_each_answer_is_explained, test_retry_sends_the_same_message_again, test_what_was_sent_can_be_sent_again, test_cancelled_is_not_sent, test_of_no_use_any_more, test_usage])
