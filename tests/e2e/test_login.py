"""Log-in by address and code, and acts that ask for a code, from outside: guessing across requests, browsers, networks, restarts and kills; what a stranger can learn."""
import concurrent.futures, os, re, shutil, signal, socket, statistics, tempfile, time, urllib.parse
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
  boss_emails: {type: email, many: 1..3}
  agreed: {type: bool, accept: true}
  verdict: {type: choice, options: ['yes', 'no']}
forms:
  ask: {fields: [person, email, boss_emails], check: false}
  confirm: {fields: [agreed], check: false}
  decide: {fields: [verdict], check: false}
states:
  unconfirmed:
    entry: [{send: {to: asker, message: mail, link: confirm}}]
    after: [{in: 90d, target: gone}]
    on:
      confirm: {by: asker, form: confirm, target: waiting}
  waiting:
    entry: [{send: {to: boss, message: mail, link: decide}}]
    after: [{in: 90d, target: gone}]
    on:
      decide: {by: boss, form: decide, target: done}
  done: {final: true, entry: [{send: {to: asker, message: mail, link: mine}}]}
  gone: {final: true}
views:
  mine: {kind: list, for: asker, columns: [reference, person, state], login: true, digits: 4}
  all: {kind: list, for: boss, columns: [reference, person, state], login: true}
"""
TEXTS = """\
title: Bestilling
intro: Bestil noget
roles: {asker: Bestiller, boss: Chef}
fields:
  person: {label: Dit navn}
  email: {label: Din e-mail}
  boss_emails: {label: Chefens e-mail}
  agreed: {label: Jeg er enig}
  verdict: {label: Svar, options: {'yes': Ja, 'no': Nej}}
forms:
  ask: {title: Bestil, submit: Send bestilling, receipt: {title: Modtaget, text: Tak}}
  confirm: {title: Bekræft, submit: Bekræft, receipt: {title: Bekræftet, text: Tak}}
  decide: {title: Afgør, submit: Afgør, receipt: {title: Afgjort, text: Tak}}
states: {unconfirmed: Ubekræftet, waiting: Venter, done: Færdig, gone: Udløbet}
events: {confirm: Bekræft, decide: Afgør bestillingen}
views: {mine: {title: Mine bestillinger, empty: Ingen}, all: {title: Alle bestillinger, empty: Ingen}}
"""
MAIL = "subject: Hej\n---\nHej {{recipient}}\n\n[Åbn]({{link}})\n"
LOGIN = "/home/otplogin"

server = site = None
number = 0


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def open_server():
    global server, site
    folder = tempfile.mkdtemp(prefix="stafet-login-")
    package_folder = os.path.join(folder, "order")
    write(os.path.join(package_folder, "workflow.yaml"), WORKFLOW)
    for language in ("da", "en"):
        write(os.path.join(package_folder, "texts", language + ".yaml"), TEXTS)
        write(os.path.join(package_folder, "messages", "mail.%s.md" % language), MAIL)
    site = os.path.join(folder, "site")
    run("init", site, "--with", package_folder, os.path.join(ROOT, "tests", "packages", "payment"))
    path = os.path.join(site, "stafet.yaml")
    text = open(path, encoding="utf-8").read()
    write(path, text.replace("  zone:", "  trusted_proxies: [127.0.0.1]\n  zone:"))
    server = Server("demo", site, "--listen", "127.0.0.1:0")


moved = 0


def restart(sig=signal.SIGTERM):
    """A demo begins at the real time: its clock is moved to where it was."""
    global server
    server.stop(sig)
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    server.post("/demo/clock", {"advance": "%ds" % moved})


def advance(span):
    global moved
    server.post("/demo/clock", {"advance": span})
    moved += int(span[:-1]) * {"s": 1, "d": 86400}[span[-1]]


def new_people():
    """An order under way: addresses of its asker and its boss."""
    global number
    number += 1
    asker, boss = "ida%d@example.dk" % number, "boss%d@firma.dk" % number
    walk(server, "/start/order", {"person": "Ida %d" % number, "email": asker, "boss_emails": boss}, headers=of_network())
    walk(server, urllib.parse.urlsplit(server.mails_to(asker)[-1]["links"][0]).path, {"agreed": "true"})
    assert server.mails_to(boss)
    return asker, boss


networks = 0


def of_network(cookie=None, agent=None):
    """The headers of a visitor from a network of its own."""
    global networks
    networks += 1
    headers = {"X-Forwarded-For": "10.%d.%d.1" % (networks // 250, networks % 250)}
    if cookie:
        headers["Cookie"] = cookie
    if agent:
        headers["User-Agent"] = agent
    return headers


def cookie(answer, name):
    """name=value as a browser sends it back; None: not set."""
    return next((v.split(";")[0] for k, v in answer.headers if k == "Set-Cookie" and v.startswith(name + "=")), None)


def ask(who):
    answer = server.post(LOGIN, {"step": "address", "address": who}, headers=of_network())
    assert answer.status == 303, answer.text
    return cookie(answer, "pre")


def guess(pre, code, **more):
    return server.post(LOGIN, dict({"step": "code", "code": code}, **more), headers=of_network(pre))


def log_in_mails(who):
    return [m for m in server.inbox() if m["to"].endswith(who) and m["subject"] in ("Din kode til at logge ind", "Dit link til at logge ind")]


def last_mail(who, count, wait=10):
    end = time.time() + wait
    while len(log_in_mails(who)) < count and time.time() < end:
        time.sleep(0.05)
    found = log_in_mails(who)
    assert len(found) == count, (len(found), count)
    return found[-1]


def code_in(mail):
    return re.search(r"(?m)^Din kode er (\d+)$", mail["text"]).group(1)


def wrong(code):
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


def log_in(who, cookies=None, agent=None):
    """The session's cookie."""
    before = len(log_in_mails(who))
    pre = ask(who)
    code = code_in(last_mail(who, before + 1))
    answer = server.post(LOGIN, {"step": "code", "code": code}, headers=of_network("; ".join([pre] + (cookies or [])), agent))
    assert answer.status == 303, answer.text
    return answer


def test_a_second_header_hides_no_network():
    """Some proxies add a line of their own to the visitor's invention, instead of going on with it."""
    def status(number):
        body = urllib.parse.urlencode({"step": "address", "address": "nobody%d@example.dk" % number}).encode()
        head = ("POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.%d\r\nX-Forwarded-For: 10.77.77.77\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % (LOGIN, server.host, number, len(body)))
        with socket.create_connection(server.host.split(":"), timeout=20) as s:
            s.sendall(head.encode() + body)
            return int(s.recv(4096).split()[1])
    assert [status(n) for n in range(12)] == [303] * 10 + [429] * 2


def test_the_length_is_what_the_list_asks_for():
    asker, boss = new_people()
    ask(asker)
    assert len(code_in(last_mail(asker, 1))) == 4
    ask(boss)
    assert len(code_in(last_mail(boss, 1))) == 6


def test_what_waits_elsewhere_asks_for_its_own_length():
    """After the log-in everything that waits can be done: four digits are not enough for it unless its own workflow says so."""
    asker, _ = new_people()
    path, _ = new_payment(treasurer=asker)
    pre = ask(asker)
    code = code_in(last_mail(asker, 1))
    assert len(code) == 6
    answer = guess(pre, code)
    assert path in server.get("/backend?view=home", headers={"Cookie": cookie(answer, "sid")}).text
    walk(server, path + "?event=refuse", {"reason": "Nej"}, headers=of_network())
    advance("61s")
    ask(asker)
    assert len(code_in(last_mail(asker, 2))) == 4


def test_sending_again_repeats_and_does_not_extend():
    asker, _ = new_people()
    pre = ask(asker)
    first = code_in(last_mail(asker, 1))
    server.post(LOGIN, {"step": "again"}, headers=of_network(pre))
    advance("70s")
    server.post(LOGIN, {"step": "again"}, headers=of_network(pre))
    assert code_in(last_mail(asker, 2)) == first
    advance("540s")
    assert guess(pre, first).status == 422


def test_three_tries_whatever_happens_between():
    asker, _ = new_people()
    pre = ask(asker)
    code = code_in(last_mail(asker, 1))
    assert guess(pre, wrong(code)).status == 422
    restart(signal.SIGKILL)
    assert guess(pre, wrong(code)).status == 422
    restart()
    assert guess(pre, wrong(code)).status == 422
    assert guess(pre, code).status == 422


def test_a_code_is_of_one_browser_and_one_use():
    asker, _ = new_people()
    pre = ask(asker)
    code = code_in(last_mail(asker, 1))
    advance("61s")
    other = ask(asker)
    assert guess(None, code).status == 422 and guess(other, code).status == 422
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: guess(pre, code), range(20)))
    assert sorted(a.status for a in answers) == [303] + [422] * 19
    assert guess(pre, code).status == 422


def test_ten_failures_in_thirty_days_leave_the_link():
    asker, _ = new_people()
    failures = 0
    for day in range(4):
        pre = ask(asker)
        code = code_in(last_mail(asker, day + 1))
        for _ in range(min(3, 10 - failures)):
            assert guess(pre, wrong(code)).status == 422
            failures += 1
        restart(signal.SIGKILL if day % 2 else signal.SIGTERM)
        if failures == 10:
            assert guess(pre, code).status == 422, "a code that is out still counts for nothing"
        advance("2d")
    ask(asker)
    assert len([m for m in server.mails_to(asker) if m["subject"] == "Forkerte koder til din adresse"]) == 1
    mail = last_mail(asker, 5)
    assert "Din kode" not in mail["text"] and len(mail["links"]) == 1, mail["text"]
    path = urllib.parse.urlsplit(mail["links"][0])
    where = path.path + "?" + path.query
    for _ in range(10):
        assert cookie(server.get(where), "sid") is None and cookie(server.request("HEAD", where), "sid") is None
    token = urllib.parse.parse_qs(path.query)["link"][0]
    assert server.post(LOGIN, {"step": "link", "link": token, "address": "x@example.dk"}, headers=of_network()).status == 422
    assert cookie(server.post(LOGIN, {"step": "link", "link": token, "address": asker}, headers=of_network()), "sid")
    assert server.post(LOGIN, {"step": "link", "link": token, "address": asker}, headers=of_network()).status == 422
    advance("30d")
    ask(asker)
    assert code_in(last_mail(asker, 6))


def test_a_stranger_learns_nothing():
    times = {True: [], False: []}
    tried = {True: [], False: []}
    shown = set()
    for i in range(7):
        asker, _ = new_people()
        for known, who in ((True, asker), (False, "nobody%d@example.dk" % i)):
            begin = time.monotonic()
            answer = server.post(LOGIN, {"step": "address", "address": who}, headers=of_network())
            times[known].append(time.monotonic() - begin)
            names = sorted((k, re.sub(r"=[A-Za-z0-9_-]{43}", "=", v)) for k, v in answer.headers if k != "Date")
            shown.add((answer.status, str(names), answer.text))
            pre = cookie(answer, "pre")
            begin = time.monotonic()
            answer = guess(pre, "0000" if i % 2 else "00000")
            tried[known].append(time.monotonic() - begin)
            shown.add((answer.status, "", answer.text.replace("00000", "0000")))
        advance("1d")
    assert len(shown) == 2, shown
    asked, guessed = ({k: statistics.median(v) for k, v in t.items()} for t in (times, tried))
    assert abs(asked[True] - asked[False]) < 0.1 and min(asked.values()) >= 0.24, times
    assert abs(guessed[True] - guessed[False]) < 0.1, tried


def test_sessions_are_made_here_alone():
    asker, _ = new_people()
    planted = "sid=" + "A" * 43
    answer = log_in(asker, [planted])
    sid = cookie(answer, "sid")
    assert sid and sid != planted
    assert server.get("/backend", headers={"Cookie": planted}).status == 303
    line = next(v for k, v in answer.headers if k == "Set-Cookie" and v.startswith("sid="))
    assert "HttpOnly" in line and "SameSite=Lax" in line and "Path=/" in line
    advance("61s")
    again = cookie(log_in(asker, [sid]), "sid")
    assert again != sid and server.get("/backend", headers={"Cookie": sid}).status == 303
    assert server.get("/backend", headers={"Cookie": again}).status == 200


def test_what_waits_is_done_at_its_link():
    asker, boss = new_people()
    mailed = urllib.parse.urlsplit(server.mails_to(boss)[-1]["links"][0]).path
    session = {"Cookie": cookie(log_in(boss), "sid")}
    home = server.get("/backend", headers=session)
    assert "Det venter på dig" in home.text and 'href="%s">Afgør bestillingen</a>' % mailed in home.text, home.text
    assert "Ida %d, " % number in home.text and "Logget ind som " + boss in home.text
    assert 'href="/start/order"' in home.text
    assert home.header("Set-Cookie") is None
    walk(server, mailed, {"verdict": "yes"}, headers=session)
    home = server.get("/backend?view=home", headers=session)
    assert mailed not in home.text and "Der er ikke noget, der venter" in home.text
    assert "Alle bestillinger" in server.get("/backend", headers=session).text
    # another's tasks are not on it
    other = server.get("/backend?view=home", headers={"Cookie": cookie(log_in(asker), "sid")})
    assert "/l/" not in other.text


def test_the_page_that_was_wanted_comes_after_the_log_in():
    _, boss = new_people()
    wanted = "/backend?view=order.all&q=Ida%20%C3%A6"
    answer = server.get(wanted, headers=of_network())
    path = answer.header("Location")
    assert answer.status == 303 and path.startswith(LOGIN + "?next=")
    form = post_form(server.get(path))
    answer = server.post(form["action"], fill(form, {"address": boss}), headers=of_network())
    pre = cookie(answer, "pre")
    page = server.get(answer.header("Location"), headers={"Cookie": pre})
    form = post_form(page)
    answer = server.post(form["action"], fill(form, {"code": "1"}), headers=of_network(pre))
    assert answer.status == 422
    form = post_form(answer)
    answer = server.post(form["action"], fill(form, {"code": code_in(last_mail(boss, 1))}), headers=of_network(pre))
    assert answer.header("Location") == wanted, answer.header("Location")
    for evil in ("https://evil.example/", "//evil.example", "/backend/../l/x", "/backend?\r\nSet-Cookie: a=b", "/backend?\\evil", "/backendx", "/backend?" + "x" * 600):
        page = server.get(LOGIN + "?next=" + urllib.parse.quote(evil, safe=""))
        assert "evil" not in page.text and 'name="next"' not in page.text, evil


def test_idle_sessions_end_and_say_so():
    asker, _ = new_people()
    session = {"Cookie": cookie(log_in(asker), "sid")}
    for _ in range(3):
        advance("1700s")
        assert server.get("/backend", headers=session).status == 200
    restart()
    advance("1700s")
    assert server.get("/backend", headers=session).status == 200, "when it was seen last survives an orderly stop"
    advance("1801s")
    path = server.get("/backend?view=home", headers=session).header("Location")
    page = server.get(path)
    assert "fordi der ikke er sket noget i 30 minutter" in page.text and 'value="/backend?view=home"' in page.text
    session = {"Cookie": cookie(log_in(asker), "sid")}
    advance("1700s")
    assert server.get("/backend", headers=session).status == 200
    restart(signal.SIGKILL)
    advance("600s")
    assert server.get("/backend", headers=session).status == 303, "after a crash the earlier end counts"
    session = {"Cookie": cookie(log_in(asker), "sid")}
    for _ in range(26):
        advance("1700s")
        last = server.get("/backend", headers=session)
    assert last.status == 303 and "ended=yes" in last.header("Location"), "twelve hours are the most"


def told_of_new(who):
    return [m for m in server.inbox() if m["to"].endswith(who) and m["subject"] == "Nyt login"]


def test_a_log_in_from_a_new_browser_is_told():
    asker, _ = new_people()
    other, _ = new_people()
    first = log_in(asker, agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    line = next(v for k, v in first.headers if k == "Set-Cookie" and v.startswith("browser="))
    assert "HttpOnly" in line and "Max-Age=31536000" in line
    browser = cookie(first, "browser")
    advance("1d")
    assert cookie(log_in(asker, [browser]), "browser") == browser
    log_in(other, [browser])
    time.sleep(0.5)
    assert not told_of_new(asker) and not told_of_new(other), "neither the first log-in ever nor a known browser is told"
    advance("1d")
    log_in(asker, ["browser=<b>"], "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1 <script>")
    end = time.time() + 10
    while not told_of_new(asker) and time.time() < end:
        time.sleep(0.05)
    (mail,) = told_of_new(asker)
    text = re.sub(r"\s+", " ", mail["text"])
    assert "Browser: Safari på iPhone" in text and "Log ud på alle enheder" in text and "<script" not in mail["html"], text
    assert re.search(r"Tidspunkt: \w+dag den \d+", text) and mail["links"] == [], text
    assert cookie(server.get(LOGIN, headers={"Cookie": browser}), "browser") is None


def test_a_stranger_who_asks_locks_nobody_out():
    """Whoever asks for codes for an address uses up its budget; a browser that this person logged in with has one of its own, and nobody else's has."""
    (asker, _), (other, _) = new_people(), new_people()
    known, foreign = (cookie(log_in(who), "browser") for who in (asker, other))
    advance("86400s")
    sent = lambda: len(log_in_mails(asker))
    before = sent()
    for minutes in (0, 1, 1, 13, 1, 60, 1, 60, 1, 60, 1, 60, 1):  # as much as it gives in a day
        if minutes:
            advance("%ds" % (60 * minutes + 1))
        ask(asker)
        time.sleep(0.3)
    used_up = sent() - before
    assert used_up == 10, used_up
    advance("3601s")
    for cookies in ("browser=" + "A" * 43, foreign):
        assert server.post(LOGIN, {"step": "address", "address": asker}, headers=of_network(cookies)).status == 303
    time.sleep(0.5)
    assert sent() == before + used_up
    answer = server.post(LOGIN, {"step": "address", "address": asker}, headers=of_network(known))
    code = code_in(last_mail(asker, before + used_up + 1))
    assert server.post(LOGIN, {"step": "code", "code": code}, headers=of_network("%s; %s" % (cookie(answer, "pre"), known))).status == 303
    again = server.post(LOGIN, {"step": "address", "address": asker}, headers=of_network(known))  # within the minute
    time.sleep(0.5)
    assert again.status == 303 and sent() == before + used_up + 1, "its budget has limits too"


def test_log_out_everywhere():
    asker, _ = new_people()
    sessions = []
    for _ in range(3):
        sessions.append({"Cookie": cookie(log_in(asker), "sid")})
        advance("301s")
    home = server.get("/backend?view=home", headers=sessions[1])
    form = [f for f in forms(home) if "devices" in f["fields"]][0]
    answer = server.post(form["action"], fill(form, {}), headers=sessions[1])
    assert "på alle enheder" in answer.text
    for session in sessions:
        assert server.get("/backend", headers=session).status == 303


# --- acts that ask for a code ---

payments = 0


def new_payment(phone=True, treasurer=None):
    """The path of the treasurer's link, and the number where codes go."""
    global payments
    payments += 1
    clerk, treasurer, number_ = "ole%d@example.dk" % payments, treasurer or "kasserer%d@example.dk" % payments, "+45223344%02d" % payments
    walk(server, "/start/payment", {"clerk_email": clerk, "purpose": "Kaffe", "amount": "240", "treasurer_email": treasurer,
                                    "treasurer_phone": number_ if phone else ""}, headers=of_network())
    before = len([m for m in server.inbox() if m["to"].endswith(treasurer)])
    walk(server, urllib.parse.urlsplit(server.mails_to(clerk)[-1]["links"][0]).path, {"agreed": "true"})
    while len(server.mails_to(treasurer)) == before:
        time.sleep(0.05)
    return urllib.parse.urlsplit(server.mails_to(treasurer)[-1]["links"][0]).path, number_


def texted(number_, count):
    end = time.time() + 10
    while True:
        found = [m for m in server.inbox() if m["to"] == number_]
        if len(found) >= count or time.time() > end:
            assert len(found) == count, (len(found), count)
            return re.search(r"#(\d{6})$", found[-1]["text"]).group(1)
        time.sleep(0.05)


def to_code_page(path, answers):
    """From the link to the page that asks for the code: its path and the page."""
    where, page = path, server.get(path)
    for _ in range(6):
        form = post_form(page)
        answer = server.post(form["action"] or where, fill(form, answers))
        assert answer.status == 303, answer.text
        where = answer.header("Location")
        page = server.get(where)
        if "step=code" in where:
            assert page.status == 200 and 'autocomplete="one-time-code"' in page.text, page.text
            return where, page
    raise AssertionError("no page asked for a code")


def type_code(page, code):
    form = [f for f in forms(page) if "code" in f["fields"]][0]
    return server.post(form["action"], fill(form, {"code": code}))


def is_approved(path):
    return "Udbetalingen er godkendt" in server.get(path).text


def test_an_act_waits_for_its_code():
    path, phone = new_payment()
    where, page = to_code_page(path, {"account": "ordinary", "remark": "God kaffe"})
    sms = [m for m in server.inbox() if m["to"] == phone][-1] if texted(phone, 1) else None
    assert sms["channel"] == "sms" and len(sms["text"]) <= 160 and not sms["links"], sms
    code = texted(phone, 1)
    assert re.fullmatch(r"Stafet: %s er din kode .* kl\. \d\d\.\d\d\.\n\n@127\.0\.0\.1 #%s" % (code, code), sms["text"]), sms["text"]
    assert phone not in page.text and phone[-2:] in page.text
    assert type_code(page, "").status == 422
    answer = type_code(page, wrong(code))
    assert answer.status == 422 and "Koden passer ikke" in answer.text and "<title>Fejl:" in answer.text
    assert not is_approved(path)
    answer = type_code(page, " %s %s " % (code[:3], code[3:]))
    assert answer.status == 303 and is_approved(path), answer.text
    assert type_code(page, code).status == 303 and texted(phone, 1)
    assert run("verify", site=site).returncode == 0


def test_a_code_is_for_these_answers_and_this_link():
    path, phone = new_payment()
    other, _ = new_payment()
    where, page = to_code_page(path, {"account": "ordinary"})
    code = texted(phone, 1)
    _, others = to_code_page(other, {"account": "ordinary"})
    answer = type_code(others, code)
    assert answer.status == 422 and not is_approved(other)
    form = post_form(server.get(path + "?step=1&change=1"))
    assert server.post(form["action"] or path, fill(form, {"account": "projects"})).status == 303
    answer = type_code(page, code)
    assert answer.status == 422 and "gælder ikke mere" in answer.text and not is_approved(path)
    form = post_form(server.get(path + "?step=check"))
    answer = server.post(form["action"], fill(form, {}))
    page = server.get(answer.header("Location"))
    assert texted(phone, 2) != code
    assert type_code(page, code).status == 422
    assert type_code(page, texted(phone, 2)).status == 303 and is_approved(path)
    assert "Projekter" in server.get(path).text


def test_the_page_of_a_code_says_what_is_true():
    path, phone = new_payment()
    answer = server.get(path + "?step=code&version=2")
    assert answer.status == 303 and answer.header("Location").endswith("step=check"), answer.status
    where, _ = to_code_page(path, {"account": "ordinary"})
    advance("601s")
    page = server.get(where)
    assert page.status == 422 and "gælder ikke mere" in page.text
    assert type_code(page, texted(phone, 1)).status == 422 and not is_approved(path)


def test_a_form_of_one_page_asks_too_and_a_refusal_does_not():
    path, phone = new_payment()
    _, page = to_code_page(path + "?event=hurry", {"account": "projects"})
    assert type_code(page, texted(phone, 1)).status == 303
    assert "godkendt straks" in server.get(path).text
    path, phone = new_payment()
    walk(server, path + "?event=refuse", {"reason": "Nej"})
    assert "Du har sagt nej" in server.get(path).text
    assert not [m for m in server.inbox() if m["to"] == phone]
    path, phone = new_payment(phone=False)
    form = post_form(server.get(path + "?event=hurry"))
    answer = server.post(form["action"], fill(form, {"account": "projects"}))
    assert answer.status == 409 and "Vi mangler" in answer.text


def test_guessing_the_code_of_an_act():
    path, phone = new_payment()
    _, page = to_code_page(path, {"account": "ordinary"})
    again = [f for f in forms(page) if f["fields"]["step"]["values"] == ["code-again"]][0]
    guesses = 0
    for sent in range(1, 5):
        code = texted(phone, sent)
        for _ in range(min(3, 10 - guesses)):
            assert type_code(page, wrong(code)).status == 422
            guesses += 1
            if guesses in (2, 5):
                restart(signal.SIGKILL if guesses == 2 else signal.SIGTERM)
        assert type_code(page, code).status in (422, 429) and not is_approved(path)
        if guesses < 10:
            advance("301s")
            assert server.post(again["action"], fill(again, {})).status == 303
    assert server.post(again["action"], fill(again, {})).status == 429
    advance("1d")
    assert server.post(again["action"], fill(again, {})).status == 303
    code = texted(phone, 5)
    advance("61s")
    assert server.post(again["action"], fill(again, {})).status == 303
    assert texted(phone, 6) == code, "sent again it is the same"
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: type_code(page, code), range(20)))
    assert {a.status for a in answers} == {303} and is_approved(path)


def test_other_sites_cannot_ask_or_log_out():
    asker, _ = new_people()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert server.post(LOGIN, {"step": "address", "address": asker}, headers=headers).status == 403
    assert not log_in_mails(asker)
    sid = cookie(log_in(asker), "sid")
    assert server.post("/backend/logout", {}, headers={"Cookie": sid, "Sec-Fetch-Site": "cross-site"}).status == 403
    assert server.get("/backend", headers={"Cookie": sid}).status == 200


def test_the_log_names_no_code_and_no_address():
    log = server.log_text()
    assert "example.dk" not in log and "AddressSanitizer" not in log and "runtime error" not in log, log[-3000:]


if __name__ == "__main__":
    open_server()
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        server.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)
