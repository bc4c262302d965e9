"""Texts from phones: an answer is an event, STOP is heard, a stranger is answered once; Kannel as a real gateway, and one over HTTP."""
import json, os, re, shutil, sqlite3, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import ROOT, Peer, Server, main, make_site, run

PACKAGES = [os.path.join(ROOT, "tests", "packages", "text-message")]


def until(what, wait=20):
    end = time.time() + wait
    while True:
        got = what()
        if got:
            return got
        assert time.time() < end, "it does not come"
        time.sleep(0.05)


class Office:
    """A site with a gateway behind it; Kannel is told the address for what comes in before it starts."""

    def __init__(self, kannel=False, more=""):
        self.folder = tempfile.mkdtemp(prefix="stafet-site-")
        self.site, _ = make_site(PACKAGES, "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:9\n  tls: off\n", folder=self.folder)
        self.peer = Peer("kannel.py", "--inbound", "x") if kannel else Peer("sms_peer.py")
        token = os.path.join(self.peer.folder, "password")
        if not kannel:
            open(token, "w").write("t0p-secret\n")
            os.chmod(token, 0o600)
        with open(os.path.join(self.site, "stafet.yaml"), "a") as file:
            file.write("sms:\n  gateway: %s\n  url: http://127.0.0.1:%d%s\n  from: Skolen\n  user: stafet\n  token_file: %s\n%s" % (
                "kannel" if kannel else "gatewayapi", self.peer.port, "/cgi-bin/sendsms" if kannel else "/rest/mtsms", token, more))
        self.server = Server("serve", self.site)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *args, **options):
        return run(*args, site=self.site, **options).stdout

    def send(self, words, phone="+4522334455"):
        """The message's id in the outbox."""
        path = os.path.join(self.folder, "data.json")
        with open(path, "w") as file:
            json.dump({"phone": phone, "words": words}, file)
        self.run("start", "text-message", "--data", path)
        return re.findall(r"^ *(\d+)  ", self.run("outbox", "--state", "all"), re.M)[-1]

    def told(self, number, pattern):
        return until(lambda: (lambda told: re.search(pattern, told, re.M) and told)(self.run("outbox", "explain", number)))

    def query(self, sql):
        found = [os.path.join(at, name) for at, _, names in os.walk(self.site) for name in names if name.endswith(".db")]
        with sqlite3.connect("file:%s?mode=ro" % found[0], uri=True) as db:
            return db.execute(sql).fetchall()


def test_who_wants_nothing_gets_nothing():
    with Office() as office:
        assert "+4522334455 gets no messages from now on" in office.run("suppressions", "add", "22 33 44 55", "--reason", "Ringede og bad om det")
        assert "gets none already" in office.run("suppressions", "add", "+4522334455", "--reason", "igen")
        office.run("suppressions", "add", "Ida@example.dk", "--reason", "x")
        listed = office.run("suppressions")
        assert re.search(r"^sms +\+4522334455 .*Ringede og bad om det$", listed, re.M) and re.search(r"^mail +Ida@example.dk", listed, re.M) and "igen" not in listed, listed
        number = office.send("Hej")
        assert "wants no messages (Ringede og bad om det" in office.told(number, r"^state       failed")
        until(lambda: "not-there" in office.run("history", re.search(r"^case +(\S+)", office.run("outbox", "explain", number), re.M).group(1)))
        assert not office.peer.messages()
        # somebody else, and the same one again once it is taken out
        office.told(office.send("Hej", "+4522334456"), r"^state       sent")
        assert "gets messages again" in office.run("suppressions", "remove", "+4522334455", "ida@example.dk") and office.run("suppressions") == ""
        assert "is not there" in office.run("suppressions", "remove", "+4522334455")
        office.run("outbox", "retry", number)
        office.told(number, r"^state       sent")
        for wrong in (["add", "22334455"], ["add", "--reason", "x"], ["add", "22334455", "--reason", "a\nb"], ["remove"], ["remove", "22334455", "--reason", "x"], ["list"]):
            assert run("suppressions", *wrong, site=office.site, check=False).returncode == 2, wrong
        refused = run("suppressions", "add", "22334457", "12", "--reason", "x", site=office.site, check=False)
        assert refused.returncode == 1 and office.run("suppressions") == "", refused


main([test_who_wants_nothing_gets_nothing])
