"""Documents of workflows: made with a transition, drawn after it, carried by mails, fetched on pages; and what happens when the drawing dies. The package
tests/packages/agreement: two versions, an addendum, a note that only one role sees."""
import base64, email, email.policy, os, re, shutil, signal, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import ROOT, Peer, Server, forms, main, make_site, package, run, walk

AGREEMENT = os.path.join(ROOT, "tests", "packages", "agreement")
TAKER, OFFICE = "soren@example.dk", "kontor@example.dk"
ASKED = {"taker_name": "Søren Ærø-Åkjær", "taker_email": TAKER, "post": "Æbleplukker i Ølgod", "office_email": OFFICE}
MAIL = "mail:\n  from_name: Aftaler\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n"


def tool(name, pdf, *options, after=()):
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        done = subprocess.run([name, *options, file.name, *after], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr.strip(), (name, done.stderr)
    return done.stdout


def words(pdf):
    return " ".join(tool("pdftotext", pdf, "-raw", after=["-"]).split())


def sound(pdf, language, title):
    """Tagged, in its language, with its title and its fonts."""
    info = dict(re.findall(r"^([^:\n]+):\s*(.*)$", tool("pdfinfo", pdf), re.M))
    assert info["Tagged"] == "yes" and info["Title"] == title and info["Page size"].endswith("(A4)"), info
    assert b"/Lang (%s)" % language.encode() in pdf
    fonts = tool("pdffonts", pdf).splitlines()[2:]
    assert fonts and all(re.search(r" yes yes yes +\d+ +0$", line) for line in fonts), fonts


def link_of(mail):
    return next(l for l in mail["links"] if "/l/" in l)


def mails(server, address, count, wait=15):
    end = time.time() + wait
    while True:
        found = server.mails_to(address, 0)
        if len(found) >= count or time.time() > end:
            assert len(found) == count, (address, [m["subject"] for m in found], server.log_text()[-2000:])
            return found
        time.sleep(0.05)


def agreed(server, **more):
    walk(server, "/start/agreement", dict(ASKED, **more))
    walk(server, link_of(mails(server, TAKER, 1)[0]), {"agreed": "true"})


def papers(page):
    """What a page offers: {text of the link: its target}, and the section as text."""
    section = re.search(r'<section class="papers">.*?</section>', page.text, re.S)
    if not section:
        return {}, ""
    found = re.findall(r'<a class="file" href="([^"]*)"[^>]*>([^<]*)</a> <span class="caption">([^<]*)', section.group(0))
    return {(title, version.split(" · ")[0]): href.replace("&amp;", "&") for href, title, version in found}, re.sub(r"<[^>]+>", " ", section.group(0))


def log_in(server, address):
    known = len(server.inbox())
    cookie = server.post("/home/otplogin", {"step": "address", "address": address}).header("Set-Cookie").split(";")[0]
    code = re.search(r"\b(\d{6})\b", server.newer(address, known, "Din kode")["text"]).group(1)
    answer = server.post("/home/otplogin", {"step": "code", "code": code}, headers={"Cookie": cookie})
    return {"Cookie": answer.header("Set-Cookie").split(";")[0]}


def test_versions_and_who_sees_them():
    server = Server("demo", AGREEMENT, "--listen", "127.0.0.1:0")
    try:
        agreed(server)
        mine, = mails(server, TAKER, 2)[1:]
        theirs, = mails(server, OFFICE, 1)
        assert [a["name"] for a in mine["attachments"]] == ["Aftale Søren Ærø-Åkjær.pdf"], mine["attachments"]
        assert [a["name"] for a in theirs["attachments"]] == ["Aftale Søren Ærø-Åkjær.pdf", "Note on Æbleplukker i Ølgod.pdf"], theirs["attachments"]
        assert all(a["type"] == "application/pdf" for m in (mine, theirs) for a in m["attachments"])
        first = server.get(mine["attachments"][0]["url"])
        assert first.status == 200 and first.header("Content-Type") == "application/pdf"
        sound(first.body, "da", "Aftale med Søren Ærø-Åkjær")
        reference = re.search(r"\b\w{4}-\w{4}\b", mine["text"]).group(0)
        for said in ("Aftale med Søren Ærø-Åkjær", "Referencenummer: " + reference, "Æbleplukker i Ølgod", "Ikke fastsat endnu", "Side 1 af 1"):
            assert said in words(first.body), (said, words(first.body))
        note = server.get(theirs["attachments"][1]["url"]).body
        sound(note, "en", "Note on Æbleplukker i Ølgod")
        assert words(note) == "Note on Æbleplukker i Ølgod For the office only: soren@example.dk", words(note)

        # The page behind the mailed link has the same file.
        link = link_of(mine)
        page = server.get(link)
        found, said = papers(page)
        assert list(found) == [("Aftale med Søren Ærø-Åkjær", "Udgave 1")] and "PDF, " in said, (found, said)
        assert "Dokument lavet: Aftale med Søren Ærø-Åkjær (Udgave 1)" in page.text
        got, head = server.get(found[("Aftale med Søren Ærø-Åkjær", "Udgave 1")]), server.request("HEAD", found[("Aftale med Søren Ærø-Åkjær", "Udgave 1")])
        assert got.body == first.body and got.status == head.status == 200 and head.body == b""
        for answer in (got, head):
            assert answer.header("Content-Length") == str(len(first.body)) and answer.header("Content-Type") == "application/pdf"
            assert answer.header("Content-Disposition") == "attachment; filename=\"Aftale Soeren Aeroe-Aakjaer.pdf\"; filename*=UTF-8''Aftale%20S%C3%B8ren%20%C3%86r%C3%B8-%C3%85kj%C3%A6r.pdf"
            assert answer.header("X-Content-Type-Options") == "nosniff" and answer.header("Content-Security-Policy") == "sandbox; default-src 'none'"
            assert "no-store" in answer.header("Cache-Control") and answer.header("Set-Cookie") is None

        # The note is the office's alone, whatever is asked for.
        for ask in (".note.1.0", ".agreement.2.0", ".agreement.1.1", ".agreement.1", "agreement.1", ".agreement.1.0.pdf", "." + "a" * 3000):
            assert server.get(link + "?file=" + ask).status == 404, ask
        assert server.get(link + "?file=.%00.1.0").status == 400
        changed = link[:-2] + ("AA" if not link.endswith("AA") else "BB")
        assert server.get(changed + "?file=.agreement.1.0").status == 404
        other = log_in(server, OFFICE)
        row = next(h for h in re.findall(r'href="([^"]*)"', server.get("/backend?view=agreement.mine", headers=other).text) if "row=" in h ).replace("&amp;", "&")
        backend = server.get(row, headers=other)
        found, _ = papers(backend)
        assert set(found) == {("Aftale med Søren Ærø-Åkjær", "Udgave 1"), ("Note on Æbleplukker i Ølgod", "Udgave 1")}, found
        target = found[("Note on Æbleplukker i Ølgod", "Udgave 1")]
        assert server.get(target, headers=other).body == note
        assert server.get(target).status in (303, 404, 403), "without a session nothing is sent"

        # An addendum leaves the version as it is; a correction is a new version.
        walk(server, link_of(theirs), {"place": "Åhusene"})
        added = mails(server, TAKER, 3)[2]
        assert [a["name"] for a in added["attachments"]] == ["Aftale Søren Ærø-Åkjær.pdf", "Aftale Søren Ærø-Åkjær (Tillæg 1 til udgave 1).pdf"], added["attachments"]
        assert server.get(added["attachments"][0]["url"]).body == first.body
        assert "Arbejdet udføres her: Åhusene" in words(server.get(added["attachments"][1]["url"]).body)
        walk(server, link_of(mails(server, OFFICE, 3)[2]) + "?event=correct", {"post": "Pæreplukker"})
        newest = mails(server, TAKER, 4)[3]
        assert [a["name"] for a in newest["attachments"]] == ["Aftale Søren Ærø-Åkjær (Udgave 2).pdf"]
        second = words(server.get(newest["attachments"][0]["url"]).body)
        assert "Pæreplukker" in second and "Udgave 2" in second and "Åhusene" in second, second
        found, _ = papers(server.get(link))
        assert [k[1] for k in found] == ["Udgave 2", "Udgave 1", "Tillæg 1 til udgave 1"], found
        assert server.get(link + "?file=.agreement.1.0").body == first.body, "the first version stays"

        # In the reader's language, and as pages that a phone shows.
        english, said = papers(server.get(link + "?lang=en"))
        assert [k[1] for k in english] == ["Version 2", "Version 1", "Addendum 1 to version 1"], english

        # A link whose time is over opens no file.
        server.post("/demo/clock", {"advance": "61d"})
        over = server.get(link)
        assert over.status == 410 and not papers(over)[0], over.status
        gone = server.get(link + "?file=.agreement.1.0")
        assert gone.status in (404, 410) and b"%PDF" not in gone.body
    except Exception:
        print(server.log_text()[-3000:])
        raise
    finally:
        server.stop()


def test_fifty_at_once():
    server = Server("demo", AGREEMENT, "--listen", "127.0.0.1:0")
    try:
        agreed(server)
        link = link_of(mails(server, TAKER, 2)[1])
        wanted = server.get(link + "?file=.agreement.1.0").body
        got, pages = [], []

        def fetch(i):
            got.append(server.get(link + "?file=.agreement.1.0").body)
            pages.append(server.get("/healthz").status)
        threads = [threading.Thread(target=fetch, args=(i,)) for i in range(50)]
        begin = time.time()
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        assert len(got) == 50 and all(b == wanted for b in got) and pages == [200] * 50
        print("50 downloads of %d bytes in %.2f s" % (len(wanted), time.time() - begin))
    finally:
        server.stop()


# --- with a real relay ---

SLOW = "aא" * 2000  # text in both directions takes long to set


def real(peer):
    """A site whose papers carry a remark, so that a test can make one slow to draw."""
    folder = tempfile.mkdtemp(prefix="stafet-paper-")
    copy = os.path.join(folder, "agreement")
    shutil.copytree(AGREEMENT, copy)
    path = os.path.join(copy, "documents", "agreement.da.md")
    text = open(path, encoding="utf-8").read()
    open(path, "w", encoding="utf-8").write(text + "\n{{#remark}}" + "{{remark}}" * 40 + "{{/remark}}\n")
    path = os.path.join(copy, "workflow.yaml")
    text = open(path, encoding="utf-8").read()
    text = text.replace("remark:       {type: longtext, max: 1000}", "remark:       {type: longtext, max: 10000}").replace("post, office_email]}", "post, office_email, {field: remark, optional: true}]}")
    open(path, "w", encoding="utf-8").write(text)
    return make_site([copy], MAIL % peer.port, folder=folder)


def end(peer, site, server):
    if server:
        server.stop(signal.SIGKILL)
    peer.stop()
    if site:
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)


def sent(peer, address):
    return [email.message_from_bytes(base64.b64decode(m["base64"]), policy=email.policy.default)
            for m in peer.messages() if address in "".join(m["rcpt_to"])]


def link_in(message):
    return re.search(r"http://\S+/l/\S+", message.get_body(("plain",)).get_content()).group(0)


def agree(server, peer, **more):
    before = len(sent(peer, TAKER))
    walk(server, "/start/agreement", dict(ASKED, **more))
    await_true(lambda: len(sent(peer, TAKER)) > before)
    walk(server, link_in(sent(peer, TAKER)[-1]), {"agreed": "true"})


def await_true(what, wait=30):
    end = time.time() + wait
    while not what():
        assert time.time() < end, "it did not happen"
        time.sleep(0.01)


def child_of(server, wait=20):
    """The process that draws for the server."""
    end = time.time() + wait
    while time.time() < end:
        for task in os.listdir("/proc/%d/task" % server.process.pid):
            try:
                for child in open("/proc/%d/task/%s/children" % (server.process.pid, task)).read().split():
                    if b"draw-document" in open("/proc/%s/cmdline" % child, "rb").read():
                        return int(child)
            except OSError:
                pass
        time.sleep(0.002)
    raise AssertionError("nothing is drawn")


def rows(site, state="all"):
    return [line.split() for line in run("documents", "--state", state, site=site).stdout.splitlines()]


def test_mail():
    peer = Peer("smtp_peer.py")
    site = server = None
    try:
        site, _ = real(peer)
        server = Server("serve", site)
        agree(server, peer)
        await_true(lambda: len(sent(peer, OFFICE)) == 1 and len(sent(peer, TAKER)) == 2)
        mail = sent(peer, OFFICE)[0]
        assert mail.get_content_type() == "multipart/mixed" and not mail.defects, mail.defects
        assert [p.get_content_type() for p in mail.iter_parts()] == ["multipart/alternative", "application/pdf", "application/pdf"]
        assert "Aftalen er vedhæftet" in mail.get_body(("plain",)).get_content() and "Aftalen er vedhæftet" in mail.get_body(("html",)).get_content()
        files = list(mail.iter_attachments())
        assert [f.get_filename() for f in files] == ["Aftale Søren Ærø-Åkjær.pdf", "Note on Æbleplukker i Ølgod.pdf"], [f.get_filename() for f in files]
        sound(files[0].get_content(), "da", "Aftale med Søren Ærø-Åkjær")
        assert "Æbleplukker i Ølgod" in words(files[0].get_content())
        assert all(len(line) <= 998 for line in mail.as_bytes().splitlines())
        assert files[0].get_content() == list(sent(peer, TAKER)[1].iter_attachments())[0].get_content()
        assert "1 instances checked, 0 faults" in run("verify", site=site).stdout
    finally:
        end(peer, site, server)


def test_killed_while_it_is_drawn():
    """kill -9 of the whole server in the middle of a drawing: after the next start there is one file, and each mail goes once."""
    peer = Peer("smtp_peer.py")
    site = server = None
    try:
        site, _ = real(peer)
        server = Server("serve", site)
        agree(server, peer, remark=SLOW)
        left = child_of(server)
        time.sleep(0.2)  # it has its limits, and what ends it with its parent
        os.kill(left, signal.SIGSTOP)
        # Nobody else waits for it, and the page says how it is.
        used = link_in(sent(peer, TAKER)[0])
        begin = time.time()
        receipt = server.get(used)
        found, said = papers(receipt)
        assert not found and "Dokumentet bliver lavet nu" in said, (found, said)
        assert server.get(used + "?file=.agreement.1.0").status == 404
        walk(server, "/start/agreement", dict(ASKED, taker_email="anden@example.dk"))
        await_true(lambda: len(sent(peer, "anden@example.dk")) == 1)
        assert time.time() - begin < 10, "a child that hangs holds nobody up"
        assert "document   " in run("show", rows(site)[0][3], site=site).stdout
        server.stop(signal.SIGKILL)
        await_true(lambda: not os.path.exists("/proc/%d" % left) or " Z " in open("/proc/%d/stat" % left).read())
        assert len(sent(peer, TAKER)) == 1, "nothing was sent without its document"
        server = Server("serve", site)
        await_true(lambda: len(sent(peer, OFFICE)) == 1 and len(sent(peer, TAKER)) == 2)
        time.sleep(1)
        assert len(peer.messages()) == 4
        assert [(r[1], r[4], r[5]) for r in rows(site)] == [("ready", "agreement", "1"), ("ready", "note", "1")], rows(site)
        assert "tries       2" in run("documents", "explain", "1", site=site).stdout
        assert "0 faults" in run("verify", site=site).stdout
        assert server.stop() == 0
    finally:
        end(peer, site, server)


def test_set_aside_and_tried_again():
    """A child that dies three times: the document is set aside, its mails wait, the pages say so, the log is loud; by hand it is tried again."""
    peer = Peer("smtp_peer.py")
    site = server = None
    try:
        site, _ = real(peer)
        server = Server("serve", site)
        agree(server, peer, remark=SLOW)
        while "event=document-failed id=1 " not in server.log_text():
            try:
                os.kill(child_of(server, 5), signal.SIGKILL)
                time.sleep(0.05)
            except (AssertionError, ProcessLookupError):
                pass
        failed = rows(site, "failed")[0]
        assert failed[4] == "agreement" and "ended: Killed" in " ".join(failed), failed
        assert re.search(r"event=document-failed id=1 name=agreement version=1 try=3 .*level=error", server.log_text()), server.log_text()[-1500:]
        explained = run("documents", "explain", "1", site=site).stdout
        assert "tries       3" in explained and "could not be drawn" in explained, explained
        assert len(sent(peer, TAKER)) == 1 and len(sent(peer, OFFICE)) == 0
        waiting = run("outbox", site=site).stdout.splitlines()
        assert len(waiting) == 2 and all("queued" in w for w in waiting), waiting
        assert "carries     document 1 (agreement): failed" in run("outbox", "explain", waiting[0].split()[0], site=site).stdout
        # The receipt behind the used link says that it failed, and offers nothing.
        receipt = server.get(link_in(sent(peer, TAKER)[0]))
        found, said = papers(receipt)
        assert not found and "Dokumentet kunne ikke laves" in said, (found, said)
        assert "document 1 is drawn" in run("documents", "retry", *[r[0] for r in rows(site, "failed")], site=site).stdout
        await_true(lambda: len(sent(peer, OFFICE)) == 1 and len(sent(peer, TAKER)) == 2)
        assert [r[1] for r in rows(site)] == ["ready", "ready"]
        assert run("documents", "retry", "1", site=site, check=False).returncode == 1, "what is ready is not drawn again"
        assert list(papers(server.get(link_in(sent(peer, TAKER)[0])))[0]) == [("Aftale med Søren Ærø-Åkjær", "Udgave 1")]
        assert "0 faults" in run("verify", site=site).stdout
        assert run("documents", "explain", "99", site=site, check=False).returncode == 1
        assert run("documents", "retry", "x", site=site, check=False).returncode == 2
        assert server.stop() == 0
    except Exception:
        print(server.log_text()[-3000:])
        raise
    finally:
        end(peer, site, server)


main([test_versions_and_who_sees_them, test_fifty_at_once, test_mail, test_killed_while_it_is_drawn, test_set_aside_and_tried_again])
