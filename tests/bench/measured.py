"""What the parts of make bench share: rows of the table, programs that are run, and what they cost."""
import json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "bench")
PROGRAMS, RESULTS = sys.argv[1:3]
COUNT = int(os.environ.get("COUNT", "2000"))
PEERS = os.environ.get("PEERS") != "no"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
PATH = os.environ["PATH"] + ":/usr/sbin"
READY = r"event=ready url=http://[^:]+:(\d+)"
AS_NOBODY = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
rows = {}


def report(name, value, unit="/s", digits=0):
    rows[name] = round(value, digits + 1)
    print("%-64s %12.*f %s" % (name, digits, value, unit), flush=True)


def save():
    """Adds the rows to those of the parts before."""
    with open(RESULTS, encoding="utf-8") as f:
        first = json.load(f)
    with open(RESULTS, "w", encoding="utf-8") as f:
        json.dump({**first, **rows}, f, indent=2, ensure_ascii=False)


def program(name):
    return os.path.join(PROGRAMS, name)


def module(*path):
    return os.path.join(HERE, "node_modules", *path)


def run(*args, **options):
    done = subprocess.run([str(a) for a in args], capture_output=True, cwd=ROOT, timeout=1200, **options)
    if done.returncode != 0:
        sys.exit("%s: exit %d\n%s" % (args[0], done.returncode, (done.stdout + done.stderr).decode()[-2000:]))
    return done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Scratch:
    """A folder on the disk that everybody writes to; gone afterwards."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="stafet-bench-")
        os.chmod(self.path, 0o755)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Sink:
    """Postfix's smtp-sink, which throws away what it takes."""

    def __enter__(self):
        self.port = free_port()
        name = shutil.which("smtp-sink", path=PATH)
        self.process = subprocess.Popen([name, *(["-u", "nobody"] if os.getuid() == 0 else []), "127.0.0.1:%d" % self.port, "1024"], cwd="/tmp")
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class Server:
    """A program that is waited for: until a line that it writes matches the pattern, which takes its port out, or until the given port answers."""

    def __init__(self, command, folder, pattern=None, port=None, wait=60, **options):
        self.log = os.path.join(folder, "log-%d" % time.monotonic_ns())
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=log, **options)
        try:
            self.port = port or self._told(pattern)
            if port:
                self._answers(wait)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _told(self, pattern):
        for line in self.process.stdout:
            found = re.search(pattern, line.decode())
            if found:
                return int(found.group(1))
        raise Missing(self.why())

    def _answers(self, wait):
        end = time.monotonic() + wait
        while self.process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise Missing(self.why())

    def why(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            lines = [line.strip() for line in f if line.strip()]
        faults = [line for line in lines if re.match(r"(\w*Error|error|FATAL)\b", line)]
        return (faults or lines or ["it does not begin"])[0][:200]

    def pids(self):
        """Its own and its children's, and theirs."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    parents[int(pid)] = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def seconds(self):
        """Of processor time so far, with that of children that have ended."""
        ticks = 0
        for pid in self.pids():
            try:
                with open("/proc/%d/stat" % pid) as f:
                    ticks += sum(int(n) for n in f.read().rpartition(")")[2].split()[11:15])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Missing(Exception):
    """A peer that cannot be had here, and why."""
