"""The portal from outside: links, scanners, races, hostile and broken requests, log-in; a real server, raw sockets where a client would be too polite."""
import concurrent.futures, os, re, shutil, socket, tempfile, threading, time, urllib.parse
from stafet import *

WORKFLOW = """\
workflow: order
start: {by: asker, form: ask, public: true}
initial: unconfirmed
roles:
  asker: {contact: email, name: person}
  boss: {contact: boss_emails}
data:
  person: {type: text, max: 40}
  email: {type: email}
  amount: {type: int, min: 1, max: 100}
  boss_emails: {type: email, many: 1..3}
  agreed: {type: bool, accept: true}
  verdict: {type: choice, options: ['yes', 'no']}
forms:
  ask:
    pages:
      - {name: you, fields: [person, email]}
      - {name: what, fields: [amount, boss_emails]}
  confirm: {fields: [agreed], check: false}
  decide: {fields: [verdict], check: false}
states:
  unconfirmed:
    entry: [{send: {to: asker, message: mail, link: confirm}}]
    after: [{in: 7d, target: gone}]
    on:
      confirm: {by: asker, form: confirm, target: waiting}
  waiting:
    entry: [{send: {to: boss, message: mail, link: decide}}]
    after: [{in: 7d, target: gone}]
    on:
      decide: {by: boss, form: decide, target: done}
  done: {final: true, entry: [{send: {to: asker, message: mail, link: mine}}]}
  gone: {final: true}
views:
  mine: {kind: list, for: [asker, boss], columns: [reference, person, state], search: [person], login: true, digits: 4}
"""
TEXTS = """\
title: Bestilling
intro: Bestil noget
roles: {asker: Bestiller, boss: Chef}
fields:
  person: {label: Dit navn}
  email: {label: Din e-mail}
  amount: {label: Antal}
  boss_emails: {label: Chefens e-mail}
  agreed: {label: Jeg er enig}
  verdict: {label: Svar, options: {'yes': Ja, 'no': Nej}}
forms:
  ask: {title: Bestil, submit: Send bestilling, pages: {you: Om dig, what: Hvad}, receipt: {title: Modtaget, text: Tak}}
  confirm: {title: Bekræft, submit: Bekræft, receipt: {title: Bekræftet, text: Tak}}
  decide: {title: Afgør, submit: Afgør, receipt: {title: Afgjort, text: Tak}}
states: {unconfirmed: Ubekræftet, waiting: Venter, done: Færdig, gone: Udløbet}
events: {confirm: Bekræft, decide: Afgør}
views: {mine: {title: Mine bestillinger, empty: Ingen}}
"""
MAIL = "subject: Hej\n---\nHej {{recipient}}\n\n[Åbn]({{link}})\n"

server = site = None


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def open_server():
    global server, site
    folder = tempfile.mkdtemp(prefix="stafet-portal-")
    package_folder = os.path.join(folder, "order")
    write(os.path.join(package_folder, "workflow.yaml"), WORKFLOW)
    for language in ("da", "en"):
        write(os.path.join(package_folder, "texts", language + ".yaml"), TEXTS)
        write(os.path.join(package_folder, "messages", "mail.%s.md" % language), MAIL)
    site = os.path.join(folder, "site")
    run("init", site, "--with", package_folder)
    server = Server("demo", site, "--listen", "127.0.0.1:0")


counter = [0]


def new_order(bosses=1):
    """An order that waits for its bosses: (reference, paths of their links)."""
    counter[0] += 1
    who = "ida%d@example.dk" % counter[0]
    to = ["boss%d-%d@firma.dk" % (counter[0], i) for i in range(bosses)]
    page = walk(server, "/start/order", {"person": "Ida", "email": who, "amount": "3", "boss_emails": to})
    assert "Modtaget" in page.text, page.text
    walk(server, link_to(who), {"agreed": "true"})
    reference = re.search(r"<strong>([A-Z0-9]{4}-[A-Z0-9]{4})</strong>", page.text).group(1)
    return reference, [link_to(boss) for boss in to]


def link_to(address):
    mails = server.mails_to(address)
    assert mails, "no mail to " + address
    return urllib.parse.urlsplit(mails[-1]["links"][0]).path


def history(reference):
    return run("history", reference, site=site).stdout


def raw(data, wait=5, close=True):
    """Bytes as they are; what comes back until the server closes, or for `wait` seconds."""
    host, port = server.host.split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as s:
        s.sendall(data)
        got = b""
        try:
            while True:
                chunk = s.recv(65536)
                if not chunk:
                    break
                got += chunk
                if not close and b"\r\n\r\n" in got:
                    break
        except (socket.timeout, ConnectionResetError):
            pass
    return got


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_reading_changes_nothing():
    reference, (path,) = new_order()
    before = history(reference)
    for i in range(25):
        for method in ("GET", "HEAD"):
            answer = server.request(method, path, headers={"User-Agent": "scanner/%d" % i})
            assert answer.status == 200, answer.status
            assert answer.header("Set-Cookie") is None
            assert answer.header("Cache-Control") == "no-store"
    assert history(reference) == before
    assert "Afgjort" in walk(server, path, {"verdict": "yes"}).text


def test_a_bare_press_decides_nothing():
    reference, (path,) = new_order()
    before = history(reference)
    for fields in ({}, {"step": "1"}, {"step": "1", "version": "2"}, {"step": "check", "version": "2"}, {"verdict": ""}):
        answer = server.post(path, fields)
        assert answer.status == 422, (fields, answer.status)
    assert history(reference) == before


def test_fifty_presses_at_once():
    reference, (path,) = new_order()
    gate = threading.Barrier(50)

    def press(i):
        gate.wait()
        return server.post(path, {"step": "1", "version": "2", "verdict": "yes" if i % 2 else "no"})

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(press, range(50)))
    assert {a.status for a in answers} == {303}, {a.status for a in answers}
    assert all(a.header("Location") == path for a in answers)
    assert len(re.findall(r"\bdecide\b", history(reference))) == 1, history(reference)
    receipt = server.get(path)
    assert receipt.status == 200 and "Afgjort" in receipt.text
    assert run("verify", reference, site=site).returncode == 0


def test_two_people_one_decision():
    reference, paths = new_order(2)
    gate = threading.Barrier(2)

    def press(path):
        gate.wait()
        return server.post(path, {"step": "1", "version": "2", "verdict": "yes"}).status

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(press, paths)) == [303, 303]
    assert len(re.findall(r"\bdecide\b", history(reference))) == 1
    pages = [server.get(path) for path in paths]
    assert [p.status for p in pages] == [200, 200]
    assert sum("Afgjort" in p.text for p in pages) == 1, "one receipt, and one page for the slower"


def test_two_devices_with_one_link():
    """What was saved on the other device is seen before it is overwritten; the check page sends what it showed; Back and double presses do no harm."""
    counter[0] += 1
    first = server.post("/start/order", {"step": "1", "person": "Ida", "email": "ida%d@example.dk" % counter[0]})
    page = first.header("Location")
    path = page.split("?")[0]
    phone, desk = server.get(page), server.get(page)
    answers = {"amount": "3", "boss_emails": "boss@firma.dk"}
    saved = server.post(path, fill(post_form(phone), answers))
    assert saved.status == 303 and saved.header("Location").endswith("step=check")
    check = server.follow(saved)
    assert server.post(path, fill(post_form(phone), answers)).status == 303, "pressed twice"
    late = server.post(path, fill(post_form(desk), dict(answers, amount="7")))
    assert late.status == 409 and "<dd>3</dd>" in late.text and post_form(late)["fields"]["amount"]["values"] == ["7"], late.text
    assert server.post(path, fill(post_form(late), {})).status == 303
    # The check page on the phone still shows 3: nothing is sent, it comes again with 7.
    again = server.post(path, fill(post_form(check), {}))
    assert again.status == 303 and "changed=1" in again.header("Location")
    again = server.follow(again)
    assert "<dd>7</dd>" in again.text and 'role="alert"' in again.text
    gate = threading.Barrier(5)

    def send(i):
        gate.wait()
        return server.post(path, fill(post_form(again), {})).header("Location")

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        assert set(pool.map(send, range(5))) == {path}
    receipt = server.get(path)
    assert "Modtaget" in receipt.text and "<dd>7</dd>" in receipt.text
    for old in (phone, check):  # Back, and sent once more
        assert server.post(path, fill(post_form(old), answers)).header("Location") == path
    assert server.get(path).text == receipt.text


def test_save_and_finish_later():
    """The mail that the button sends leads back to what was typed; nothing of it stands in the mail."""
    counter[0] += 1
    who = "ida%d@example.dk" % counter[0]
    form = post_form(server.get("/start/order"))
    saved = server.post("/start/order", fill(form, {"person": "Sommerfugl", "email": who}) + [(".later", "1")])
    assert saved.status == 303 and "Dine svar er gemt" in server.follow(saved, {"Accept-Language": "da"}).text
    mail = server.mails_to(who)[-1]
    assert "Sommerfugl" not in json.dumps(mail) and len(mail["links"]) == 1
    page = server.get(urllib.parse.urlsplit(mail["links"][0]).path)
    assert post_form(page)["fields"]["person"]["values"] == ["Sommerfugl"]


def test_wrong_tokens_are_identical():
    _, (path,) = new_order()
    token = path[3:]
    wrong = ["A" * 43, token[:-1], token + "A", token[:20], token.swapcase(), token[:-1] + ("A" if token[-1] != "A" else "E"), "%00", "..%2f..", "æ", "x" * 3000]
    pages = [server.get("/l/" + urllib.parse.quote(t, safe="%")) for t in wrong]
    assert {p.status for p in pages} == {404}
    assert len({p.text for p in pages}) == 1
    assert {tuple(sorted(n for n, _ in p.headers)) for p in pages} == {tuple(sorted(n for n, _ in pages[0].headers))}


def test_withdrawn_and_expired():
    reference, (path,) = new_order()
    server.post("/demo/clock", {"advance": "8d"})
    end = time.time() + 10
    while server.get(path).status == 200 and time.time() < end:
        time.sleep(0.05)
    assert server.get(path).status == 410
    assert server.post(path, {"step": "1", "version": "2", "verdict": "yes"}).status in (303, 410)
    assert "decide" not in history(reference)


def test_security_headers_everywhere():
    _, (path,) = new_order()
    for target in ("/", path, "/nowhere", "/l/x", "/start/order", "/home/otplogin", "/healthz", "/demo/inbox", "/demo/inbox.json"):
        answer = server.get(target)
        assert answer.header("Content-Security-Policy").startswith("default-src 'none'"), target
        assert answer.header("Referrer-Policy") == "no-referrer"
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert answer.header("Cross-Origin-Opener-Policy") == "same-origin" and answer.header("Cross-Origin-Resource-Policy") == "same-origin"
        assert "geolocation=()" in answer.header("Permissions-Policy") and answer.header("Access-Control-Allow-Origin") is None
        assert answer.header("Cache-Control") == "no-store"
        assert answer.header("X-Robots-Tag") == "noindex, nofollow"
        assert target.endswith(".json") or ("<script" not in answer.text and " style=" not in answer.text)
    style = re.search(r'href="(/assets/[0-9a-f]+/style.css)"', server.get("/").text).group(1)
    answer = server.get(style)
    assert answer.status == 200 and "immutable" in answer.header("Cache-Control") and answer.header("Content-Type").startswith("text/css")


def test_cross_site_posts():
    _, (path,) = new_order()
    fields = {"step": "1", "version": "2", "verdict": "yes"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
        assert server.post(path, fields, headers=headers).status == 403, headers
    assert server.post(path, fields, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"}).status == 303


def test_other_hosts():
    assert server.get("/", headers={"Host": "evil.example"}).status == 421
    assert server.get("/", headers={"Host": "localhost:" + server.host.split(":")[1]}).status == 200
    assert status_of(raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) == 400
    assert status_of(raw(b"GET / HTTP/1.1\r\nHost: %s\r\nHost: %s\r\nConnection: close\r\n\r\n" % (server.host.encode(), server.host.encode()))) == 400


def test_methods():
    for method, path, allow in (("POST", "/", "GET, HEAD"), ("DELETE", "/", "GET, HEAD, POST"), ("OPTIONS", "/start/order", "GET, HEAD, POST"), ("TRACE", "/", "GET, HEAD, POST"), ("GET", "/demo/clock", "POST")):
        answer = server.request(method, path, fields={} if method == "POST" else None)
        assert answer.status == 405 and answer.header("Allow") == allow, (method, path, answer.status, answer.header("Allow"))


def test_large_bodies():
    assert server.post("/start/order", {"step": "1", "person": "x" * 300000}).status == 413
    assert server.post("/start/order", {"step": "1", "person": "x" * 70000}).status == 400
    assert server.post("/start/order", [("f%d" % i, "x") for i in range(600)]).status == 400
    assert server.post("/start/order", {"step": "1", "person": "x" * 60000}).status == 422
    host = server.host.encode()
    head = b"POST /start/order HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n" % host
    # Told before the body is sent.
    assert status_of(raw(head + b"Content-Length: 999999999\r\n\r\n")) == 413
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    answer = raw(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 8 + b"0\r\n\r\n")
    assert status_of(answer) == 413, answer[:200]
    answer = raw(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n6\r\nstep=1\r\n0\r\n\r\n")
    assert status_of(answer) == 422, answer[:200]


def test_malformed_requests():
    host = server.host.encode()
    cases = [
        (b"GET /?a=%zz HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n", 400),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n", (400, 404, 414)),
        (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX: " + b"y" * 20000 + b"\r\nConnection: close\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX: " + b"y" * 65000 + b"\r\nConnection: close\r\n\r\n", (0, 431)),
        (b"POST /start/order HTTP/1.1\r\nHost: " + host + b"\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", 415),
        (b"POST /start/order HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", 415),
        (b"\x00\x01\x02\x03\r\n\r\n", (0, 400)),
        (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nCookie: " + b"a=b; " * 1000 + b"\r\nConnection: close\r\n\r\n", (0, 200, 431)),
        (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nCookie: " + b"a=b; " * 100 + b"\r\nConnection: close\r\n\r\n", 200),
    ]
    for data, wanted in cases:
        got = status_of(raw(data))
        assert got in (wanted if isinstance(wanted, tuple) else (wanted,)), (data[:80], got)


def test_smuggling():
    """No request hides behind another: what could be read in two ways is refused, and the connection ends."""
    host = server.host.encode()
    hidden = b"GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % host
    head = b"POST /start/order HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n" % host
    for lengths in (
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        b"Content-Length: 6\r\nContent-Length: 0\r\n",
        b"Content-Length: 0\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ):
        answer = raw(head + lengths + b"\r\n0\r\n\r\n" + hidden)
        assert status_of(answer) in (0, 400, 413), (lengths, answer[:300])
        assert answer.count(b"HTTP/1.1 ") <= 1 and b"\r\n\r\nok" not in answer, (lengths, answer)
    for lengths in (b"Content-Length: +6\r\n", b"Content-Length : 5\r\n", b"Transfer-Encoding : chunked\r\n", b"Content-Length: 4\r\nContent-Length : 40\r\n"):
        answer = raw(head + lengths + b"\r\n0\r\n\r\n" + hidden)
        assert b"\r\n\r\nok" not in answer, (lengths, answer)
    answer = raw(b"GET / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (host, len(hidden)) + hidden)
    assert status_of(answer) == 400 and b"\r\n\r\nok" not in answer


def test_slow_requests_do_not_block():
    """Three hundred connections that send a byte now and then; the page comes all the same."""
    host, port = server.host.split(":")
    slow = []
    for _ in range(300):
        s = socket.create_connection((host, int(port)), timeout=5)
        s.sendall(b"POST /start/order HTTP/1.1\r\nHost: ")
        slow.append(s)
    try:
        for _ in range(5):
            for s in slow:
                s.sendall(b"x")
            begin = time.time()
            assert server.get("/").status == 200
            assert time.time() - begin < 2
    finally:
        for s in slow:
            s.close()


def test_an_idle_connection_ends():
    host, port = server.host.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as s:
        s.sendall(b"GET / HTTP/1.1\r\n")
        begin = time.time()
        while s.recv(4096):
            pass
        assert 5 < time.time() - begin < 25


def test_login():
    counter[0] += 1
    _, _ = new_order()
    who = "ida%d@example.dk" % counter[0]
    known = len(server.inbox())
    first = server.post("/home/otplogin", {"step": "address", "address": who.upper()})
    assert first.status == 303
    cookie = first.header("Set-Cookie").split(";")[0]
    assert "HttpOnly" in first.header("Set-Cookie")
    mail = server.newer(who, known, "kode")
    code = re.search(r"(?<!\d)(\d{4})(?!\d)", mail["text"]).group(1)
    assert server.get("/backend").status == 303
    answer = server.post("/home/otplogin", {"step": "code", "code": code}, headers={"Cookie": cookie})
    assert answer.status == 303 and answer.header("Location") == "/backend"
    session = next(v for k, v in answer.headers if k == "Set-Cookie" and v.startswith("sid=")).split(";")[0]
    page = server.get("/backend", headers={"Cookie": session})
    assert page.status == 200 and "Mine bestillinger" in page.text
    assert page.header("Set-Cookie") is None
    assert server.post("/home/otplogin", {"step": "code", "code": code}, headers={"Cookie": cookie}).status == 422
    server.post("/backend/logout", {}, headers={"Cookie": session})
    assert server.get("/backend", headers={"Cookie": session}).status == 303


def test_unknown_addresses_take_as_long():
    times = {True: [], False: []}
    known = "ida%d@example.dk" % counter[0]
    for i in range(4):
        for is_known in (True, False):
            begin = time.time()
            answer = server.post("/home/otplogin", {"step": "address", "address": known if is_known else "nobody%d@example.dk" % i})
            times[is_known].append(time.time() - begin)
            assert answer.status == 303 and answer.body == b""
    assert min(times[False]) >= 0.24 and min(times[True]) >= 0.24, times


def test_the_server_still_lives():
    assert server.get("/healthz").text == "ok\n"
    assert server.process.poll() is None
    log = server.log_text()
    assert "AddressSanitizer" not in log and "runtime error" not in log, log[-3000:]
    # tokens and addresses are masked in the log
    assert not re.search(r"/l/[A-Za-z0-9_-]{20,}", log), "a token is in the log"
    assert server.stop() == 0


if __name__ == "__main__":
    open_server()
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        if server.process.poll() is None:
            server.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)
