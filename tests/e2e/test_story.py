"""The declaration from request to the school's mailbox: the real binary, `serve`, a real SMTP server that demands STARTTLS and AUTH, another one without."""
import base64, datetime, email, email.policy, os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import Peer, Server, forms, main, make_site, package, run, walk

REQUEST = {
    "apprentice_name": "Ida Ærlig", "apprentice_email": "ida@example.dk", "training_form": "company", "education": "building",
    "main_course": "3", "class_name": "H3-26", "workplace": "Søndergaards Snedkeri", "cvr": "13585628",
    "supervisor_emails": ["mester@example.dk", "svend@example.dk"], "school_emails": ["skole@example.dk", "kontor@example.dk"],
}


def period_end():
    """A date inside the form's limits: a month from now."""
    return (datetime.date.today() + datetime.timedelta(days=30)).strftime("%d-%m-%Y")


def to(messages, address):
    return [m for m in messages if address in "".join(m["rcpt_to"])]


def matrix(page):
    """Level 2 for every row of a page."""
    return {name: "2" for form in forms(page) for name in form["fields"] if name.startswith("levels.")}


def answers_for(server, url):
    return dict(matrix(server.follow(server.get(url))), work_areas="Vinduer og døre", goals_reached="yes", special_needs="none", together="true", supervisor_name="Mester Madsen")


def play(relay_options, mail):
    peer = Peer("smtp_peer.py", *relay_options)
    folder = None
    try:
        site, port = make_site([package("declaration")], mail(peer))
        folder = os.path.dirname(site)
        server = Server("serve", site)
        try:
            start_and_finish(server, peer, site)
        except Exception:
            print(server.log_text()[-3000:])
            raise
        finally:
            assert server.stop() == 0, "serve did not end well"
        verified = run("verify", site=site)
        assert "1 instances checked, 0 faults" in verified.stdout, verified.stdout
    finally:
        peer.stop()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def start_and_finish(server, peer, site):
    answers = dict(REQUEST, period_end=period_end())
    page = server.get("/start/declaration")
    fields = {n for f in forms(page) for n in f["fields"]}
    assert "apprentice_email" in fields, page.text[:500]
    answers["school"] = school_of(site)
    receipt = walk(server, "/start/declaration", answers)
    assert receipt.status == 200 and not [f for f in forms(receipt) if f["method"] == "post"]
    # Nothing goes to others before the own address is confirmed.
    mails = peer.wait(1)
    assert [m["rcpt_to"] for m in mails] == [["ida@example.dk"]], [m["rcpt_to"] for m in mails]
    url, parsed, text = link_in(parse(mails[0]))
    check_headers(parsed)
    walk(server, url, {"confirmed": "true"})
    mails = peer.wait(4)
    assert sorted(m["rcpt_to"][0] for m in mails[1:]) == ["ida@example.dk", "mester@example.dk", "svend@example.dk"], [m["rcpt_to"] for m in mails]
    first, _, text = link_in(parse(to(mails, "mester@example.dk")[0]))
    second, _, _ = link_in(parse(to(mails, "svend@example.dk")[0]))
    assert first != second, "each supervisor has an own link"
    assert "Ida Ærlig" in text
    receipt = walk(server, first, answers_for(server, first))
    assert receipt.status == 200
    mails = peer.wait(9)
    after = sorted(m["rcpt_to"][0] for m in mails[4:])
    assert after == sorted(["ida@example.dk", "skole@example.dk", "kontor@example.dk", "mester@example.dk", "svend@example.dk"]), after
    finished, parsed, text = link_in(parse(to(mails, "skole@example.dk")[0]))
    check_papers([parse(to(mails, who)[-1]) for who in ("skole@example.dk", "kontor@example.dk", "ida@example.dk")])
    shown = server.follow(server.get(finished))
    assert shown.status == 200 and "Vinduer og døre" in shown.text and "Ida Ærlig" in shown.text
    late = server.follow(server.get(second))
    assert not [f for f in forms(late) if f["method"] == "post"], "the second supervisor's link is closed by the first"
    listed = run("list", site=site).stdout
    assert "completed" in listed, listed
    history = run("history", listed.split()[0], site=site).stdout
    assert [line.split()[3] for line in history.splitlines()] == ["start", "confirm", "assess"], history


def school_of(site):
    first = open(os.path.join(package("declaration"), "schools.csv"), encoding="utf-8").read().split("\n")[1]
    return re.split("[,;]", first)[0].strip('"')


def parse(message):
    return email.message_from_bytes(base64.b64decode(message["base64"]), policy=email.policy.default)


# covers: D43 D44 D46
def check_papers(received):
    """School and apprentice have the same PDF."""
    files = [list(mail.iter_attachments()) for mail in received]
    assert all(len(f) == 1 and f[0].get_filename() == "Oplæringserklæring Ida Ærlig.pdf" for f in files), files
    pdf = files[0][0].get_content()
    assert all(f[0].get_content() == pdf for f in files)
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        info, text = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in (["pdfinfo", file.name], ["pdftotext", "-layout", file.name, "-"]))
    assert re.search(r"^Tagged: +yes$", info, re.M) and re.search(r"^Title: +Oplæringserklæring for Ida Ærlig$", info, re.M) and b"/Lang (da)" in pdf, info
    for said in ("Ida Ærlig, ida@example.dk", "Søndergaards Snedkeri, CVR-nummer 13585628", "Mester Madsen", "Vinduer og døre", "Bygningssnedker (eksempel)", "kan selvstændigt arbejde med målet"):
        assert said in text, (said, text)
    assert len(re.findall(r"^ *\S.* 2$", text, re.M)) >= 5, "a row for each goal: " + text


def link_in(parsed):
    text = parsed.get_body(("plain",)).get_content()
    return re.search(r"http://\S+?/l/[A-Za-z0-9_-]{43}", text).group(0), parsed, text


def check_headers(parsed):
    for name in ("Date", "Message-ID", "MIME-Version", "From", "To", "Subject", "Auto-Submitted", "Content-Language"):
        assert parsed[name], "header %s is missing" % name
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Message-ID"].strip("<>").endswith("@example.dk"), parsed["Message-ID"]
    assert parsed.get_content_type() == "multipart/alternative"
    assert parsed.get_body(("html",)).get_content().count("<a ") >= 1


def test_plain_relay():
    play([], lambda peer: "mail:\n  from_name: Erklæringer\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % peer.port)


def test_starttls_and_auth():
    def mail(peer):
        password = os.path.join(peer.folder, "password")
        open(password, "w").write("secret\n")
        os.chmod(password, 0o600)
        return ("mail:\n  from_name: Erklæringer\n  from_address: stafet@example.dk\n  relay: smtp://localhost:%d\n  tls: required\n"
                "  user: wfe\n  password_file: %s\n  ca_file: %s/cert.pem\n" % (peer.port, password, peer.folder))
    play(["--tls", "--auth", "wfe:secret"], mail)


main([test_plain_relay, test_starttls_and_auth])
