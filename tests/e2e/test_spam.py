"""What spam filters say of every message that is shipped, in both languages and as it leaves: at most 0.5 points in SpamAssassin's local tests, at most 1 point more than a
plain mail costs in rspamd. And what every mail must have."""
import base64, collections, email, email.header, email.policy, email.utils, glob, html.parser, json, os, re, shutil, sqlite3, sys, tempfile, time, urllib.parse
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from spam_filters import Rspamd, SpamAssassin
from stafet import ROOT, Server, fill, main, post_form, run, walk

SITE = """\
site:
  name: Nørreby Kommune
  base_url: https://svar.example.dk
  contact: {da: Skriv til hjaelp@example.dk eller ring 70 10 20 30, en: Write to hjaelp@example.dk or call +45 70 10 20 30}
  trusted_proxies: [127.0.0.1]
  packages: %s
mail:
  from_name: Nørreby Kommune
  from_address: svar@example.dk
"""
WORKFLOW = """\
workflow: order
start: {by: asker, form: ask, public: true}
initial: unconfirmed
roles:
  asker: {contact: email}
  boss: {contact: boss_email, code: other_email}
data:
  email: {type: email}
  boss_email: {type: email}
  other_email: {type: email}
  agreed: {type: bool, accept: true}
  remark: {type: text, max: 200}
  more: {type: text, max: 200}
forms:
  ask: {pages: [{name: first, fields: [email]}, {name: second, fields: [boss_email, other_email]}], check: false}
  confirm: {fields: [agreed], check: false}
  decide: {pages: [{name: first, fields: [remark]}, {name: second, fields: [more]}], check: false}
states:
  unconfirmed:
    entry: [{send: {to: asker, message: mail, link: confirm}}]
    after: [{in: 90d, target: done}]
    on: {confirm: {by: asker, form: confirm, target: waiting}}
  waiting:
    entry: [{send: {to: boss, message: mail, link: decide}}]
    after: [{in: 90d, target: done}]
    on: {decide: {by: boss, form: decide, code: true, target: done}}
  done: {final: true}
views:
  mine: {kind: list, for: asker, columns: [reference, state], login: true}
"""
TEXTS = """\
title: Bestilling
roles: {asker: Bestiller, boss: Chef}
fields: {more: {label: Mere}, email: {label: E-mail}, boss_email: {label: Chef}, other_email: {label: Chefens anden}, agreed: {label: Ja}, remark: {label: Note}}
forms:
  ask: {pages: {first: En, second: To}, title: Bestil, submit: Send, receipt: {title: Modtaget, text: Tak}}
  confirm: {title: Ja, submit: Ja, receipt: {title: Ja, text: Tak}}
  decide: {pages: {first: En, second: To}, title: Svar, submit: Svar, receipt: {title: Svar, text: Tak}}
states: {unconfirmed: Ny, waiting: Venter, done: Slut}
events: {confirm: Ja, decide: Svar}
views: {mine: {title: Mine, empty: Ingen}}
"""
MAIL = "subject: Hej\n---\nHej\n\n[Svar]({{link}})\n"
OWN = ("login-code", "login-link", "login-new", "login-guessed", "act-code", "not-taken", "later")
LANGUAGES = ("da", "en")

BASELINE = """\
Date: {date}
From: Nordby Kommune <svar@example.dk>
To: <mester@example.dk>
Subject: Minutes of the meeting
Message-ID: <{name}@example.dk>
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"

Hello

Here are the minutes of the meeting on Monday. There is coffee on Thursday.

Kind regards
Bo Holm
"""
SPAM = """\
Date: {date}
From: Nordby Kommune <svar@example.dk>
To: <mester@example.dk>
Subject: CLICK NOW!!! YOUR ACCOUNT IS CLOSED!!!
Message-ID: <{name}@example.dk>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset="utf-8"

Click here: http://203.0.113.9/go

--b
Content-Type: text/html; charset="utf-8"

<p>Click <a href="http://203.0.113.9/go">https://www.danskebank.dk/</a></p><img src="http://203.0.113.9/p.gif" width="1" height="1">
--b--
"""

folder = tempfile.mkdtemp(prefix="stafet-spam-")
MOST = 6  # of one message: the longest, which say the most
mails = {}  # (package, message, language): bytes, one for each way in which its text came out


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def make_site(name, packages):
    site = os.path.join(folder, name)
    run("init", site)
    write(os.path.join(site, "stafet.yaml"), SITE % packages)
    return site


def collect_packages():
    """Everything that the scenarios send, in every language."""
    folders = {os.path.basename(os.path.dirname(p)): os.path.dirname(p) for depth in ("*", "*/*") for p in glob.glob(os.path.join(ROOT, "templates", depth, "workflow.yaml"))}
    out = os.path.join(folder, "messages")
    run("test", make_site("shipped", sorted(folders.values())), "--messages", out)
    for path in sorted(glob.glob(out + "/*/*.eml")):
        workflow, (message, language) = path.split("/")[-2], re.fullmatch(r"\d+-(.+)\.(\w+)\.eml", os.path.basename(path)).groups()
        rows = mails.setdefault((workflow, message, language), [])
        rows.append(open(path, "rb").read())
        if len(rows) > MOST:
            rows.remove(min(rows, key=len))
    shipped = {(n, *os.path.basename(p).split(".")[:2]) for n, folder in folders.items() for p in glob.glob(os.path.join(folder, "messages", "*.md"))}
    assert len(shipped) > 60 and set(mails) == shipped, "messages that no scenario sends: %s" % sorted(shipped - set(mails))


networks = 0


def follow(mail):
    return urllib.parse.urlsplit(mail["links"][-1]).path


def wait(server, who, more_than=0, subject=""):
    """The newest mail to that address with that subject."""
    end = time.time() + 10
    while True:
        found = [m for m in server.mails_to(who) if m["subject"].startswith(subject)]
        if len(found) > more_than:
            return found[-1]
        assert time.time() < end, "no mail '%s' to %s" % (subject, who)
        time.sleep(0.02)


def log_in(server, who, language, tries):
    """Asks for a code and types it; or wrong ones."""
    global networks
    networks += 1
    headers = {"Accept-Language": language, "X-Forwarded-For": "10.7.%d.1" % networks, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
    before = len(server.mails_to(who))
    answer = server.post("/home/otplogin", {"step": "address", "address": who}, headers=headers)
    headers["Cookie"] = next(v.split(";")[0] for k, v in answer.headers if k == "Set-Cookie" and v.startswith("pre="))
    code = re.search(r"(?m) (\d{6})$", wait(server, who, before)["text"])
    for i in range(tries):
        server.post("/home/otplogin", {"step": "code", "code": "%06d" % ((int(code.group(1)) + 1 + i) % 1000000)}, headers=headers)
    if not tries and code:
        assert server.post("/home/otplogin", {"step": "code", "code": code.group(1)}, headers=headers).status == 303
    server.post("/demo/clock", {"advance": "2d"})


def play_own(server, language):
    """One person: finishes later, orders, logs in from an old browser and a new one, and then so often wrongly that only a link is left."""
    who, boss, other = ("%s.%s@example.dk" % (n, language) for n in ("ida", "boss", "other"))
    headers = {"Accept-Language": language}
    form = post_form(server.get("/start/order", headers=headers))
    server.post("/start/order", fill(form, {"email": who}) + [(".later", "1")], headers=headers)
    walk(server, "/start/order", {"email": who, "boss_email": boss, "other_email": other}, headers=headers)
    walk(server, follow(wait(server, who, subject="Hej")), {"agreed": "true"}, headers=headers)
    path = follow(wait(server, boss))
    page = server.get(path, headers=headers)
    server.post(path, fill(post_form(page), {"remark": "Ja"}) + [(".later", "1")], headers=headers)
    page = server.follow(server.post(path, fill(post_form(page), {"remark": "Ja"}), headers=headers), headers)
    server.post(post_form(page)["action"] or path + "?page=second", fill(post_form(page), {"more": "Ja"}), headers=headers)
    wait(server, other)
    for tries in (0, 0, 3, 3, 3, 3, 0):
        log_in(server, who, language, tries)


def own_name(mail):
    """Which of the product's own it is; None: a message of the package."""
    for name in OWN[:-1]:
        for language in LANGUAGES:
            if own_subjects[name, language] == mail["Subject"]:
                return name, language
    for language in LANGUAGES:
        if str(mail["Subject"]).startswith(own_subjects["later", language]):
            return "later", language


own_subjects = {}


def read_subjects():
    keys = {"login-code": "code", "login-link": "link", "login-new": "new", "login-guessed": "guessed", "act-code": "act", "not-taken": "not-taken", "later": "later"}
    for language in LANGUAGES:
        text = open(os.path.join(ROOT, "languages", language + ".yaml"), encoding="utf-8").read()
        for name, key in keys.items():
            found = re.search(r'(?m)^  %s-subject: "?([^"\n]*)' % key, text).group(1)
            own_subjects[name, language] = found.split("{{")[0]


def with_address(raw, url):
    """The demo's links begin with its own address; in a mail that counts they begin with the site's. A line of quoted-printable may be broken anywhere."""
    def anywhere(text):
        return re.compile(b"(?:=\r\n)?".join(re.escape(bytes([c])) for c in text.encode()))
    raw = anywhere(url).sub(b"https://svar.example.dk", raw)
    return anywhere(url[len("http://"):]).sub(b"svar.example.dk", raw)


def collect_sent(site, db, server):
    """No mail comes to a demo: what a mail that cannot start anything is answered with is put beside the others by hand, and sent by the next server."""
    data = {"workflow": ["order"], "field": ["remark"], "problem": ["field.too-long"], "first": ["200"], "second": [""]}
    for language in LANGUAGES:
        db.execute("INSERT INTO outbox (channel, recipient, recipient_name, role, language, workflow, message, task, data, message_id, thread, priority, state, created_at, next_at)"
                   " VALUES (1, ?, '', '', ?, '', 'not-taken', 0, ?, ?, '', 5, 'queued', ?, 0)",
                   ("ole.%s@example.dk" % language, language, json.dumps(data), "<refused.%s@example.dk>" % language, int(time.time() * 1000)))
    db.commit()
    for (raw,) in db.execute("SELECT raw FROM captured ORDER BY id").fetchall():
        note_own(raw, server)
    before = db.execute("SELECT coalesce(max(id), 0) FROM captured").fetchone()[0]
    server = Server("demo", site, "--listen", "127.0.0.1:0")  # at another port
    try:
        for language in LANGUAGES:
            wait(server, "ole.%s@example.dk" % language)
    finally:
        server.stop()
    for (raw,) in db.execute("SELECT raw FROM captured WHERE id > ?", (before,)).fetchall():
        note_own(raw, server)


def note_own(raw, server):
    raw = raw if isinstance(raw, bytes) else raw.encode()
    name = own_name(email.message_from_bytes(raw, policy=email.policy.default))
    if name:
        mails.setdefault(("own", *name), []).append(with_address(raw, server.url))


def collect_own():
    read_subjects()
    write(os.path.join(folder, "order", "workflow.yaml"), WORKFLOW)
    for language in LANGUAGES:
        write(os.path.join(folder, "order", "texts", language + ".yaml"), TEXTS)
        write(os.path.join(folder, "order", "messages", "mail.%s.md" % language), MAIL)
    site = make_site("own", [os.path.join(folder, "order")])
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        for language in LANGUAGES:
            play_own(server, language)
    finally:
        server.stop()
    db = sqlite3.connect(os.path.join(site, "data", "stafet.db"))
    collect_sent(site, db, server)
    db.close()
    missing = {("own", name, language) for name in OWN for language in LANGUAGES} - set(mails)
    assert not missing, "not sent: %s" % sorted(missing)


def test_every_message_is_there():
    collect_packages()
    collect_own()
    print("%d messages, %d mails" % (len(mails), sum(len(v) for v in mails.values())))


# --- what every mail must have ---

class Words(html.parser.HTMLParser):
    """What an HTML mail says, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.parts, self.links, self.skip, self.link = [], [], 0, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.skip += tag in ("title", "style")
        assert tag not in ("img", "script", "iframe", "form"), tag
        if tag == "a":
            self.link = [dict(attrs)["href"], ""]
            self.links.append(self.link)
        if tag in ("p", "li", "td", "th", "br", "h2", "h3", "h4"):
            self.parts.append(" ")

    def handle_endtag(self, tag):
        self.skip -= tag in ("title", "style")
        self.link = None if tag == "a" else self.link

    def handle_data(self, data):
        if not self.skip:
            self.parts.append(data)
            if self.link:
                self.link[1] += data


def words(text):
    return re.findall(r"\w+", text)


def check_encoded(value):
    """RFC 2047: words of at most 75 characters, each whole UTF-8 by itself."""
    for word in re.findall(r"=\?[^?]*\?[QqBb]\?[^?]*\?=", value):
        assert len(word) <= 75, word
        bytes_, charset = email.header.decode_header(word)[0]
        bytes_.decode(charset)


def check_headers(raw):
    head = raw.split(b"\r\n\r\n", 1)[0].decode("ascii")
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b""), "a bare CR or LF"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    for line in head.split("\r\n"):
        assert len(line) <= 78 or " " not in line.strip().partition(": ")[2], "%d: %s" % (len(line), line)
    check_encoded(head)


def check_mail(key, raw):
    check_headers(raw)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects, mail.defects
    for name, wanted in (("MIME-Version", "1.0"), ("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"), ("Content-Language", key[2])):
        assert mail.get_all(name) == [wanted], (name, mail.get_all(name))
    for name in ("Date", "From", "To", "Subject", "Message-ID"):
        assert len(mail.get_all(name, [])) == 1, name
    assert email.utils.parsedate_to_datetime(mail["Date"]).tzinfo
    assert re.fullmatch(r"<[^<>@\s]+@example\.dk>", mail["Message-ID"]), mail["Message-ID"]
    if key[0] != "own":  # what belongs to a case hangs together in the reader's mailbox
        assert re.fullmatch(r"<[^<>@\s]+@example\.dk>", mail["References"]) and mail["References"] == mail["In-Reply-To"], mail["References"]
    letter, papers = mail, []
    if mail.get_content_type() == "multipart/mixed":  # with what it carries
        letter, *papers = mail.iter_parts()
        assert papers and all(p.get_content_type() == "application/pdf" and p.get_filename() and p.get_content().startswith(b"%PDF-") for p in papers)
    assert letter.get_content_type() == "multipart/alternative" and [p.get_content_type() for p in letter.iter_parts()] == ["text/plain", "text/html"]
    check_bodies(mail)


def check_bodies(mail):
    plain, page = mail.get_body(("plain",)).get_content(), Words(mail.get_body(("html",)).get_content())
    for target, said in page.links:
        assert target in plain and target.startswith("https://"), target
        assert "://" not in said or said == target, "a link's words are another address: %s" % said
        plain = plain.replace(target, " ", 1)
    shown = words("".join(page.parts))
    site = words("Nørreby Kommune")  # stands above the HTML
    assert shown[:2] == site and shown[2:] == words(plain), "text and HTML differ:\n%s\n%s" % (words(plain), shown)


def test_headers_and_bodies():
    for key, rows in mails.items():
        for raw in rows:
            try:
                check_mail(key, raw)
            except AssertionError as e:
                raise AssertionError("%s: %s\n%s" % ("/".join(key), e, raw.decode("utf-8", "replace")[:6000]))


def test_a_case_is_one_thread():
    threads = collections.defaultdict(set)
    for (workflow, *_), rows in mails.items():
        for raw in rows if workflow != "own" else []:
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            reference = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", mail.get_body(("plain",)).get_content()[-40:]).group()
            threads[workflow, reference].add(mail["References"])
    assert len(threads) > 5 and all(len(t) == 1 for t in threads.values()), threads


# --- points ---

def judged(raw):
    """With the time at which it is judged: a scenario's clock stands in another year."""
    raw = re.sub(rb"(?m)^Date: .*\r$", b"Date: " + email.utils.formatdate(localtime=True).encode() + b"\r", raw, count=1)
    return filters[0].judge(raw), filters[1].judge(raw)


def made(template):
    return template.format(date=email.utils.formatdate(), name=os.urandom(8).hex()).replace("\n", "\r\n").encode()


filters = []


def test_points():
    for f in filters:
        f.ready()
    _, (plain, _) = judged(made(BASELINE))
    chosen = [(key, max(rows, key=len)) for key, rows in sorted(mails.items())]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda c: judged(c[1]), chosen))
    faults = []
    for (key, raw), ((local, local_rules), (score, rules)) in zip(chosen, results):
        if local > 0.5 or score - plain > 1.0:
            told = {k: v for k, v in {**local_rules, **rules}.items() if v > 0 and k != "HFILTER_HOSTNAME_UNKNOWN"}
            faults.append("%-45s SpamAssassin %.1f, rspamd %+.2f  %s" % ("/".join(key), local, score - plain, told))
    worst = max(results, key=lambda r: r[1][0])
    print("%d mails judged; the most: SpamAssassin %.1f, rspamd %+.2f" % (len(chosen), max(r[0][0] for r in results), worst[1][0] - plain))
    assert not faults, "\n" + "\n".join(faults)
    # The filters do find one.
    (local, _), (score, rules) = judged(made(SPAM))
    print("a spammy one: SpamAssassin %.1f, rspamd %+.2f %s" % (local, score - plain, sorted(rules)))
    assert local > 0.5 and score - plain > 5, (local, score, rules)


if __name__ == "__main__":
    try:
        # They compile their rules while the messages are collected.
        filters.extend([SpamAssassin("spamassassin"), Rspamd("rspamd")])
        main([test_every_message_is_there, test_headers_and_bodies, test_a_case_is_one_thread, test_points])
    finally:
        for f in filters:
            f.stop()
        shutil.rmtree(folder, ignore_errors=True)
