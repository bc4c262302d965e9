"""tools/stafet.service: systemd finds nothing wrong with it, its hardening is worth what the docs say, and the program works within it: the calls that it
forbids are forbidden here too, and mails, documents and backups are made all the same. Also what systemd is told, and a stop that ends in time."""
import ctypes, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import BINARY, ROOT, Peer, Server, main, make_site, run, walk

UNIT = os.path.join(ROOT, "tools", "stafet.service")
AGREEMENT = os.path.join(ROOT, "tests", "packages", "agreement")
MAIL = "mail:\n  from_name: Aftaler\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n"
EXPOSED = 1.2  # of 10; docs/operations.md says so too


def analyze(*args):
    return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, timeout=60, env=dict(os.environ, SYSTEMD_COLORS="0"))


def settings(name):
    return re.findall(r"(?m)^%s=(.*)$" % name, open(UNIT, encoding="utf-8").read())


def test_the_unit():
    folder = tempfile.mkdtemp(prefix="stafet-unit-")
    try:
        path = os.path.join(folder, "stafet.service")
        text = open(UNIT, encoding="utf-8").read()
        assert text.count("/usr/local/bin/stafet") == 1
        open(path, "w", encoding="utf-8").write(text.replace("/usr/local/bin/stafet", BINARY))
        verified = analyze("verify", path)
        ours = [line for line in (verified.stdout + verified.stderr).splitlines() if "stafet" in line]
        assert verified.returncode == 0 and not ours, (verified.returncode, ours)
        judged = analyze("security", "--offline=true", "--no-pager", path)
        score = float(re.search(r"Overall exposure level for stafet.service: ([0-9.]+)", judged.stdout).group(1))
        print("exposure %.1f" % score)
        assert score <= EXPOSED, judged.stdout
        assert "%.1f of 10" % EXPOSED in open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8").read()
    finally:
        shutil.rmtree(folder)


def calls_of(group):
    """The names of a group of systemd's, with those of the groups in it."""
    found = set()
    for line in analyze("syscall-filter", group).stdout.splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            found |= calls_of(name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


def allowed_calls():
    allowed = set()
    for line in settings("SystemCallFilter"):
        names = set()
        for word in line.lstrip("~").split():
            names |= calls_of(word) if word.startswith("@") else {word}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def numbers():
    headers = subprocess.run(["gcc", "-E", "-dM", "-"], input="#include <sys/syscall.h>\n", capture_output=True, text=True).stdout
    return {name: int(n) for name, n in re.findall(r"(?m)^#define __NR_(\w+) (\d+)$", headers)}


def filter_program():
    """The unit's filter as the kernel takes it: allowed calls, no memory that is written and run, sockets of the named families only."""
    load, equal, bits, answer = 0x20, 0x15, 0x45, 0x06
    allow, refuse = 0x7FFF0000, 0x00050001  # EPERM
    number = numbers()
    families = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
    wanted = [families[f] for f in settings("RestrictAddressFamilies")[0].split()]
    assert settings("MemoryDenyWriteExecute") == ["yes"]
    code = [(load, 0, 0, 0)]

    def judged(name, rest):
        code.append((equal, 0, len(rest), number[name]))
        code.extend(rest)
    judged("socket", [(load, 0, 0, 16)] + [step for f in wanted for step in ((equal, 0, 1, f), (answer, 0, 0, allow))] + [(answer, 0, 0, refuse)])
    judged("mprotect", [(load, 0, 0, 32), (bits, 0, 1, 4), (answer, 0, 0, refuse), (answer, 0, 0, allow)])
    judged("mmap", [(load, 0, 0, 32), (bits, 0, 2, 4), (bits, 0, 1, 2), (answer, 0, 0, refuse), (answer, 0, 0, allow)])
    for name in sorted(allowed_calls() & set(number)):
        code += [(equal, 0, 1, number[name]), (answer, 0, 0, allow)]
    code.append((answer, 0, 0, refuse))
    return b"".join(struct.pack("HBBI", *step) for step in code), len(code)


def shut_in(program):
    """To be called in the child, before the program: its calls are judged from then on."""
    code, count = program
    buffer = ctypes.create_string_buffer(code, len(code))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", count, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)

    zero = ctypes.c_ulong(0)

    def go():
        if libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) != 0 or libc.prctl(22, ctypes.c_ulong(2), head, zero, zero) != 0 or not buffer:
            os._exit(99)
    return go


def sent(peer, address, seconds=20):
    import base64
    end = time.time() + seconds
    while time.time() < end:
        found = [base64.b64decode(m["base64"]).decode("utf-8", "replace") for m in peer.messages() if m["rcpt_to"] == [address]]
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("no mail to " + address)


def link_in(raw):
    import email, email.policy
    text = email.message_from_string(raw, policy=email.policy.default).get_body(("plain",)).get_content()
    return re.search(r"http://[^/\s]+(/l/[A-Za-z0-9_-]{43})", text).group(1)


def test_what_children_give_up_is_asked_for():
    """They go on without what the kernel does not have, so nothing but this would tell that the unit forbids it."""
    gate = open(os.path.join(ROOT, "engine", "base", "gate.c"), encoding="utf-8").read()
    asked = set(re.findall(r"\b(?:SYS|__NR)_(landlock_\w+)", gate))
    assert len(asked) == 3 and asked | {"prctl", "prlimit64"} <= allowed_calls(), asked


def test_it_works_within():
    peer = Peer("smtp_peer.py")
    site, _ = make_site([AGREEMENT], MAIL % peer.port)
    folder = os.path.dirname(site)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(os.path.join(folder, "manager"))
    told.settimeout(10)
    program = filter_program()
    server = None
    try:
        denied = subprocess.run([sys.executable, "-c", "import os\ntry:\n os.chroot('/')\nexcept PermissionError:\n print('denied')"], capture_output=True, text=True, preexec_fn=shut_in(program))
        assert denied.stdout == "denied\n", denied
        server = Server("serve", site, preexec_fn=shut_in(program), env=dict(os.environ, NOTIFY_SOCKET=told.getsockname()))
        assert told.recv(100) == b"READY=1"
        walk(server, "/start/agreement", {"taker_name": "Søren", "taker_email": "soren@example.dk", "post": "Æbleplukker", "office_email": "kontor@example.dk"})
        walk(server, link_in(sent(peer, "soren@example.dk")[0]), {"agreed": "true"})
        assert "application/pdf" in sent(peer, "kontor@example.dk")[0], server.log_text()[-2000:]
        assert "the whole store" in run("backup", os.path.join(folder, "copy.db"), site=site).stdout
        assert "0 faults" in run("verify", site=site).stdout
        server.process.send_signal(signal.SIGHUP)
        end = time.time() + 10
        while "event=reloaded" not in server.log_text() and time.time() < end:
            time.sleep(0.05)
        log = server.log_text()
        assert "event=reloaded" in log and "level=error" not in log and "level=warn" not in log, log[-3000:]
        assert server.stop() == 0
        assert told.recv(100) == b"STOPPING=1"
    except Exception:
        print(server.log_text()[-3000:] if server else "")
        raise
    finally:
        if server:
            server.stop(signal.SIGKILL)
            os.unlink(server.log.name)
        told.close()
        peer.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_stop_waits_for_nobody_who_dawdles():
    """A connection that says nothing, one in the middle of its form, one that reads no answer: none holds up the end."""
    site, port = make_site([AGREEMENT], MAIL % 9)
    server = Server("serve", site)
    try:
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        held[1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        held[2].sendall(b"POST /start/agreement HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\ntaker")
        held[3].sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 200)
        time.sleep(0.3)
        begin = time.time()
        assert server.stop() == 0, server.log_text()[-2000:]
        took = time.time() - begin
        print("the stop took %.1f s" % took)
        assert took < 10
        for connection in held:
            connection.close()
        assert "0 faults" in run("verify", site=site).stdout
    finally:
        server.stop(signal.SIGKILL)
        os.unlink(server.log.name)
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)


main([test_the_unit, test_what_children_give_up_is_asked_for, test_it_works_within, test_a_stop_waits_for_nobody_who_dawdles])
