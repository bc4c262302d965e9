"""stafet doctor: each finding, good and bad, against real peers: a relay with TLS and log-in, a name server with a zone of our own, a web server with a certificate. Nothing may
hang, whatever they do."""
import base64, http.server, json, os, re, shutil, socket, sqlite3, ssl, subprocess, sys, tempfile, threading, time

from test_inbox import Mailbox
from stafet import PYTHON, ROOT, Peer, Server, free_port, main, package, run

folder = tempfile.mkdtemp(prefix="stafet-doctor-")
SITE = """\
site:
  name: Nordby Kommune
  base_url: {base_url}
  listen: 127.0.0.1:{port}
  packages: [{package}]
{site}mail:
  from_address: {sender}
  relay: {relay}
{mail}{sms}{inbox}"""
KEYS = {}


class Dns:
    """The name server, and its zone."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="zone-", dir=folder)
        self.zone({})
        self.process = subprocess.Popen([PYTHON, os.path.join(ROOT, "tests", "peers", "dns_peer.py"), self.folder], stdout=subprocess.PIPE)
        self.port = int(re.match(r"port=(\d+)", self.process.stdout.readline().decode()).group(1))

    def zone(self, zone):
        path = os.path.join(self.folder, "zone.json")
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(zone, f)
        os.rename(path + ".new", path)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


def rsa_key(bits):
    """A DKIM record's p=."""
    if bits not in KEYS:
        pem = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True).stdout
        der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
        KEYS[bits] = base64.b64encode(der).decode()
    return KEYS[bits]


def good_zone():
    return {
        "example.dk": {"MX": ["mx.example.dk"], "TXT": ["hello", "v=spf1 include:_spf.relay.dk -all"]},
        "_spf.relay.dk": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ip4:127.0.0.0/8 -all"]},
        "s1._domainkey.example.dk": {"TXT": ["v=DKIM1; k=rsa; p=" + rsa_key(2048)]},
        "_dmarc.example.dk": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@example.dk"]},
    }


class Site:
    """A site folder; look() gives what the doctor says of it."""
    count = 0

    def __init__(self, **keys):
        Site.count += 1
        self.path = os.path.join(folder, "site%d" % Site.count)
        self.port = keys.pop("port", free_port())
        run("init", self.path)
        for name in ("password", "token"):
            self.secret(name, "secret")
        self.write(**keys)

    def secret(self, name, text, mode=0o600):
        path = os.path.join(self.path, name)
        with open(path, "w") as f:
            f.write(text + "\n")
        os.chmod(path, mode)

    def write(self, relay=None, mail="  tls: off\n", site="", sms="", inbox="", sender="svar@example.dk", base_url=None):
        self.base_url = base_url or "http://127.0.0.1:%d" % self.port
        text = SITE.format(base_url=self.base_url, port=self.port, package=package("leave-request"), relay=relay or "smtp://127.0.0.1:%d" % relays["plain"].port, mail=mail, site=site,
                           sms=sms, inbox=inbox, sender=sender)
        with open(os.path.join(self.path, "stafet.yaml"), "w", encoding="utf-8") as f:
            f.write(text)

    def look(self, *options, seconds=60, **keys):
        if keys:
            self.write(**keys)
        begin = time.time()
        done = run("doctor", self.path, "--resolver", "127.0.0.1:%d" % dns.port, *options, check=False)
        assert time.time() - begin < seconds, "it took %.0f s" % (time.time() - begin)
        return Findings(done)


class Findings:
    def __init__(self, done):
        self.status, self.text = done.returncode, done.stdout + done.stderr
        self.rows = re.findall(r"(?m)^(good|warning|FAULT) +([^:\n]+): (.*)$", self.text)
        last = self.text.strip().split("\n")[-1]
        counts = [len([r for r in self.rows if r[0] == w]) for w in ("good", "warning", "FAULT")]
        assert last == "%d good, %d warnings, %d faults" % tuple(counts), (last, counts)
        assert self.status == (1 if counts[2] else 0), (self.status, self.text)
        for verdict, what, said in self.rows:  # each that is not good says what to do
            line = "%-8s %s: %s\n" % (verdict, what, said)
            after = self.text[self.text.index(line) + len(line):]
            assert (verdict == "good") != after.startswith("         "), line

    def has(self, verdict, what, words=""):
        assert [r for r in self.rows if r[0] == verdict and r[1] == what and words in r[2]], "no %s %s '%s' in\n%s" % (verdict, what, words, self.text)
        return self

    def lacks(self, verdict, what, words=""):
        assert not [r for r in self.rows if r[0] == verdict and r[1] == what and words in r[2]], "%s %s in\n%s" % (verdict, what, self.text)
        return self


dns = None
relays = {}


def test_usage():
    for wrong in (["doctor", "a", "b"], ["doctor", "--deeep"], ["doctor", "--resolver", "here"], ["doctor", "--resolver", "127.0.0.1"], ["doctor", "--resolver", "127.0.0.1:x"], ["doctor", "--sends-from", "relay"]):
        done = run(*wrong, check=False)
        assert done.returncode == 2 and "usage: stafet doctor" in done.stderr, (wrong, done)
    broken = Findings(run("doctor", os.path.join(folder, "none"), check=False))
    broken.has("FAULT", "stafet.yaml")
    assert "whether copies are taken" in broken.text


def test_all_good():
    """With nothing to complain of but that the relay's way out is not seen from here."""
    dns.zone(good_zone())
    tls = relays["tls"]
    site = Site(relay="smtp://localhost:%d" % tls.port, mail="  user: wfe\n  password_file: password\n  ca_file: %s/cert.pem\n  dkim_selectors: [s1]\n" % tls.folder)
    server = Server("serve", site.path)
    try:
        found = site.look("--deep")
    finally:
        server.stop()
        os.unlink(server.log.name)
    for what, words in (("stafet.yaml", ""), ("key file", "only its owner"), ("mail.password_file", "only its owner"), ("site folder", ""), ("disk", "free"), ("store", "fits the key"), ("outbox", "nothing failed"),
                        ("store, every page", "whole"), ("time zone", "Copenhagen"), ("open files", ""), ("memory", "MB are left"), ("packages", "1 load"), ("documents", ""), ("mail relay", "takes the log-in"),
                        ("mail relay's certificate", "good until"), ("mail sender", "svar@example.dk"), ("sender", ""), ("SPF", "1 lookups"), ("DKIM", "s1._domainkey"), ("DMARC", "policy reject"),
                        ("MX, bounces", ""), ("site from outside", "answers")):
        found.has("good", what, words)
    assert [r[1] for r in found.rows if r[0] != "good"] == ["mailbox", "base_url"], found.text
    assert not relays["tls"].messages(), "a mail was sent"


# --- the relay ---

def refusing(answers):
    """A relay that says these lines, whatever it is told; None: nothing at all."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            keep.append(connection)
            for line in answers:
                connection.sendall(line)
    keep = []
    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_relay():
    dns.zone(good_zone())
    site, tls = Site(), relays["tls"]
    login = "  user: wfe\n  password_file: password\n  ca_file: %s/cert.pem\n" % tls.folder
    site.look().has("good", "mail relay", "answers").has("good", "mail sender")
    site.look(relay="smtp://nowhere.invalid:25").has("FAULT", "mail relay", "cannot be found")
    site.look(relay="smtp://127.0.0.1:%d" % free_port()).has("FAULT", "mail relay", "takes no connection")
    site.look(relay="smtp://127.0.0.1:%d" % relays["plain"].port, mail="  tls: required\n").has("FAULT", "mail relay", "does not encrypt")
    site.look(relay="smtp://localhost:%d" % tls.port, mail=login.replace("%s/cert.pem" % tls.folder, "/etc/ssl/certs/ca-certificates.crt")).has("FAULT", "mail relay", "certificate that is not good")
    site.look(relay="smtp://127.0.0.2:%d" % tls.port, mail=login).has("FAULT", "mail relay")
    site.secret("password", "wrong")
    site.look(relay="smtp://localhost:%d" % tls.port, mail=login).has("FAULT", "mail relay", "does not take the log-in")
    site.secret("password", "secret", 0o644)
    site.look(relay="smtp://localhost:%d" % tls.port, mail=login).has("FAULT", "mail.password_file", "others may read").has("FAULT", "mail relay")
    os.unlink(os.path.join(site.path, "password"))
    site.look(relay="smtp://localhost:%d" % tls.port, mail=login).has("FAULT", "mail.password_file", "No such file")
    site.secret("password", "secret")
    site.look(relay="smtp://localhost:%d" % relays["short"].port, mail=login.replace(tls.folder, relays["short"].folder)).has("warning", "mail relay's certificate", "expires in")
    site.look(sender="refused@example.dk").has("FAULT", "mail sender", "550 5.7.1")
    site.look(mail="  tls: off\n  bounce_address: refused@example.dk\n").has("FAULT", "mail sender", "refused@example.dk")
    for answers, words in (([], "does not answer"), ([b"554 go away\r\n"], "no use"), ([b"\x00\xff" * 4000 + b"\r\n"], ""), ([b"220 hello\r\n", b"250 " + b"x" * 9000 + b"\r\n"], "")):
        listener = refusing(answers)
        site.look(relay="smtp://127.0.0.1:%d" % listener.getsockname()[1], seconds=25).has("FAULT", "mail relay", words)
        listener.close()


def talking(offers):
    """A relay that takes everything, with these offers in its answer to EHLO."""
    listener = socket.create_server(("127.0.0.1", 0))

    def converse(connection):
        with connection, connection.makefile("rwb") as f:
            f.write(b"220 relay.example ESMTP\r\n")
            f.flush()
            for line in f:
                hello = line.upper().startswith(b"EHLO")
                f.write(b"".join(b"250-%s\r\n" % o for o in offers) + b"250 HELP\r\n" if hello else b"250 2.0.0 Ok\r\n")
                f.flush()
                said.append(line.split()[0].upper().decode())
                if said[-1] == "QUIT":
                    return

    def serve():
        while True:
            try:
                threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return
    said = []
    threading.Thread(target=serve, daemon=True).start()
    return listener, said


def test_what_is_said_to_the_relay():
    """A small limit is told of; and no more is said than what sends nothing."""
    dns.zone(good_zone())
    site = Site()
    listener, said = talking([b"relay.example", b"SIZE 500000"])
    site.look(relay="smtp://127.0.0.1:%d" % listener.getsockname()[1]).has("good", "mail relay").has("warning", "mail size", "488 kB")
    assert said[0] == "EHLO" and {"MAIL", "RSET", "QUIT"} <= set(said) and not {"RCPT", "DATA", "BDAT"} & set(said), said
    listener.close()


def test_sender():
    dns.zone(good_zone())
    site = Site()
    site.look(sender="svar@school.invalid").has("FAULT", "sender", "nobody has")
    site.look(sender="nordby@gmail.com").has("FAULT", "sender", "everybody")
    site.look(mail="  tls: off\n  reply_to: nordby@hotmail.com\n").has("warning", "sender", "reply_to")
    site.look(mail="  tls: off\n  reply_to: hjaelp@example.dk\n").has("good", "sender")
    site.look(mail="  tls: off\n  bounce_address: b@other.dk\n").has("warning", "sender", "bounce_address")
    site.look(mail="  tls: off\n  bounce_address: b@mail.example.dk\n").has("good", "sender")


def test_mailbox():
    dns.zone(good_zone())
    site, answers = Site(), Mailbox()
    inbox = "inbox:\n  url: %s\n  user: retur\n  password_file: imap-password\n"
    here = "imap://127.0.0.1:%d" % answers.port
    try:
        site.secret("imap-password", open(os.path.join(answers.folder, "password")).read().strip())
        site.look().has("warning", "mailbox", "none is read")
        found = site.look(inbox=inbox % here).has("good", "mailbox", "takes the log-in").has("good", "inbox.password_file")
        # The relay is asked about the address that a message would have.
        found.has("good", "mail sender", "svar+1.1.")
        site.look(inbox=inbox % here, sender="refused@example.dk").has("FAULT", "mail sender", "refused+1.1.")
        site.look(inbox=inbox % ("imap://127.0.0.1:%d" % free_port())).has("FAULT", "mailbox")
        silent = refusing([])
        site.look(inbox=inbox % ("imap://127.0.0.1:%d" % silent.getsockname()[1]), seconds=30).has("FAULT", "mailbox", "does not answer")
        silent.close()
        site.secret("imap-password", "wrong")
        site.look(inbox=inbox % here).has("FAULT", "mailbox")
        site.secret("imap-password", "wrong", 0o644)
        site.look(inbox=inbox % here).has("FAULT", "inbox.password_file", "others may read")
    finally:
        answers.close()


# --- the domain ---

def test_spf():
    site = Site()

    def look(spf, more=None, **keys):
        zone = dict(good_zone(), **(more or {}))
        zone["example.dk"]["TXT"] = [spf] if isinstance(spf, str) else spf
        dns.zone(zone)
        return site.look(**keys)
    look([]).has("FAULT", "SPF", "no record")
    look(["v=spf1 -all", "v=spf1 ~all"]).has("FAULT", "SPF", "more than one")
    look("v=spf1 inclde:x.dk -all").has("FAULT", "SPF", "nobody knows: inclde")
    look("v=spf1 include:nowhere.dk -all").has("FAULT", "SPF", "no record")
    look("v=spf1 " + " ".join("a:h%d.dk" % i for i in range(11)) + " -all").has("FAULT", "SPF", "more than 10")
    look("v=spf1 include:a.dk -all", {"a.dk": {"TXT": ["v=spf1 include:b.dk"]}, "b.dk": {"TXT": ["v=spf1 include:a.dk"]}}).has("FAULT", "SPF", "broken")
    look("v=spf1 redirect=example.dk").has("FAULT", "SPF", "broken")
    look("v=spf1 exists:%{i}.x.dk -all").has("warning", "SPF", "macro")
    look("v=spf1 include:dead.dk -all", {"dead.dk": {"!": "servfail"}}).has("warning", "SPF", "no answer for")
    look("v=spf1 mx a ip4:192.0.2.0/24 ip6:2001:db8::/32 -all").has("good", "SPF", "2 lookups")
    # With the address that the world sees.
    named = {"7.2.0.192.in-addr.arpa": {"PTR": ["out.relay.dk"]}}
    public = ("--sends-from", "192.0.2.7")

    def look_public(spf, more, **keys):
        dns.zone(dict(good_zone(), **dict({"example.dk": {"MX": ["mx.example.dk"], "TXT": [spf]}}, **more)))
        return site.look(*public, **keys)
    look_public("v=spf1 ip4:192.0.2.0/29 -all", named).has("good", "SPF", "lets 192.0.2.7 send").has("good", "PTR", "out.relay.dk").has("warning", "DMARC", "only SPF meets")
    look_public("v=spf1 ip4:192.0.2.0/30 -all", {}).has("FAULT", "SPF", "forbids 192.0.2.7").has("warning", "PTR", "no name").has("FAULT", "DMARC", "refuse")
    look_public("v=spf1 ip4:192.0.2.0/30 ~all", {}).has("warning", "SPF", "does not name")
    look_public("v=spf1 exists:%{i}.x.dk -all", {}).has("warning", "SPF", "cannot tell whether")
    assert site.look(*public, relay="smtp://127.0.0.1:%d" % free_port()).has("FAULT", "mail relay").lacks("good", "SPF", "lets 192.0.2.7").status == 1


def test_dkim_and_dmarc():
    site = Site()
    selectors = "  tls: off\n  dkim_selectors: [s1]\n"

    def look(dkim=None, dmarc=None, mail=selectors, more=None):
        zone = dict(good_zone(), **(more or {}))
        for name, text in (("s1._domainkey.example.dk", dkim), ("_dmarc.example.dk", dmarc)):
            if text is not None:
                zone[name] = {"TXT": [text]} if isinstance(text, str) else text
        dns.zone(zone)
        return site.look(mail=mail)
    look().has("good", "DKIM")
    look(mail="  tls: off\n").has("warning", "DKIM", "not set").has("FAULT", "DMARC", "refuse")
    look({}).has("FAULT", "DKIM", "is not there").has("FAULT", "DMARC", "refuse")
    look("v=DKIM1; p=").has("FAULT", "DKIM", "revoked")
    look("v=DKIM1; p=" + rsa_key(1024)).has("warning", "DKIM", "1024 bits")
    look("v=DKIM1; p=" + rsa_key(512)).has("FAULT", "DKIM", "512 bits")
    look("v=DKIM1; k=ed25519; p=" + base64.b64encode(b"k" * 32).decode()).has("good", "DKIM")
    look("v=DKIM1; k=ed25519; p=" + base64.b64encode(b"k" * 31).decode()).has("FAULT", "DKIM", "no key")
    look("v=DKIM1; t=y; p=" + rsa_key(2048)).has("warning", "DKIM", "only a test")
    look("v=DKIM1; p=!!!").has("FAULT", "DKIM", "no key")
    look({"!": "servfail"}).has("warning", "DKIM", "could not")
    look({"TXT": ["v=DKIM1; p=x", "v=DKIM1; p=y"]}).has("FAULT", "DKIM", "more than one")
    look(dmarc={}).has("warning", "DMARC", "no record")
    look(dmarc="v=DMARC1; p=none").has("good", "DMARC", "without rua")
    look({}, "v=DMARC1; p=quarantine").has("FAULT", "DMARC", "set aside")
    look({}, "v=DMARC1; p=none").has("good", "DMARC")
    look({}, "p=reject; v=DMARC1").has("warning", "DMARC", "no record")
    look(dmarc={"!": "servfail"}).has("warning", "DMARC", "could not")
    dns.zone(dict(good_zone(), **{"_dmarc.example.dk": {"TXT": ["v=DMARC1; p=none; sp=reject"]}, "post.example.dk": {"MX": ["mx.example.dk"], "TXT": ["v=spf1 -all"]}}))
    site.look(sender="svar@post.example.dk").has("FAULT", "DMARC", "example.dk asks receivers to refuse")


def test_mx():
    site = Site()
    for entry, verdict in (({"MX": ["mx.example.dk"]}, "good"), ({"A": ["192.0.2.9"]}, "good"), ({}, "FAULT"), ({"MX": [""]}, "FAULT"), ({"MX": ["a.dk"], "CNAME": []}, "good")):
        dns.zone(dict(good_zone(), **{"bounce.example.dk": dict(entry, TXT=["v=spf1 -all"])}))
        site.look(mail="  tls: off\n  bounce_address: b@bounce.example.dk\n").has(verdict, "MX, bounces").has("good", "MX, sender")


def test_name_server_that_misbehaves():
    site = Site()
    giant = "v=spf1 " + "ip4:192.0.2.1 " * 250 + "-all"  # truncated, and whole over TCP
    for entry, verdict, what, words in (
            ({"!": "silent"}, "warning", "DNS", "does not answer"),
            ({"!": "servfail"}, "warning", "DNS", ""),
            ({"!": "wrong-id", "MX": ["evil.dk"], "TXT": ["v=spf1 +all"]}, "warning", "DNS", "does not answer"),
            ({"!": "garbage"}, "warning", "DNS", ""),
            ({"!": "loop", "MX": ["x.dk"]}, "", "", ""),
            ({"MX": ["x.dk"], "TXT": [giant]}, "good", "SPF", "one record"),
            ({"MX": ["x.dk"], "TXT": [giant], "!": "cut"}, "warning", "SPF", "cannot tell"),
            ({"MX": ["x.dk"], "TXT": ["v=spf1 " + "x" * 60000]}, "warning", "SPF", "cannot tell"),
            ({"MX": ["x.dk"], "TXT": ["r%d" % i for i in range(65)]}, "warning", "SPF", "cannot tell"),
            ({"CNAME": ["a.dk"]}, "warning", "DNS", "from alias to alias")):
        dns.zone({"example.dk": entry, "a.dk": {"CNAME": ["b.dk"]}, "b.dk": {"CNAME": ["a.dk"]}})
        found = site.look(seconds=30)
        if verdict:
            found.has(verdict, what, words)


# --- the web ---

class Web:
    """A web server with a certificate of its own in front of nothing; what it answers is told."""

    def __init__(self, days=90, body=b"ok\n", headers=(), status=200):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.command, self.path))
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(body)))
                if not any(h[0] == "Date" for h in headers):
                    self.send_header("Date", self.date_time_string())
                for header in headers:
                    self.send_header(*header)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)
            do_HEAD = do_GET

            def log_message(self, *_):
                pass
        self.asked = []
        self.folder = tempfile.mkdtemp(prefix="web-", dir=folder)
        key, self.certificate = os.path.join(self.folder, "key.pem"), os.path.join(self.folder, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days), "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.certificate], check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None
        self.url = "https://localhost:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def look_at_web(where, web, **keys):
    found = where.look("--ca", web.certificate, base_url=web.url, **keys)
    web.stop()
    return found


def test_site_from_outside():
    dns.zone(good_zone())
    site = Site()
    hsts = ("Strict-Transport-Security", "max-age=31536000")
    look_at_web(site, Web(headers=[hsts]), site="  trusted_proxies: [127.0.0.1]\n").has("good", "base_url").has("good", "site's certificate").has("good", "site from outside").has(
        "good", "trusted_proxies").has("good", "clock").lacks("warning", "site from outside")
    look_at_web(site, Web()).has("warning", "site from outside", "Strict-Transport-Security").has("warning", "trusted_proxies", "all visitors count as one")
    look_at_web(site, Web(days=5)).has("warning", "site's certificate", "expires in")
    look_at_web(site, Web(headers=[("Date", "Mon, 01 Jan 2024 10:00:00 GMT")])).has("warning", "clock", "seconds ahead of")
    look_at_web(site, Web(body=b"<h1>It works!</h1>")).has("warning", "site from outside", "nothing answers on")
    web = Web()
    site.look(base_url=web.url).has("FAULT", "site from outside")  # nobody trusts this certificate
    web.stop()
    site.look(base_url="https://nowhere.invalid").has("FAULT", "site from outside", "nowhere.invalid")
    site.look(base_url="http://svar.example.dk").has("FAULT", "base_url", "not https")
    server = None
    try:
        site.write()
        server = Server("serve", site.path)
        look_at_web(site, Web(status=502, body=b"Bad Gateway")).has("FAULT", "site from outside", "the server runs, but")
    finally:
        server.stop()
        os.unlink(server.log.name)


def test_sms():
    dns.zone(good_zone())
    site, web = Site(), Web(status=404)
    sms = "sms:\n  gateway: gatewayapi\n  url: %s/rest/mtsms\n  token_file: token\n" % web.url
    found = site.look("--ca", web.certificate, sms=sms + "  from: Nordby\n")
    found.has("good", "SMS gateway", "answers").has("good", "SMS sender").has("good", "SMS countries").has("good", "sms.token_file").has("good", "SMS gateway's certificate")
    assert web.asked and all(method == "HEAD" for method, _ in web.asked), web.asked
    site.look("--ca", web.certificate, sms=sms + "  from: Nordby Kommune\n").has("FAULT", "SMS sender", "Nordby Kommune")
    site.look("--ca", web.certificate, sms=sms).has("warning", "SMS sender", "none")
    site.look("--ca", web.certificate, sms=sms + "  allowed: [46]\n").has("FAULT", "SMS countries", "45")
    site.secret("token", "secret", 0o640)
    site.look("--ca", web.certificate, sms=sms).has("FAULT", "sms.token_file", "others may read")
    site.look(sms=sms).has("FAULT", "SMS gateway")  # nobody trusts this certificate
    site.look(sms=sms.replace(web.url, "http://sms.example.invalid")).has("FAULT", "SMS gateway", "sms.example.invalid")
    web.stop()


def test_all_are_silent():
    """Nothing hangs: relay, mailbox, gateway, name server and the site itself take the connection and say nothing."""
    dns.zone({"example.dk": {"!": "silent"}})
    holes = [refusing([]) for _ in range(4)]
    relay, mailbox, gateway, web = ("127.0.0.1:%d" % h.getsockname()[1] for h in holes)
    site = Site()
    site.secret("imap-password", "secret")
    found = site.look(relay="smtp://" + relay, base_url="https://" + web, sms="sms:\n  gateway: gatewayapi\n  url: https://%s/rest\n  token_file: token\n" % gateway,
                      inbox="inbox:\n  url: imap://%s\n  user: retur\n  password_file: imap-password\n" % mailbox, seconds=60)
    found.has("FAULT", "mail relay", "does not answer").has("FAULT", "mailbox", "does not answer").has("FAULT", "SMS gateway").has("warning", "DNS", "does not answer").has("warning", "site from outside")
    for hole in holes:
        hole.close()


# --- this machine ---

def test_keys_and_store():
    dns.zone(good_zone())
    site = Site()
    keys, data = os.path.join(site.path, "keys"), os.path.join(site.path, "data", "stafet.db")
    os.chmod(keys, 0o644)
    site.look().has("FAULT", "key file", "others may read")
    os.chmod(keys, 0o600)
    os.rename(keys, keys + ".away")
    site.look().has("FAULT", "key file", "No such file").has("good", "store", "schema")
    shutil.copy(os.path.join(Site().path, "keys"), keys)
    site.look().has("FAULT", "store", "another key file")
    os.rename(keys + ".away", os.path.join(site.path, "data", "keys"))
    site.look(site="  key_file: data/keys\n").has("warning", "key file", "folder of the data").has("good", "store", "fits")
    os.rename(os.path.join(site.path, "data", "keys"), keys)
    os.chmod(site.path, 0o777)
    site.look(site="").has("FAULT", "site folder", "others may change")
    os.chmod(site.path, 0o755)

    def change(sql):
        db = sqlite3.connect(data)
        db.executescript(sql)
        db.close()
    before = site.look().has("good", "store")
    change("DELETE FROM schema_version WHERE version > 3")
    site.look().has("warning", "store", "schema 3 of")
    change("INSERT INTO schema_version VALUES (999, 0)")
    site.look().has("FAULT", "store", "schema 999")
    change("PRAGMA application_id = 7")
    site.look().has("FAULT", "store", "no store of Stafet")
    with open(data, "r+b") as f:
        f.write(b"not a database at all")
    site.look().has("FAULT", "store", "cannot be read")
    os.unlink(data)
    site.look().has("FAULT", "store", "No such file")
    assert not os.path.exists(data), "the doctor makes no store"


def test_outbox():
    dns.zone(good_zone())
    site = Site()
    db = sqlite3.connect(os.path.join(site.path, "data", "stafet.db"))
    columns = [(r[1], r[2], r[3], r[4]) for r in db.execute("PRAGMA table_info(outbox)")]

    def put(**values):
        row = {name: values.get(name, "" if kind == "TEXT" else 0) for name, kind, needed, default in columns if name in values or (needed and default is None and name != "id")}
        db.execute("INSERT INTO outbox (%s) VALUES (%s)" % (", ".join(row), ", ".join("?" * len(row))), list(row.values()))
        db.commit()
    now = int(time.time() * 1000)
    put(channel=1, state="queued", next_at=now + 86400000, message_id="<1@x>", data="{}")
    site.look().has("good", "outbox", "1 messages wait")
    put(channel=1, state="unknown", next_at=now, message_id="<2@x>", data="{}")
    put(channel=1, state="failed", next_at=now, message_id="<3@x>", data="{}")
    site.look().has("warning", "outbox", "1 messages were not sent").has("warning", "outbox", "of 1 messages nobody")
    put(channel=1, state="queued", next_at=now - 3600000, message_id="<4@x>", data="{}")
    site.look().has("warning", "outbox", "since 60 minutes ago")
    put(channel=1, state="queued", next_at=now - 5 * 3600000, message_id="<5@x>", data="{}")
    site.look().has("FAULT", "outbox", "since 300 minutes ago")
    db.close()


def test_a_broken_page_is_found():
    dns.zone(good_zone())
    site = Site()
    data = os.path.join(site.path, "data", "stafet.db")
    db = sqlite3.connect(data)
    db.execute("PRAGMA journal_mode = DELETE")
    root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'register_rows' OR name = 'registers' OR name = 'counters' ORDER BY name LIMIT 1").fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(data, "r+b") as f:
        f.seek((root - 1) * size)
        f.write(b"\xff" * 200)
    site.look("--deep").has("FAULT", "store, every page")


def test_packages_and_limits():
    dns.zone(good_zone())
    site = Site()
    path = os.path.join(site.path, "stafet.yaml")
    text = open(path, encoding="utf-8").read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r"packages: .*", "packages: [nowhere]", text))
    site.look().has("FAULT", "packages")
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r"  packages: .*\n", "", text))
    site.look().has("warning", "packages", "none")
    done = subprocess.run(["sh", "-c", "ulimit -n 200; exec \"$0\" \"$@\"", os.environ.get("STAFET", os.path.join(ROOT, "build", "stafet")), "doctor", site.path, "--resolver", "127.0.0.1:%d" % dns.port],
                          capture_output=True, text=True, timeout=60)
    Findings(done).has("warning", "open files", "200")


if __name__ == "__main__":
    dns = Dns()
    relays.update(plain=Peer("smtp_peer.py"), tls=Peer("smtp_peer.py", "--tls", "--auth", "wfe:secret", "--days", "90"), short=Peer("smtp_peer.py", "--tls", "--auth", "wfe:secret"))
    try:
        main([test_usage, test_all_good, test_relay, test_what_is_said_to_the_relay, test_sender, test_mailbox, test_spf, test_dkim_and_dmarc, test_mx, test_name_server_that_misbehaves, test_site_from_outside, test_sms, test_all_are_silent,
              test_keys_and_store, test_outbox, test_a_broken_page_is_found, test_packages_and_limits])
    finally:
        for peer in [dns, *relays.values()]:
            peer.stop()
        shutil.rmtree(folder, ignore_errors=True)
