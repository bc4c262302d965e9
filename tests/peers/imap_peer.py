#!/usr/bin/python3
"""A mailbox (Dovecot) for tests, on free ports of this computer. Prints `port=NNNN tls=NNNN` (IMAP, and IMAP with TLS at once; certificate for localhost in
FOLDER/cert.pem) when it answers. User retur, password in FOLDER/password. The mails lie in FOLDER/mail as a Maildir; put() delivers one as an LMTP server would.
Ends on SIGTERM. Needs the package dovecot-imapd."""
import argparse, ctypes, os, pwd, secrets, signal, socket, subprocess, sys, time

CONF = """base_dir = {folder}/run
state_dir = {folder}/state
instance_name = stafet-test-{port}
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
default_internal_user = {internal}
default_login_user = {login}
first_valid_uid = 0
first_valid_gid = 0
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
mailbox_idle_check_interval = 1 secs
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
namespace inbox {{
  inbox = yes
}}
"""


def put(folder, raw, name=[0]):
    """One mail (bytes, or a list of pieces) into the mailbox: written whole, then moved to where it is seen."""
    name[0] += 1
    path = "%d.%d_%05d.test" % (time.time(), os.getpid(), name[0])  # Dovecot numbers new mails by their names
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(folder, "mail", part), exist_ok=True)
        give(os.path.join(folder, "mail", part))
    with open(os.path.join(folder, "mail", "tmp", path), "wb") as f:
        f.writelines(raw if isinstance(raw, list) else [raw])
    give(f.name)
    os.rename(f.name, os.path.join(folder, "mail", "new", path))


def give(path):
    if os.getuid() == 0:
        user = pwd.getpwnam("mail")
        os.chown(path, user.pw_uid, user.pw_gid)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            return s.recv(10).startswith(b"* OK")
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    folder = os.path.abspath(parser.parse_args().folder)
    root = os.getuid() == 0
    me = pwd.getpwuid(os.getuid()).pw_name
    user = pwd.getpwnam("mail") if root else pwd.getpwuid(os.getuid())
    for part in ("", "mail", "home", "state", "run"):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    os.chmod(folder, 0o755)
    give(os.path.join(folder, "mail"))
    give(os.path.join(folder, "home"))
    password = secrets.token_hex(8)
    with open(os.path.join(folder, "password"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(password + "\n")
    with open(os.path.join(folder, "users"), "w") as f:
        f.write("retur:{PLAIN}%s\n" % password)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem")], check=True, capture_output=True)
    port, tls = free_port(), free_port()
    conf = os.path.join(folder, "dovecot.conf")
    with open(conf, "w") as f:
        f.write(CONF.format(folder=folder, port=port, tls=tls, uid=user.pw_uid, gid=user.pw_gid,
                            internal="dovecot" if root else me, login="dovenull" if root else me))
    process = subprocess.Popen(["dovecot", "-c", conf, "-F"], preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM))

    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    end = time.time() + 20
    while not answers(port):
        if process.poll() is not None or time.time() > end:
            sys.exit("dovecot does not answer: " + open(os.path.join(folder, "dovecot.log")).read()[-2000:])
        time.sleep(0.05)
    print("port=%d tls=%d" % (port, tls), flush=True)
    process.wait()


if __name__ == "__main__":
    main()
