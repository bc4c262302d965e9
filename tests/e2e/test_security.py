"""What docs/security.md says and no other test shows: old TLS is refused, who sees whose cases, what the log tells of log-ins and refusals, sessions ended by an operator, a server that
leaves no memory behind."""
import html, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.parse, warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mailing import *
from stafet import *


def until(what, seconds=20):
    end = time.time() + seconds
    while not what():
        assert time.time() < end, "it did not happen"
        time.sleep(0.05)


class OldServer:
    """Speaks TLS up to a version, and notes what became of each handshake."""

    def __init__(self, most):
        self.folder = tempfile.mkdtemp(prefix="stafet-tls-")
        self.cert = os.path.join(self.folder, "cert.pem")
        key = os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", self.cert], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
        context.load_cert_chain(self.cert, key)
        self.outcomes, self.context = [], context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
                connection.settimeout(5)
                with self.context.wrap_socket(connection, server_side=True) as s:
                    self.outcomes.append(s.version())
            except ssl.SSLError as e:
                self.outcomes.append("refused")
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        shutil.rmtree(self.folder)


def test_old_tls_is_refused():
    """Relay and mailbox are spoken to by TLS 1.2 or newer. (The gateway's is the same line of mailer/sms.c.)"""
    for most, expected in ((ssl.TLSVersion.TLSv1_1, "refused"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
        with OldServer(most) as relay, OldServer(most) as mailbox, Sink() as sink:
            password = os.path.join(relay.folder, "password")
            with open(password, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write("x\n")
            inbox = "inbox:\n  url: imaps://localhost:%d\n  user: retur\n  password_file: %s\n  ca_file: %s\n" % (mailbox.port, password, mailbox.cert)
            folder = tempfile.mkdtemp(prefix="stafet-old-")
            mail = "mail:\n  from_address: a@skole.example\n  relay: smtps://127.0.0.1:%d\n  ca_file: %s\n%s" % (relay.port, relay.cert, inbox)
            site, _ = make_site([write_package(os.path.join(folder, "mailing"), MESSAGES)], mail, folder=folder)
            data = os.path.join(folder, "data.json")
            with open(data, "w") as f:
                f.write('{"office": "kontor@skole.example", "sender": "Skolen", "person": "Ida", "words": "Hej", "readers": ["ida@x.example"]}')
            server = Server("serve", site)
            try:
                run("start", "mailing", "--data", data, "--site", site)
                until(lambda: relay.outcomes and mailbox.outcomes)
                assert relay.outcomes[0] == mailbox.outcomes[0] == expected, (most, relay.outcomes, mailbox.outcomes, server.log_text())
            finally:
                server.stop()
                shutil.rmtree(folder)


if __name__ == "__main__":
    main([value for name, value in list(globals().items()) if name.startswith("test_")])
