"""Files from outside: sent, kept, replaced, removed, seen by those who may see them, and every trick with multipart bodies."""
import concurrent.futures, html, os, re, shutil, socket, sqlite3, subprocess, tempfile, time
from stafet import *

site = server = None
BOUNDARY = "----stafet0123456789"
PDF = b"%PDF-1.7\n" + b"1 0 obj << >> endobj\n" * 50 + b"trailer << >>\n%%EOF\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 4
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200)
PEOPLE = {"sender_name": "Ida", "sender_email": "ida@example.dk", "reader_email": "bo@example.dk"}


def part(name, content, filename=None, head=b""):
    text = 'Content-Disposition: form-data; name="%s"' % name
    if filename is not None:
        text += '; filename="%s"' % filename
    raw = text.encode() if isinstance(text, str) else text
    return b"--" + BOUNDARY.encode() + b"\r\n" + raw + b"\r\n" + head + b"\r\n" + content + b"\r\n"


def body_of(fields, files=()):
    body = b"".join(part(n, str(v).encode()) for n, v in fields)
    body += b"".join(part(n, content, filename) for n, filename, content in files)
    return body + b"--" + BOUNDARY.encode() + b"--\r\n"


def send(path, body, boundary=BOUNDARY, headers=None):
    return server.request("POST", path, body=body, headers=dict(headers or {}, **{"Content-Type": "multipart/form-data; boundary=" + boundary}))


def fields_of(page, **typed):
    form = post_form(page)
    fields = []
    for name, field in form["fields"].items():
        if name in ("report", "pictures", "notes", "paper", "scan"):
            continue
        fields += [(name, str(v)) for v in (typed[name] if isinstance(typed.get(name), list) else [typed[name]] if name in typed else field["values"])]
    return form["action"], fields


def post_files(page, files, **typed):
    """As a browser sends the form of this page with these files."""
    action, fields = fields_of(page, **typed)
    return server.follow(send(action, body_of(fields, files or [("report", "", b"")])))


starts = 0


def page_of_files():
    """A fresh start form on its page of files: (its path, the page). No network may begin many in an hour."""
    global starts
    starts += 1
    if starts % 25 == 0:
        server.post("/demo/clock", {"advance": "61min"})
    first = server.get("/start/hand-in")
    answer = server.post("/start/hand-in", fill(post_form(first), PEOPLE))
    assert answer.status == 303, answer.text
    where = answer.header("Location")
    return where, server.get(where)


def rows(sql, *values):
    with sqlite3.connect("file:%s/data/stafet.db?mode=ro" % site, uri=True) as db:
        return db.execute(sql, values).fetchone()[0]


def mail_to(address, subject):
    """The newest of that subject, which may still be on its way."""
    end = time.time() + 10
    while time.time() < end:
        found = [m for m in server.mails_to(address) if subject in m["subject"]]
        if found:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError("no mail '%s' to %s" % (subject, address))


def links_to_files(page):
    return [html.unescape(m) for m in re.findall(r'class="file" href="([^"]+)"', page.text)]



def test_the_form_says_what_it_takes():
    where, page = page_of_files()
    assert 'enctype="multipart/form-data"' in page.text
    assert 'accept=".pdf,.txt,.docx"' in page.text and 'accept=".jpg,.jpeg,.png"' in page.text and " multiple " in page.text
    assert "PDF, TXT, DOCX. Højst 300 kB." in page.text and "JPG, PNG. Højst 1 MB hver. Højst 3 filer." in page.text, page.text
    first = server.get("/start/hand-in")
    assert "multipart" not in first.text


def test_happy_path():
    where, page = page_of_files()
    page = post_files(page, [("report", "Blåbær rapport.pdf", PDF), ("pictures", "a.jpg", JPG), ("pictures", "b.png", PNG)])
    assert page.status == 200 and "Blåbær rapport.pdf" in page.text, page.text  # the check page: no question why there are none
    assert "form.check-answers" not in page.text and len(links_to_files(page)) == 3
    got = server.get(links_to_files(page)[0])
    assert got.status == 200 and got.body == PDF
    assert got.header("Content-Type") == "application/pdf"
    assert got.header("Content-Disposition") == "attachment; filename=\"Blaabaer rapport.pdf\"; filename*=UTF-8''Bl%C3%A5b%C3%A6r%20rapport.pdf"
    assert got.header("X-Content-Type-Options") == "nosniff" and got.header("Content-Security-Policy") == "sandbox; default-src 'none'"
    assert got.header("Cache-Control") == "private, no-store" and got.header("Set-Cookie") is None
    head = server.request("HEAD", links_to_files(page)[0])
    assert head.status == 200 and head.header("Content-Length") == str(len(PDF)) and head.body == b""
    form = post_form(page)
    done = server.follow(server.post(form["action"], fill(form, {})))
    assert done.status == 200 and len(links_to_files(done)) == 3, done.text  # the receipt
    assert server.get(links_to_files(done)[1]).body == JPG
    mail = mail_to("ida@example.dk", "Bekræft")
    assert "Blåbær rapport.pdf (2 kB)" in mail["text"], mail["text"]
    confirm = walk(server, mail["links"][0], {"agreed": "true"})
    assert confirm.status == 200
    mail = mail_to("bo@example.dk", "En rapport fra Ida")
    assert "b.png (1 kB)" in mail["text"]
    reading = server.get(mail["links"][0])
    links = links_to_files(reading)
    assert len(links) == 3 and server.get(links[2]).body == PNG
    page = post_files(reading, [("notes", "noter.txt", "Ret venligst §2\n".encode())], verdict="good")
    assert page.status == 200 and len(links_to_files(page)) == 1
    form = post_form(page)
    assert server.follow(server.post(form["action"], fill(form, {}))).status == 200
    outcome = server.get(mail_to("ida@example.dk", "er god")["links"][0])
    links = links_to_files(outcome)
    assert len(links) == 4, outcome.text
    got = server.get(links[3])
    assert got.body == "Ret venligst §2\n".encode() and got.header("Content-Type") == "text/plain; charset=utf-8"
    # All of them are an instance's now.
    assert rows("SELECT count(*) FROM blobs WHERE instance_id IS NULL") == 0


def test_files_are_sent_to_nobody_else():
    where, page = page_of_files()
    page = post_files(page, [("report", "hemmelig.pdf", PDF), ("pictures", "a.jpg", JPG)])
    link = links_to_files(page)[0]
    own = link.split("?")[0]
    other, other_page = page_of_files()
    other = other.split("?")[0]
    assert server.get(other + "?step=2&file=report.1").status == 404
    assert server.get(other + "?step=check&file=report.1").status == 404
    for wrong in ("report.2", "report.0", "report", "sender_name.1", "report.1x", "..", "report.-1", "report.18446744073709551617"):
        assert server.get(own + "?step=check&file=" + wrong).status == 404, wrong
    assert server.get("/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?file=report.1").status == 404
    assert server.get("/?file=report.1").status == 404
    # Once sent, the draft's link shows the receipt, and the confirming link the report but not the pictures.
    form = post_form(page)
    before = len(server.mails_to("ida@example.dk"))
    server.follow(server.post(form["action"], fill(form, {})))
    while len(server.mails_to("ida@example.dk")) == before:
        time.sleep(0.05)
    confirm = mail_to("ida@example.dk", "Bekræft")["links"][0]
    path = confirm[len(server.url):] if confirm.startswith(server.url) else confirm
    assert server.get(path + "?file=report.1").status == 200
    assert server.get(path + "?file=pictures.1").status == 404


def test_a_file_outlives_what_else_is_wrong():
    where, page = page_of_files()
    reading = post_files(page, [("pictures", "a.jpg", JPG)])
    assert reading.status == 422 and "a.jpg" in reading.text and "Vælg en fil" in reading.text, reading.text
    assert len(links_to_files(reading)) == 1
    # Another device, the same link: the picture is there.
    again = server.get(where)
    assert server.get(links_to_files(again)[0]).body == JPG
    done = post_files(again, [("report", "r.pdf", PDF)])
    assert done.status == 200 and len(links_to_files(done)) == 2
    # Back, without choosing anything: everything stays.
    back = server.get(where)
    assert len(links_to_files(back)) == 2
    done = post_files(back, [])
    assert done.status == 200 and len(links_to_files(done)) == 2


def test_replaced_and_removed():
    where, page = page_of_files()
    post_files(page, [("report", "first.pdf", PDF), ("pictures", "a.jpg", JPG), ("pictures", "b.jpg", JPG)])
    before = rows("SELECT count(*) FROM blobs")
    page = post_files(server.get(where), [("report", "second.txt", b"Hej")])
    assert "second.txt" in page.text and "first.pdf" not in page.text
    assert rows("SELECT count(*) FROM blobs") == before
    action, fields = fields_of(server.get(where))
    page = server.follow(send(action, body_of(fields + [(".remove", "pictures.1")], [("report", "", b"")])))
    assert page.status == 200 and "a.jpg" not in page.text and "b.jpg" in page.text and "second.txt" in page.text
    assert rows("SELECT count(*) FROM blobs") == before - 1
    # Removing and sending at once.
    action, fields = fields_of(server.get(where))
    page = server.follow(send(action, body_of(fields + [(".remove", "pictures.1")], [("pictures", "c.png", PNG)])))
    assert "b.jpg" not in page.text and "c.png" in page.text, page.text
    page = post_files(server.get(where), [("pictures", "%d.png" % i, PNG) for i in range(3)])
    assert page.status == 422 and "Du kan højst angive 3" in page.text
    assert [n in page.text for n in ("c.png", "0.png", "1.png", "2.png")] == [True, True, True, False], page.text


def refused(files, text, where=None):
    _, page = page_of_files()
    page = post_files(page, files)
    assert page.status == 422 and text in page.text, (page.status, text, page.text)
    return page


def test_contents_are_looked_at():
    wrong = "men indholdet er noget andet"
    refused([("report", "x.pdf", b"<html><script>alert(1)</script></html>")], "Filen hedder x.pdf, " + wrong)
    refused([("report", "x.pdf", b"<script>1</script>%PDF-1.7 %%EOF")], wrong)
    refused([("report", "x.pdf", PDF[:200])], wrong)
    refused([("report", "x.docx", b"PK\x03\x04 no such thing")], wrong)
    refused([("report", "x.txt", b"a\x00b")], wrong)
    refused([("pictures", "x.png", JPG)], wrong)
    refused([("report", "x.pdf", b"")], "x.pdf er tom")
    refused([("report", "x.pdf.exe", PDF)], "x.pdf.exe kan ikke bruges her")
    refused([("report", "x.html", b"<p>")], "kan ikke bruges her")
    refused([("report", "x.jpg", JPG)], "kan ikke bruges her")
    refused([("report", "...", PDF)], "Filens navn kan ikke bruges")


def test_names_are_made_safe():
    for sent, shown in (("../../../etc/passwd.pdf", "passwd.pdf"), ("C:\\temp\\scan.pdf", "scan.pdf"), ("a\u202efdp.pdf", "afdp.pdf"), ("<b>x</b>.pdf", "b.pdf"),
                        ("%22><script>.pdf", "%22script.pdf"), ("x" * 300 + ".pdf", "x" * 96 + ".pdf"), ("a.exe.pdf", "a.exe.pdf")):
        _, page = page_of_files()
        page = post_files(page, [("report", sent, PDF), ("pictures", "a.jpg", JPG)])
        assert page.status == 200 and ">%s<" % html.escape(shown) in page.text, (sent, re.findall(r'class="file"[^<]*<', page.text))
        got = server.get(links_to_files(page)[0])
        assert got.status == 200 and "\n" not in got.header("Content-Disposition")


def test_sizes():
    limit = 300 * 1024
    for size, fits in ((limit, True), (limit + 1, False)):
        _, page = page_of_files()
        content = PDF[:-7] + b" " * (size - len(PDF)) + b"%%EOF\n\n"
        assert len(content) == size
        page = post_files(page, [("report", "r.pdf", content), ("pictures", "a.jpg", JPG)])
        assert page.status == (200 if fits else 422), (size, page.text)
        if fits:
            assert server.get(links_to_files(page)[0]).body == content
    # 30 MB: read, not kept, told at its field; the picture is there.
    page = refused([("pictures", "a.jpg", JPG), ("report", "r.pdf", PDF + bytes(30 << 20))], "r.pdf fylder for meget")
    assert "a.jpg" in page.text
    # A film, say: told as well, and the browser is not hung up on.
    page = refused([("pictures", "a.jpg", JPG), ("report", "r.pdf", PDF + bytes(120 << 20))], "r.pdf fylder for meget")
    assert "a.jpg" in page.text
    # Ever more: not read at all.
    where, page = page_of_files()
    action, fields = fields_of(page)
    with socket.create_connection(server.host.split(":")) as s:
        s.sendall(("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 500000000\r\n\r\n" % (action, server.host)).encode())
        assert b" 413 " in s.recv(4096)
    assert not [n for n in os.listdir(site + "/data") if "upload" in n]


def test_only_forms_with_files_take_multipart():
    sent = body_of([("step", "1")])
    for path in ("/start/nothing", "/home/otplogin", "/backend/logout", "/l/AAAA", "/"):
        assert send(path, sent).status in (413, 415, 405), path
    assert send("/start/hand-in", body_of([("step", "1")]), headers={"Origin": "http://evil.example"}).status == 415
    where, page = page_of_files()
    action, fields = fields_of(page)
    assert send(action, sent, headers={"Sec-Fetch-Site": "cross-site"}).status == 415
    # A text in the place of a file names nothing.
    answer = server.post(action, fields + [("report", "1 %d a.pdf" % len(PDF))])
    assert answer.status == 422 and "class=\"file\"" not in answer.text
    answer = send(action, body_of(fields + [("report", "1 %d a.pdf" % len(PDF))]))
    assert answer.status == 422 and "class=\"file\"" not in answer.text


def test_broken_bodies():
    where, page = page_of_files()
    action, fields = fields_of(page)
    good = body_of(fields, [("report", "r.pdf", PDF)])
    b = BOUNDARY.encode()
    broken = {
        "no end": good[:-4],
        "cut in the file": good[:len(good) // 2],
        "preamble": b"hello\r\n" + good,
        "epilogue": good + b"more",
        "no boundary at all": b"x" * 5000,
        "empty": b"",
        "NUL in the name": part("report", PDF, "a\0.pdf") + b"--" + b + b"--\r\n",
        "line end in the name": part("report", PDF, "a\r\nX: y.pdf") + b"--" + b + b"--\r\n",
        "two dispositions": part("report", PDF, "a.pdf", b'Content-Disposition: form-data; name="step"\r\n') + b"--" + b + b"--\r\n",
        "an encoding": part("report", PDF, "a.pdf", b"Content-Transfer-Encoding: base64\r\n") + b"--" + b + b"--\r\n",
        "filename*": part('report"; filename*="UTF-8\'\'a.pdf', PDF) + b"--" + b + b"--\r\n",
        "two names": part('report"; name="step', PDF, "a.pdf") + b"--" + b + b"--\r\n",
        "long head": part("report", PDF, "a.pdf", b"X: " + b"y" * 5000 + b"\r\n") + b"--" + b + b"--\r\n",
        "long name": part("r" * 200, b"x") + b"--" + b + b"--\r\n",
        "many parts": part("x", b"") * 501 + b"--" + b + b"--\r\n",
        "many files": part("report", b"x", "a.pdf") * 41 + b"--" + b + b"--\r\n",
        "long text": part("x", b"y" * 70000) + b"--" + b + b"--\r\n",
        "text is no UTF-8": part("x", b"\xff") + b"--" + b + b"--\r\n",
    }
    for what, body in broken.items():
        answer = send(action, body)
        assert answer.status == 400, (what, answer.status)
    for boundary in ("", '"', "x" * 71, "a b", "a; boundary=b"):
        assert send(action, good, boundary).status in (400, 415), boundary
    assert "class=\"file\"" not in server.get(where).text
    assert send(action, good.replace(b"r.pdf", b"whole.pdf")).status == 303
    assert "whole.pdf" in server.get(where).text


def test_two_parts_of_one_name():
    _, page = page_of_files()
    page = post_files(page, [("report", "a.pdf", PDF), ("report", "b.pdf", PDF)])
    assert page.status == 422 and "Du kan højst angive 1" in page.text and "a.pdf" in page.text


def test_slow_and_hung_up():
    where, page = page_of_files()
    action, fields = fields_of(page)
    good = body_of(fields, [("report", "slow.pdf", PDF), ("pictures", "a.jpg", JPG)])
    head = ("POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n" % (action, server.host, BOUNDARY, len(good))).encode()
    with socket.create_connection(server.host.split(":")) as s:
        s.sendall(head + good[:len(good) // 2])
    assert "slow.pdf" not in server.get(where).text
    with socket.create_connection(server.host.split(":")) as s:  # a byte at a time where it matters
        s.sendall(head)
        for i in range(0, 400):
            s.sendall(good[i:i + 1])
        s.sendall(good[400:])
        assert b" 303 " in s.recv(4096)
    assert "slow.pdf" in server.get(where).text
    # In pieces without a length.
    where, page = page_of_files()
    action, fields = fields_of(page)
    with socket.create_connection(server.host.split(":")) as s:
        s.sendall(("POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=%s\r\nTransfer-Encoding: chunked\r\n\r\n" % (action, server.host, BOUNDARY)).encode())
        for i in range(0, len(good), 777):
            piece = good[i:i + 777]
            s.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        s.sendall(b"0\r\n\r\n")
        assert b" 303 " in s.recv(4096)


def test_a_draft_that_ends_shows_its_files_no_more():
    where, page = page_of_files()
    page = post_files(page, [("report", "left.pdf", PDF), ("pictures", "a.jpg", JPG)])
    link = links_to_files(page)[0]
    assert server.get(link).body == PDF
    server.post("/demo/clock", {"advance": "3d"})
    gone = server.get(link)
    assert gone.body != PDF and gone.header("Content-Disposition") is None


def test_a_file_on_the_first_page():
    first = server.get("/start/paper")
    action, fields = fields_of(first, email="eva@example.dk")
    page = server.follow(send(action, body_of([(n, v if n != "email" else "") for n, v in fields], [("paper", "p.pdf", PDF)])))
    assert page.status == 422 and "p.pdf" in page.text, page.text
    action, fields = fields_of(page, email="eva@example.dk")
    assert action.startswith("/l/")
    page = server.follow(send(action, body_of(fields, [("paper", "", b"")])))
    assert page.status == 200 and server.get(links_to_files(page)[0]).body == PDF
    form = post_form(page)
    assert server.follow(server.post(form["action"], fill(form, {}))).status == 200
    assert server.mails_to("eva@example.dk")


def test_the_document_of_what_is_over_has_its_files():
    where, page = page_of_files()
    page = post_files(page, [("report", "over.pdf", PDF), ("pictures", "a.jpg", JPG)])
    form = post_form(page)
    server.follow(server.post(form["action"], fill(form, {})))
    before = len(server.mails_to("bo@example.dk"))
    walk(server, newest_link("ida@example.dk", "Bekræft", "over.pdf"), {"agreed": "true"})
    while len(server.mails_to("bo@example.dk")) == before:
        time.sleep(0.05)
    reading = newest_link("bo@example.dk", "En rapport fra Ida", "over.pdf")
    server.post("/demo/clock", {"advance": "31d"})
    over = server.get(reading)
    assert over.status == 410 and "over.pdf" in over.text, over.text
    got = server.get(links_to_files(over)[0])
    assert got.status == 200 and got.body == PDF and got.header("Content-Disposition"), (got.status, got.text[:300])
    assert server.get(reading + "?file=notes.1").status in (404, 410) and server.get(reading + "?file=report.2").header("Content-Disposition") is None
    # Nobody else's: the reader of another case has no part in it.
    assert server.get(reading + "x?file=report.1").status == 404


def newest_link(address, subject, words):
    end = time.time() + 10
    while True:
        found = [m for m in server.mails_to(address) if subject in m["subject"] and words in m["text"]]
        if found:
            return found[-1]["links"][0][len(server.url):]
        assert time.time() < end
        time.sleep(0.05)


def paper_link(address):
    """A paper that waits to be confirmed: the path of its link."""
    first = server.get("/start/paper")
    action, fields = fields_of(first, email=address)
    page = server.follow(send(action, body_of(fields, [("paper", "p.pdf", PDF)])))
    form = post_form(page)
    assert server.follow(server.post(form["action"], fill(form, {}))).status == 200
    link = mail_to(address, "Hej")["links"][0]
    return link[len(server.url):]


def test_a_second_press_finds_the_receipt():
    path = paper_link("fie@example.dk")
    action, fields = fields_of(server.get(path), agreed="true")
    body = body_of(fields, [("scan", "s.pdf", PDF)])
    first, second = send(action, body), send(action, body)
    assert first.status == 303 and second.status == 303, (first.status, second.status, second.text)
    assert first.header("Location") == second.header("Location") == path
    assert server.get(links_to_files(server.get(path))[0]).body == PDF


def test_what_was_sent_too_late_goes_along_to_the_new_link():
    path = paper_link("gerda@example.dk")
    page = server.get(path)
    action, fields = fields_of(page, agreed="true", remark="Skrevet for sent")
    # A file that came in time, with a page that was not complete.
    assert send(action, body_of([f for f in fields if f[0] != "agreed"], [("scan", "s.pdf", PDF)])).status == 422
    server.post("/demo/clock", {"advance": "3d"})
    late = server.follow(send(action, body_of(fields, [("scan", "t.pdf", PDF + b"late %%EOF")])))
    assert late.status == 410 and "udløb" in late.text, (late.status, late.text)
    before = len(server.mails_to("gerda@example.dk"))
    form = post_form(late)
    assert server.follow(server.post(form["action"], fill(form, {}))).status == 200
    while len(server.mails_to("gerda@example.dk")) == before:
        time.sleep(0.05)
    fresh = mail_to("gerda@example.dk", "Hej")["links"][0]
    page = server.get(fresh)
    assert fresh.endswith(path) is False and "Skrevet for sent" in page.text, page.text
    assert server.get(links_to_files(page)[0]).body == PDF + b"late %%EOF"
    page = post_files(page, [("scan", "", b"")])
    assert page.status == 200 and server.get(links_to_files(page)[0]).body == PDF + b"late %%EOF", page.text


def test_a_double_press_starts_once():
    first = server.get("/start/slip")
    action, fields = fields_of(first, email="hans@example.dk")
    body = body_of(fields, [("paper", "p.pdf", PDF)])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(action, body), range(4))) + [send(action, body)]
    assert [a.status for a in answers] == [303] * 5, [a.text for a in answers]
    assert len(set(a.header("Location") for a in answers)) == 1
    assert rows("SELECT count(*) FROM instances WHERE workflow = 'slip'") == 1
    # With the same page, but another file: that is another one.
    other = send(action, body_of(fields, [("paper", "q.pdf", PDF)]))
    assert other.status == 303 and other.header("Location") != answers[0].header("Location")
    assert rows("SELECT count(*) FROM instances WHERE workflow = 'slip'") == 2


def test_one_visitor_does_not_take_all_the_room():
    """Slow uploads of one network leave room for those of others; they end, and then there is room again."""
    where, page = page_of_files()
    action, fields = fields_of(page)
    good = body_of(fields, [("report", "r.pdf", PDF), ("pictures", "a.jpg", JPG)])
    head = ("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n" % (action, server.host, BOUNDARY, len(good))).encode()
    slow = []
    try:
        for _ in range(40):
            s = socket.create_connection(server.host.split(":"))
            slow.append(s)
            s.sendall(head + good[:100])
        time.sleep(0.3)
        busy = send(action, body_of(fields, [("report", "r.pdf", PDF + bytes(8 << 20))]))
        assert busy.status == 503, "its own share is used up, and that is said behind all that was sent"
        with socket.socket() as other:
            other.bind(("127.0.0.2", 0))
            other.connect(("127.0.0.1", int(server.host.split(":")[1])))
            other.sendall(head.replace(b"Content-Type", b"Connection: close\r\nContent-Type") + good)
            assert b" 303 " in other.recv(4096)
    finally:
        for s in slow:
            s.close()
    end = time.time() + 10
    while send(action, good).status != 303:
        assert time.time() < end
        time.sleep(0.1)


def test_files_leave_room_for_what_must_be_kept():
    """Where the disk is nearly full no file is taken, and all else goes on."""
    global server
    folder = tempfile.mkdtemp(prefix="stafet-room-")
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", folder], stderr=subprocess.DEVNULL).returncode != 0:
        os.rmdir(folder)
        print("     skipped: no file system can be mounted here")
        return
    before = server
    try:
        narrow = os.path.join(folder, "site")
        run("init", narrow, "--with", os.path.join(ROOT, "tests", "packages", "hand-in"))
        server = Server("demo", narrow, "--listen", "127.0.0.1:0")
        try:
            where, page = page_of_files()
            action, fields = fields_of(page)
            body = body_of(fields, [("report", "r.pdf", PDF), ("pictures", "a.jpg", JPG)])
            assert send(action, body).status == 503 and "upload-refused" in server.log_text()
            assert server.get(where).status == 200 and server.post("/start/hand-in", fill(post_form(server.get("/start/hand-in")), PEOPLE)).status == 303
            subprocess.run(["mount", "-o", "remount,size=1g", folder], check=True)
            assert send(action, body).status == 303
        finally:
            server.stop()
    finally:
        server = before
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


def test_nothing_is_broken():
    assert "0 faults" in run("verify", site=site).stdout
    assert server.stop() == 0


def test_what_was_left_is_swept_file_by_file():
    """Many large files in one transaction would hold up everybody, and need as much room again."""
    global server
    with sqlite3.connect("%s/data/stafet.db" % site) as db:
        db.execute("UPDATE links SET expires_at = 1 WHERE kind = 'start' AND state = 'live'")
    assert rows("SELECT count(*) FROM blobs WHERE link_id IS NOT NULL") > 10
    kept = rows("SELECT count(*) FROM blobs WHERE link_id IS NULL")
    server = Server("serve", site, "--listen", "127.0.0.1:0")
    end = time.time() + 60
    while rows("SELECT count(*) FROM drafts") and time.time() < end:
        assert server.get("/healthz").status == 200
        time.sleep(0.2)
    assert rows("SELECT count(*) FROM blobs") == kept and rows("SELECT count(*) FROM blob_chunks WHERE blob_id NOT IN (SELECT id FROM blobs)") == 0
    assert server.stop() == 0 and "sweep-failed" not in server.log_text()


PAPER = """\
workflow: paper
start: {by: asker, form: ask, public: true}
initial: unconfirmed
roles: {asker: {contact: email}}
data:
  email: {type: email}
  paper: {type: file, extensions: [pdf]}
  agreed: {type: bool, accept: true}
  remark: {type: text}
  scan: {type: file, extensions: [pdf]}
forms:
  ask: {fields: [email, paper]}
  confirm: {fields: [agreed, {field: remark, optional: true}, {field: scan, optional: true}], check: false}
states:
  unconfirmed:
    entry: [{send: {to: asker, message: mail, link: confirm}}]
    after: [{in: 7d, target: gone}]
    on: {confirm: {by: asker, form: confirm, expires: 2d, target: done}}
  done: {final: true}
  gone: {final: true}
"""
TEXTS = """\
title: Papir
roles: {asker: Afsender}
fields: {email: {label: Din e-mail}, paper: {label: Papiret}, agreed: {label: Jeg er enig}, remark: {label: Bemærkning}, scan: {label: Scanning}}
forms: {ask: {title: Send, submit: Send}, confirm: {title: Bekræft, submit: Bekræft}}
states: {unconfirmed: Ubekræftet, done: Færdig, gone: Udløbet}
events: {confirm: Bekræft}
"""


# Sent with the first press: there is nothing to look through.
SLIP = PAPER.replace("workflow: paper", "workflow: slip").replace("ask: {fields: [email, paper]}", "ask: {fields: [email, paper], check: false}")


def make_papers(folder, workflow=PAPER):
    for path, text in {"workflow.yaml": workflow, "texts/da.yaml": TEXTS, "texts/en.yaml": TEXTS, "messages/mail.da.md": "subject: Hej\n---\n[Åbn]({{link}})\n",
                       "messages/mail.en.md": "subject: Hello\n---\n[Open]({{link}})\n"}.items():
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
            f.write(text)
    return folder


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="stafet-uploads-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", os.path.join(ROOT, "tests", "packages", "hand-in"), make_papers(os.path.join(folder, "paper")),
        make_papers(os.path.join(folder, "slip"), SLIP))
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        if server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
