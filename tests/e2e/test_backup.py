"""Backups of a running server under load, and putting them in place: nothing confirmed is missing, nothing broken is ever put in place."""
import os, re, shutil, signal, sqlite3, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import Load, Mailbox, check_answers, check_store, drain, leave_site, open_store
from stafet import BINARY, main, Peer, run, Server, with_one


class World:
    def __init__(self):
        self.peer = Peer("smtp_peer.py")
        self.mailbox = Mailbox(self.peer.folder)
        self.site, self.port = leave_site(self.peer)
        self.folder = os.path.dirname(self.site)
        self.file = os.path.join(self.folder, "copy.db")
        self.store = os.path.join(self.site, "data", "stafet.db")
        self.server = None

    def serve(self):
        self.server = Server("serve", self.site)
        return self.server

    def stop(self):
        assert self.server.stop() == 0, self.server.log_text()[-2000:]
        os.unlink(self.server.log.name)
        self.server = None

    def close(self):
        if self.server:
            self.server.stop(signal.SIGKILL)
            os.unlink(self.server.log.name)
        self.peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cli(self, *args, status=0):
        done = run(*args, site=self.site, check=False)
        assert done.returncode == status, (args, done)
        return done.stdout + done.stderr


def snapshot(load):
    """What was confirmed by now, as check_answers reads it."""
    class Known:
        pass
    known = Known()
    with load.lock:
        known.confirmed = dict(load.confirmed)
    return known


@with_one(World)
def test_under_load(world):
    load = Load("127.0.0.1:%d" % world.port, world.mailbox, threads=12)
    world.serve()
    load.begin()
    time.sleep(2)
    slowest, stop = [0.0], threading.Event()

    def watch():
        while not stop.is_set():
            begin = time.time()
            assert world.server.get("/healthz").status == 200
            slowest[0] = max(slowest[0], time.time() - begin)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    told = ""
    for turn in range(3):
        known = snapshot(load)
        told = world.cli("backup", world.file, *(["--force"] if turn else []))
        assert os.stat(world.file).st_mode & 0o777 == 0o600
        assert sorted(n for n in os.listdir(world.folder) if n.startswith("copy")) == ["copy.db"]
        copy = sqlite3.connect("file:%s?immutable=1" % world.file, uri=True)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
        check_answers(copy, known)
        instances = copy.execute("SELECT count(*) FROM instances").fetchone()[0]
        copy.close()
        checked = world.cli("restore", world.file, "--check")
        assert "%d instances checked, 0 faults" % instances in checked and "is whole" in checked and "nothing was changed" in checked, checked
        assert len(known.confirmed) > 0
    stop.set()
    watcher.join()
    assert "key file is NOT in it" in told and os.path.join(world.site, "keys") in told, told
    assert "it is there already" in world.cli("backup", world.file, status=1)
    begin = os.stat(world.file).st_mtime_ns
    keys = os.path.join(world.site, "keys")
    assert "is not replaced" in world.cli("backup", keys, "--force", status=1)
    assert "store itself" in world.cli("backup", world.store, "--force", status=1)
    assert os.stat(world.file).st_mtime_ns == begin
    said = world.cli("restore", world.file, status=1)
    assert "stop it first" in said and "is held by process" in said, said
    assert "usage" in world.cli("backup", status=2) and "usage" in world.cli("restore", world.file, "more", status=2)
    known = snapshot(load)
    load.end()
    world.stop()
    drain(world.site)
    print(check_store(world.site, load, world.mailbox), "slowest page %.3f s" % slowest[0])
    assert not [n for n in os.listdir(os.path.join(world.site, "data")) if "restore" in n]
    # The backup of a while ago, in place: what was confirmed before it is there, once, and the site goes on.
    told = world.cli("restore", world.file)
    kept = re.search(r"is kept as (\S+)", told).group(1)
    assert os.stat(world.store).st_mode & 0o777 == 0o600 and os.stat(kept).st_mode & 0o777 == 0o600
    store = open_store(world.site)
    assert store.execute("SELECT count(*) FROM instances").fetchone()[0] == instances
    store.close()
    old = sqlite3.connect("file:%s?mode=ro" % kept, uri=True)
    check_answers(old, load)
    old.close()
    world.serve()
    assert "0 faults" in world.cli("verify")
    page = world.server.get("/start/leave-request")
    assert page.status == 200
    world.stop()


def content(path):
    return open(path, "rb").read()


@with_one(World)
def test_what_is_wrong_is_not_put_in_place(world):
    world.serve()
    world.stop()
    before = content(world.store)
    world.cli("backup", world.file)
    assert content(world.store) == before
    good = content(world.file)
    wrong = os.path.join(world.folder, "wrong.db")

    def refused(hint, name=wrong):
        for extra in (["--check"], []):
            said = world.cli("restore", name, *extra, status=1)
            assert hint in said, (hint, said)
        assert content(world.store) == before
        left = set(os.listdir(os.path.join(world.site, "data"))) - {"stafet.db-wal", "stafet.db-shm"}  # empty ones, of whoever only reads
        assert left == {"stafet.db", "stafet.db.lock"}, left

    refused("there is no such file", os.path.join(world.folder, "nothing"))
    for bytes_, hint in ((b"", "no store of Stafet"), (b"x" * 10000, "no store of Stafet"), (good[:len(good) // 2], "")):
        open(wrong, "wb").write(bytes_)
        refused(hint)
    shape = sqlite3.connect("file:%s?immutable=1" % world.file, uri=True)
    for name in ("history", "timers_due", "register_rows"):
        at = (shape.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0] - 1) * 4096
        open(wrong, "wb").write(good[:at] + b"\xff" * 4096 + good[at + 4096:])
        refused("")
    shape.close()
    shutil.copyfile(world.file, wrong)
    newer = sqlite3.connect(wrong)
    newest = newer.execute("SELECT max(version) FROM schema_version").fetchone()[0]
    newer.execute("INSERT INTO schema_version VALUES (?, 0)", (newest + 1,))
    newer.execute("PRAGMA journal_mode = DELETE")
    newer.commit()
    newer.close()
    refused("newer Stafet")
    # Another key file.
    keys = os.path.join(world.site, "keys")
    os.rename(keys, keys + ".own")
    other = os.path.join(world.folder, "other")
    run("init", other)
    shutil.copy(os.path.join(other, "keys"), keys)
    refused("another key file", world.file)
    os.replace(keys + ".own", keys)
    assert "is whole" in world.cli("restore", world.file, "--check")
    # A machine that has nothing but the site's folder, its key file and the backup.
    shutil.rmtree(os.path.join(world.site, "data"))
    root = os.geteuid() == 0
    if root:  # what root puts in place is the site's owner's
        os.chown(world.site, 54321, 54321)
    assert "is now what" in world.cli("restore", world.file)
    for path in (os.path.dirname(world.store), world.store, world.store + ".lock"):
        assert os.stat(path).st_uid == os.stat(world.site).st_uid, path
    if root:
        os.chown(world.site, 0, 0)
    world.serve()
    world.stop()


@with_one(World)
def test_a_changed_answer_is_found(world):
    load = Load("127.0.0.1:%d" % world.port, world.mailbox, threads=4)
    world.serve()
    load.begin()
    time.sleep(1.5)
    load.end()
    world.stop()
    world.cli("backup", world.file)
    forged = sqlite3.connect(world.file)
    forged.execute("PRAGMA journal_mode = DELETE")
    forged.execute("UPDATE history SET at = at + 1 WHERE id = (SELECT min(id) FROM history)")
    forged.commit()
    forged.close()
    said = world.cli("restore", world.file, "--check", status=1)
    assert "1 faults" in said and "not whole" in said, said


@with_one(World)
def test_stop_during_a_backup(world):
    """A backup that is under way neither holds up the end nor leaves a piece of itself."""
    world.serve()
    world.stop()
    store = open_store(world.site)
    store.execute("INSERT INTO blobs (name, type, size, at) VALUES ('x', 'text/plain', 1, 0)")
    blob = store.execute("SELECT max(id) FROM blobs").fetchone()[0]
    for number in range(150):
        store.execute("INSERT INTO blob_chunks (blob_id, number, bytes) VALUES (?, ?, randomblob(1000000))", (blob, number))
    store.commit()
    store.close()
    world.serve()
    backup = subprocess.Popen([BINARY, "backup", world.file, "--site", world.site], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not os.path.exists(world.file + ".part") and backup.poll() is None:
        time.sleep(0.001)
    begin = time.time()
    world.stop()
    assert time.time() - begin < 5
    said = backup.communicate(timeout=20)[0].decode()
    assert (backup.returncode == 1) == (not os.path.exists(world.file)), said
    assert not os.path.exists(world.file + ".part")
    print("exit %d: %s" % (backup.returncode, said.splitlines()[0]))


main([test_under_load, test_what_is_wrong_is_not_put_in_place, test_a_changed_answer_is_found, test_stop_during_a_backup])
