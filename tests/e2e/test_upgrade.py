"""A store that an earlier version filled, opened by today's: nothing is lost, links and timers go on. One of a later version is left alone."""
import base64, email, email.policy, json, lzma, os, re, shutil, sqlite3, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import ROOT, Peer, Server, fill, forms, free_port, main, post_form, run, walk

FIXTURE = os.path.join(ROOT, "tests", "fixtures", "store-f4ae87f")
LINKS = json.load(open(os.path.join(FIXTURE, "links.json")))
CONFIG = """site:
  name: Udlån
  base_url: http://127.0.0.1:%d
  listen: 127.0.0.1:%d
  packages: [%s]
mail:
  from_address: stafet@example.dk
  relay: smtp://127.0.0.1:%d
  tls: off
"""


def content(path):
    """Without the counter that SQLite sets when it looks at the file's mode."""
    bytes_ = open(path, "rb").read()
    return bytes_[:24] + bytes_[28:92] + bytes_[96:]


class Site:
    """The fixture, unpacked."""

    def __init__(self, peer_port=25):
        self.folder = tempfile.mkdtemp(prefix="stafet-upgrade-")
        self.store = os.path.join(self.folder, "data", "stafet.db")
        port = free_port()
        os.mkdir(os.path.join(self.folder, "data"))
        open(self.store, "wb").write(lzma.open(os.path.join(FIXTURE, "stafet.db.xz")).read())
        shutil.copy(os.path.join(FIXTURE, "keys"), os.path.join(self.folder, "keys"))
        os.chmod(os.path.join(self.folder, "keys"), 0o600)
        open(os.path.join(self.folder, "stafet.yaml"), "w").write(CONFIG % (port, port, os.path.join(FIXTURE, "lending"), peer_port))

    def version(self):
        store = sqlite3.connect("file:%s?mode=ro" % self.store, uri=True)
        version = store.execute("SELECT max(version) FROM schema_version").fetchone()[0]
        store.close()
        return version

    def cli(self, *args, status=0):
        done = run(*args, site=self.folder, check=False)
        assert done.returncode == status, (args, done)
        return done.stdout + done.stderr

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def mail(peer, to, subject):
    """The text of a mail that came."""
    end = time.time() + 15
    while time.time() < end:
        for row in peer.messages():
            parsed = email.message_from_bytes(base64.b64decode(row["base64"]), policy=email.policy.default)
            if row["rcpt_to"] == [to] and subject in parsed["Subject"]:
                return parsed.get_body(("plain",)).get_content()
        time.sleep(0.05)
    raise AssertionError("no mail '%s' to %s" % (subject, to))


def link_in(text):
    return re.search(r"http://[^/\s]+(/l/[A-Za-z0-9_-]{43})", text).group(1)


def test_it_goes_on():
    peer = Peer("smtp_peer.py")
    site = Site(peer.port)
    server = None
    try:
        assert site.version() == 9
        server = Server("serve", site.folder)
        newest = site.version()
        assert newest > 9
        assert "3 instances checked, 0 faults" in site.cli("verify")
        # The timer that waited fires, once, and its link is the one that was sent.
        reminded = link_in(mail(peer, "keeper-bo@example.dk", "Husk Bo"))
        assert reminded == LINKS["waiting"], (reminded, LINKS)
        # What was half written is there, and goes on to the answer.
        page = server.get(LINKS["waiting"] + "?step=1")
        assert page.status == 200 and "Halvt skrevet æøå" in page.text, page.text
        done = walk(server, LINKS["waiting"], {"verdict": "yes"})
        assert done.status == 200
        lent = server.get(link_in(mail(peer, "bo@example.dk", "Udlånt")))
        assert "Halvt skrevet æøå" in lent.text and "Kælderen" in lent.text and "Stige" in lent.text and "Blåbær.pdf" in lent.text, lent.text
        file = re.search(r'class="file" href="([^"]+)"', lent.text).group(1)
        assert server.get(file).body.startswith(b"%PDF-1.7\n")
        # An open link works, a used one tells what was decided; a start form that nobody sent for years is swept, with its file.
        walk(server, LINKS["unconfirmed"], {"agreed": "true"})
        assert server.get(link_in(mail(peer, "keeper-carl@example.dk", "Carl vil låne"))).status == 200
        answered, loan = server.get(LINKS["answered"]), server.get(LINKS["loan"])
        assert answered.status == 200 and not [f for f in forms(answered) if f["method"] == "post" and f["fields"].get("verdict")], answered.text
        assert "Gerne &lt;b&gt;" in loan.text, loan.text
        assert server.get(LINKS["draft"].split("?")[0]).status == 404
        page = server.get("/start/lending")
        assert server.post("/start/lending", fill(post_form(page), {"borrower_name": "Eva", "borrower_email": "eva@example.dk", "keeper_email": "kim@example.dk"})).status == 303
        assert "3 instances checked, 0 faults" in site.cli("verify")
        assert server.stop() == 0
        # What the earlier version wrote is counted, what this one did is decided again.
        again = site.cli("replay")
        assert re.search(r"[1-9]\d* decided again, .* 0 faults$", again, re.M) and "written before Stafet kept what is needed" in again, again
        subjects = [r for r in peer.messages() if r["rcpt_to"] == ["keeper-bo@example.dk"]]
        assert len(subjects) == 1, "reminded %d times" % len(subjects)
        store = sqlite3.connect(site.store)
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",) and store.execute("PRAGMA foreign_key_check").fetchall() == []
        assert store.execute("SELECT count(*) FROM blobs").fetchone()[0] == 2
        store.close()
    finally:
        if server:
            server.stop()
            os.unlink(server.log.name)
        peer.stop()
        site.close()


def test_a_backup_of_an_earlier_version():
    """Is proved as what it will be, and stays as it is."""
    site = Site()
    try:
        old = os.path.join(site.folder, "old.db")
        site.cli("backup", old)
        before = open(old, "rb").read()
        said = site.cli("restore", old, "--check")
        assert "schema 9, brought to this version; 3 instances, last change 2024-03-04" in said and "3 instances checked, 0 faults" in said, said
        assert open(old, "rb").read() == before and site.version() == 9
        os.unlink(site.store)
        site.cli("restore", old)
        assert site.version() > 9 and open(old, "rb").read() == before
        assert "0 faults" in site.cli("verify")
    finally:
        site.close()


def test_a_later_version_is_left_alone():
    site = Site()
    try:
        site.cli("verify")  # brings it to today's
        store = sqlite3.connect(site.store)
        later = site.version() + 1
        store.execute("INSERT INTO schema_version VALUES (?, 0)", (later,))
        store.execute("PRAGMA user_version = 77")
        store.commit()
        store.close()
        before = content(site.store)
        for command in (["serve", site.folder], ["list"], ["verify"]):
            said = site.cli(*command, status=1)
            assert "was written by a newer Stafet (its schema is %d" % later in said and "Nothing was changed" in said, said
        assert content(site.store) == before
        assert "newer Stafet" in site.cli("doctor", site.folder, status=1)
    finally:
        site.close()


main([test_it_goes_on, test_a_backup_of_an_earlier_version, test_a_later_version_is_left_alone])
