"""A full disk: what cannot be kept is refused with 503 and a page that says so, nothing of it is half written, and all is well as soon as there is room.

Twice: files that may not grow (RLIMIT_FSIZE of the running server: EFBIG), and, as root, a small file system that is full (tmpfs: ENOSPC)."""
import concurrent.futures, os, re, resource, shutil, sqlite3, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import Load, Mailbox, application, check_store, drain, leave_site, plain
from stafet import BINARY, Peer, Server, fill, main, post_form, run

TRY_AGAIN = "Vi kan ikke tage imod lige nu. Intet er gået tabt. Vent et øjeblik, og prøv igen."


class Limit:
    """The running server's files may not grow."""

    def __init__(self, server):
        self.server = server

    def fill(self):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    def free(self):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Ballast:
    """The file system that holds the site is full to the last byte."""

    def __init__(self, site):
        self.path = os.path.join(os.path.dirname(site), "ballast")

    def fill(self):
        with open(self.path, "wb", buffering=0) as f:
            for size in (1 << 20, 1 << 16, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def free(self):
        os.unlink(self.path)


class Case:
    """A site, its relay, a server; the number of the next application."""

    def __init__(self, folder=None):
        self.peer = Peer("smtp_peer.py", "--slow", "1.5")
        self.mailbox = Mailbox(self.peer.folder)
        self.site, self.port = leave_site(self.peer) if folder is None else site_in(folder, self.peer)
        self.server = Server("serve", self.site)
        self.load = Load("127.0.0.1:%d" % self.port, self.mailbox)
        self.load.up.set()
        self.number = 0

    def close(self):
        if self.server.process.poll() is None:
            self.server.stop()
        self.peer.stop()
        os.unlink(self.server.log.name)

    def tables(self):
        """The number of rows of each table, as the store shows them now."""
        store = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.site, "data", "stafet.db"), uri=True, timeout=5)
        names = [n for n, in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")]
        counts = {n: store.execute("SELECT count(*) FROM %s" % n).fetchone()[0] for n in names}
        store.close()
        return counts

    def settled(self):
        """Nothing is on its way to the relay any more."""
        end = time.time() + 15
        while time.time() < end:
            store = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.site, "data", "stafet.db"), uri=True, timeout=5)
            open_rows = store.execute("SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased', 'begun')").fetchone()[0]
            store.close()
            if open_rows == 0:
                return
            time.sleep(0.1)
        raise AssertionError("%d messages are not settled" % open_rows)

    def new(self, **more):
        self.number += 1
        return application(self.number, **more)

    def network(self):
        self.number += 1
        return "10.1.%d.%d" % (self.number >> 8, self.number & 255)

    def apply(self, **more):
        """A whole application: the path of its receipt."""
        answers = self.new(**more)
        path, page, asked = self.load.walk("/start/leave-request", answers, self.network())
        assert self.load.note(path, page, asked, answers), plain(page)
        return path, answers

    def link_to(self, address):
        end = time.time() + 15
        while time.time() < end:
            self.mailbox.poll()
            for mail in self.mailbox.rows:
                if mail["to"] == [address] and mail["links"]:
                    return mail["links"][0]
            time.sleep(0.05)
        raise AssertionError("no mail to " + address)


def refused(answer):
    """The page of a full disk."""
    assert answer.status == 503, (answer.status, plain(answer)[:300])
    assert answer.header("Retry-After") == "10"
    assert '<html lang="da">' in answer.text and TRY_AGAIN in answer.text, plain(answer)


def fill_until_refused(case, disk):
    """A file system may have room in its files for a while: as many first pages as it takes."""
    disk.fill()
    for _ in range(3000):
        answer = first_page(case)
        if answer.status == 503:
            return refused(answer)
        assert answer.status == 303, answer.status
    raise AssertionError("the disk is never full")


def first_page(case):
    page = case.load.fetch("GET", "/start/leave-request", "10.9.0.1")
    return case.load.fetch("POST", "/start/leave-request", case.network(), fill(post_form(page), case.new()))


def at_once(case, count, act):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: act(case), range(count)))


def play(case, disk):
    load = case.load
    for _ in range(5):
        case.apply()
    path, answers = case.apply()
    confirm = case.link_to(answers["employee_email"])
    case.settled()
    fill_until_refused(case, disk)
    before = case.tables()
    # Reading goes on; nothing of what is refused stays.
    for read in ("/", "/start/leave-request", "/healthz", path, confirm):
        assert load.fetch("GET", read, "10.9.0.1").status == 200, read
    for answer in at_once(case, 12, first_page):
        refused(answer)
    page = load.fetch("GET", confirm, "10.9.0.1")
    fields = fill(post_form(page), {"confirmed": "true"})
    for _ in range(3):
        refused(load.fetch("POST", confirm, "10.9.0.1", fields))
    english = load.fetch("POST", confirm + "?lang=en", "10.9.0.1", fields)
    assert english.status == 503 and "We cannot take your answer right now. Nothing is lost." in english.text
    assert case.tables() == before, (before, case.tables())
    assert case.server.process.poll() is None
    # Room again: the same press succeeds, and everybody else's.
    disk.free()
    walked, page, asked = load.walk(confirm, {"confirmed": "true"}, "10.9.0.1")
    assert load.note(walked, page, asked, {}), plain(page)
    for _ in range(5):
        case.apply()
    assert case.tables()["instances"] == before["instances"] + 5


def full_under_load(case, disk):
    """Sixteen people at work while the room goes and comes."""
    case.load.started = 100000
    case.load.begin()
    for _ in range(6):
        time.sleep(0.8)
        disk.fill()
        time.sleep(0.7)
        disk.free()
    case.load.end()
    assert case.load.busy > 0, "nobody met the full disk"


def full_while_sending(case, disk):
    """The relay has the mail before the store can note it: it is noted later, and not sent twice."""
    _, answers = case.apply(employee_email="slow.anna@example.dk")
    time.sleep(0.7)
    disk.fill()
    time.sleep(2.5)
    disk.free()
    case.settled()
    case.mailbox.poll()
    copies = [m for m in case.mailbox.rows if m["to"] == ["slow.anna@example.dk"]]
    assert len(copies) == 1, "%d copies" % len(copies)


def end_well(case):
    assert case.server.stop() == 0, case.server.log_text()[-2000:]
    drain(case.site)
    line = check_store(case.site, case.load, case.mailbox)
    log = case.server.log_text()
    assert "commit-failed" in log or "(13)" in log or "disk" in log, "the log does not say what was wrong"
    assert not re.search(r"anna\d+@example.dk", log), "an address in the log"
    print(line + ", %d times 503" % case.load.busy)


def run_case(case, disk):
    try:
        play(case, disk)
        full_while_sending(case, disk)
        full_under_load(case, disk)
        end_well(case)
    except Exception:
        print(case.server.log_text()[-3000:])
        raise
    finally:
        case.close()


def test_files_that_may_not_grow():
    case = Case()
    try:
        run_case(case, Limit(case.server))
    finally:
        shutil.rmtree(os.path.dirname(case.site), ignore_errors=True)


def test_start_without_room():
    """serve on a full disk: a sentence and status 1, no crash; the store stays whole."""
    peer = Peer("smtp_peer.py")
    site, _ = leave_site(peer)
    try:
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        done = subprocess.run([BINARY, "serve", site], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=small, timeout=30)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        assert done.stdout.startswith("stafet: "), done.stdout
        assert "0 faults" in run("verify", site=site).stdout
        done = subprocess.run([BINARY, "init", site + "-2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=small, timeout=30)
        assert done.returncode == 1 and "stafet: " in done.stdout, (done.returncode, done.stdout, done.stderr)
    finally:
        peer.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)


def site_in(folder, peer):
    site, port = leave_site(peer)
    moved = os.path.join(folder, "site")
    shutil.move(site, moved)
    shutil.rmtree(os.path.dirname(site))
    return moved, port


def test_a_full_file_system():
    folder = tempfile.mkdtemp(prefix="stafet-full-")
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], stderr=subprocess.DEVNULL).returncode != 0:
        os.rmdir(folder)
        print("skipped: no file system can be mounted here")
        return
    try:
        case = Case(folder)
        run_case(case, Ballast(case.site))
    finally:
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


main([test_files_that_may_not_grow, test_start_without_room, test_a_full_file_system])
