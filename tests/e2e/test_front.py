"""docs/nginx.example.conf with a real nginx in front of a real server: what docs/security.md (S1) says of it."""
import os, re, shutil, socket, ssl, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

NGINX = next((p for p in (os.environ.get("NGINX_PROGRAM", ""), "/usr/sbin/nginx") if p and os.access(p, os.X_OK)), "nginx")
NAME = "svar.nordby.example"


class Front:
    """The example, with ports, names of files and the certificate changed."""

    def __init__(self, backend):
        self.folder, self.http, self.https = tempfile.mkdtemp(prefix="stafet-nginx-"), free_port(), free_port()
        os.chmod(self.folder, 0o755)
        cert, key = (os.path.join(self.folder, n) for n in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + NAME, "-addext", "subjectAltName=DNS:" + NAME, "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        text = open(os.path.join(ROOT, "docs", "nginx.example.conf"), encoding="utf-8").read()
        for old, new in (("\tlisten [::]:80;\n", ""), ("\tlisten [::]:443 ssl http2;\n", ""), ("listen 80;", "listen 127.0.0.1:%d;" % self.http), ("listen 443 ssl", "listen 127.0.0.1:%d ssl" % self.https),
                         ("/etc/letsencrypt/live/%s/fullchain.pem" % NAME, cert), ("/etc/letsencrypt/live/%s/privkey.pem" % NAME, key), ("/var/log/nginx", self.folder), ("127.0.0.1:8080;", "127.0.0.1:%d;" % backend)):
            assert old in text, old
            text = text.replace(old, new)
        paths = "".join("%s_temp_path %s/%s;\n" % (n, self.folder, n) for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write("daemon off;\nmaster_process off;\npid %s/pid;\nerror_log %s/start.log;\nevents {}\nhttp {\n%s%s}\n" % (self.folder, self.folder, paths, text))
        self.process = subprocess.Popen([NGINX, "-p", self.folder, "-e", os.path.join(self.folder, "start.log"), "-c", conf])
        end = time.time() + 10
        while not self.listens():
            assert self.process.poll() is None and time.time() < end, open(os.path.join(self.folder, "start.log")).read()
            time.sleep(0.05)
        self.context = ssl.create_default_context(cafile=cert)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.https)) == 0

    def tls(self, context=None):
        return (context or self.context).wrap_socket(socket.create_connection(("127.0.0.1", self.https), timeout=20), server_hostname=NAME)

    def raw(self, data, connection=None):
        got = b""
        with connection or self.tls() as s:
            s.sendall(data)
            while True:
                try:
                    chunk = s.recv(65536)
                except OSError:
                    break
                if not chunk:
                    break
                got += chunk
        return got.decode("utf-8", "replace")

    def ask(self, method, path, headers="", body=b"", connection=None):
        length = "Content-Length: %d\r\n" % len(body) if body else ""
        return self.raw(("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s%s\r\n" % (method, path, NAME, length, headers)).encode() + body, connection)

    def plain(self):
        return socket.create_connection(("127.0.0.1", self.http), timeout=20)

    def logs(self):
        return "".join(open(os.path.join(self.folder, n), errors="replace").read() for n in ("stafet.log", "stafet-error.log"))

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder)


def test_pages_come_through_with_their_headers():
    page = front.ask("GET", "/start/declaration")
    assert page.startswith("HTTP/1.1 200 "), page[:300]
    assert "strict-transport-security: max-age=31536000; includesubdomains" in page.lower() and page.lower().count("content-security-policy:") == 1 and "server: nginx\r\n" in page.lower()
    pressed = front.ask("POST", "/home/otplogin", "Content-Type: application/x-www-form-urlencoded\r\nOrigin: https://%s\r\n" % NAME, b"step=address&address=ida@example.dk")
    assert pressed.startswith("HTTP/1.1 303 ") and "set-cookie: __host-pre=" in pressed.lower() and "; secure" in pressed.lower(), pressed[:800]
    large = front.ask("POST", "/home/otplogin", "Content-Type: application/x-www-form-urlencoded\r\n", b"x=" + b"y" * 3000000)
    assert large.startswith("HTTP/1.1 413 ") and "content-security-policy:" in large.lower(), large[:300]


def test_http_is_only_a_way_to_https():
    moved = front.ask("GET", "/l/" + "A" * 43, connection=front.plain())
    assert moved.startswith("HTTP/1.1 301 ") and "Location: https://%s/l/AAA" % NAME in moved, moved
    for path in ("/report/" + "A" * 43, "/inbound/" + "A" * 43):
        assert front.ask("POST", path, connection=front.plain(), body=b"x").startswith("HTTP/1.1 403 "), path


def test_old_tls_is_refused():
    old = ssl.create_default_context()
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    try:
        front.tls(old).close()
    except ssl.SSLError:
        return
    raise AssertionError("TLS 1.1 is spoken")


def test_what_is_no_http_ends_in_front():
    """So that nobody sees the bare answers of libmicrohttpd (O11)."""
    for data in (b"FOO\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: %s\r\nContent-Length: -5\r\n\r\n" % NAME.encode(),
                 b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % NAME.encode(), b"GET / HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n" % (NAME.encode(), b"a" * 60000)):
        answer = front.raw(data)
        assert "nginx" in answer and answer.startswith(("HTTP/1.1 4", "<html>")), (data[:60], answer[:200])


def test_a_visitor_cannot_invent_an_address():
    mark = len(server.log_text())
    assert front.ask("GET", "/l/" + "B" * 43, "X-Forwarded-For: 192.0.2.77\r\n").startswith("HTTP/1.1 404 ")
    assert "event=refused status=404 from=127.0.0.1 path=/l/ " in server.log_text()[mark:]


def test_no_secret_is_in_the_log():
    for path in ("/l/" + "C" * 43 + "?step=1", "/report/" + "C" * 43, "/inbound/" + "C" * 43, "/home/otplogin?link=" + "C" * 43, "/l/" + "C" * 43 + "/%0a"):
        front.ask("GET", path)
    server.stop()
    assert front.ask("GET", "/l/" + "C" * 43).startswith("HTTP/1.1 502 ")
    logs = front.logs()
    assert logs.count("GET /l/... 404") >= 1 and " 502 " in logs and "CCCC" not in logs and "AAAA" not in logs, logs


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="stafet-front-")
    server = front = None
    try:
        site, port = make_site([package("declaration")], "mail:\n  from_address: a@skole.example\n  relay: smtp://127.0.0.1:1\n  tls: off\n", folder=folder)
        path = os.path.join(site, "stafet.yaml")
        text = open(path, encoding="utf-8").read()
        text = re.sub(r"base_url: \S+", "base_url: https://" + NAME, text).replace("  zone:", "  trusted_proxies: [127.0.0.1]\n  zone:", 1)
        open(path, "w", encoding="utf-8").write(text)
        server = Server("serve", site)
        front = Front(port)
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        if front:
            front.stop()
        if server and server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder)
