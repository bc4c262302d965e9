"""Whatever somebody can type, or a file can hold, in a mail or an SMS: no header, recipient, part, tag or link comes of it; it is printed as typed, or refused with the
reason. Looked at in what really went over the line: smtp-sink's dumps, the gateway's requests."""
import email, email.header, email.utils, html.parser, json, os, re, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import application
from mailing import Office, Sink, parse
from stafet import BINARY, Peer, Server, fill, forms, main, make_site, package, post_form, run, walk

HEADERS = ["Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Language", "MIME-Version",
           "Content-Type"]
EVIL = "evil@evil.example"

# What a name may not hold is refused; where it may stand, in a text of several lines, it is printed.
BROKEN = ["Ida\rBcc: %s" % EVIL, "Ida\nBcc: %s" % EVIL, "Ida\r\nBcc: %s" % EVIL, "Ida\r\n\r\n<b>body</b>", "Ida\r\n.\r\nMAIL FROM:<%s>" % EVIL, "Ida\u0085Bcc: %s" % EVIL,
          "a\tb", "a\x1b[2J", "a\x07", "a\x7f", "\u202eevil\u202c"]
ODD = ["Ida\u2028Bcc: %s" % EVIL, "Ida\u2029x", ".", "..", "{{link}}", "{{recipient}}", "{{#words}}x{{/words}}", "}}{{", "[klik](https://evil.example)", "<script>alert(1)</script>",
       "</title></head><body><a href=https://evil.example>x</a>", "=?utf-8?Q?=0D=0ABcc:_evil=40evil.example?=", "=?utf-8?B?SWRhDQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?= Holm", "Ålborg " * 130,
       "x" * 1000, "æ" * 1000, "\"Ida\" <%s>, %s" % (EVIL, EVIL), "Ida; %s" % EVIL, "Ida\\", "\\\"", "a  b", "שלום " * 40, "اسم عربي", "# Stor", "1. Et", "> citat", "--", "---",
       "![x](https://evil.example/p.png)", "&lt;b&gt; &amp;", "https://evil.example/x", "www.evil.example", EVIL, "*fed* _kursiv_ `kode` ~~væk~~", "| a | b |", "a\u200bb",
       "Ida\u00a0Holm", "😀 Ida", "From me", "Subject: x", "Bcc: %s" % EVIL, "-- ", "%s %n %00 %0d%0aBcc:x", "'; DROP TABLE outbox; --", "\\r\\nBcc: x"]
LINES = ["Hej\n.\nMAIL FROM:<%s>\nRCPT TO:<%s>\nDATA\n" % (EVIL, EVIL), "et\r\n.\r\nto\r\n..\r\ntre\r\n...", "Til: x\n\nBcc: %s\n\n<b>fed</b>" % EVIL, "--=_0000\nContent-Type: text/html\n\n<b>x</b>\n--=_0000--",
         "# Overskrift\n\n- punkt\n- [klik](https://evil.example)\n\n```\nkode\n```\n\n> citat", "{{#words}}\n{{/words}}\n{{{words}}}", "From here on\n>From there", "y" * 3000, "æ" * 2000 + "\n" + "z" * 998,
         "| a | b |\n|---|---|\n| 1 | 2 |", "![x](https://evil.example/p.png)\n<img src=x onerror=alert(1)>", "[a]: https://evil.example\n\n[a]", "linje\n\n\n\n\nlinje"]


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text, self.links, self.tags, self.hidden = "", [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [v for k, v in attrs if k in ("href", "src", "action", "background")]
        self.hidden += tag in ("style", "title")
        assert not any(k.startswith("on") for k, _ in attrs), attrs
        if tag in ("br", "p", "div", "td", "h1", "h2", "li"):
            self.text += " "

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.hidden:
            self.text += data


def addressee(raw):
    """(name, address) of a To: or From: as RFC 2047 says: the space between two encoded words is none."""
    raw = re.sub(r"\r?\n(?=[ \t])", "", raw)
    name, address = re.fullmatch(r"(.*?) ?<([^<>]*)>", raw, re.S).groups()
    if "=?" in name and not name.startswith('"'):
        return str(email.header.make_header(email.header.decode_header(name))), address
    return (re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name), address


def look(dump, to, own):
    """What holds for every mail, whatever was typed. The parsed mail, its text, its page, its To:."""
    head, raw = dump
    assert head["X-Rcpt-Args"] == ["<%s>" % to] and head["X-Mail-Args"] == ["<noreply@skole.example>"], head
    mail = parse(raw)
    names = list(mail.keys())
    assert names == [n for n in HEADERS if n in names] and {"From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"} <= set(names), names
    assert b"\r" not in raw and b"\0" not in raw
    top = raw.partition(b"\n\n")[0].decode("ascii")  # headers are ASCII
    assert all(len(line) <= 78 or " " not in line.strip() for line in top.split("\n")) and all(len(line) <= 998 for line in raw.split(b"\n")), max(top.split("\n"), key=len)
    assert all(len(word) <= 75 for word in re.findall(r"=\?[^?]*\?[QB]\?[^?]*\?=", top))
    parts = [p.get_content_type() for p in mail.walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"], parts
    assert not any(p.defects for p in mail.walk())
    page = Page(mail.get_body(("html",)).get_content())
    assert all(link.startswith((own, "mailto:support@example.dk")) for link in page.links), page.links
    assert not page.tags & {"script", "img", "form", "iframe", "b", "table-x"}, page.tags
    legacy = email.message_from_bytes(raw)
    return mail, mail.get_body(("plain",)).get_content(), page, addressee(legacy["To"])


def dump_for(sink, address, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        found = [d for d in sink.dumps() if d[0]["X-Rcpt-Args"] == ["<%s>" % address]]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError("nothing came for %s" % address)


def start(office, **answers):
    """The problem of `stafet start`, or None."""
    path = os.path.join(office.folder, "order.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(dict({"office": "office@example.dk", "sender": "Kontoret", "person": "Ida", "words": "Husk det."}, **answers), f)
    done = subprocess.run([BINARY, "start", "mailing", "--data", path], capture_output=True, env=dict(os.environ, STAFET_SITE=office.site), timeout=60)
    return done.stdout.decode() + done.stderr.decode() if done.returncode else None


def is_or_begins(shown, wanted):
    """Where nobody reads to its end, a very long one is shortened."""
    return shown == wanted or (shown.endswith("…") and len(shown) >= 80 and wanted.startswith(shown[:-1].strip()))


def shows(mail, text, page, to, value):
    """As name, in the subject, in the text and on the page."""
    wanted = squeezed(value)
    assert is_or_begins(squeezed(to[0]), wanted), (to, wanted)
    assert is_or_begins(squeezed(str(mail["Subject"])), squeezed("Til " + value)), mail["Subject"]
    assert "Hej " + wanted + " " in squeezed(text), (wanted, text[:300])
    assert "Hej " + wanted in squeezed(page.text), (wanted, page.text[:300])


def test_names_and_texts_are_printed_as_typed():
    with Sink() as sink, Office(sink.port) as office:
        office.start()
        own = office.server.url
        for number, value in enumerate(BROKEN):
            problem = start(office, person=value, asked=["broken%d@example.dk" % number])
            assert problem and "person: The text has a character that cannot be used" in problem, (value, problem)
            assert start(office, sender=value, readers=["broken%d@example.dk" % number])
        assert "not allowed" in start(office, person="Ida\0Holm", asked=["broken@example.dk"])
        for number, value in enumerate(ODD):
            assert start(office, person=value, words=value, asked=["odd%d@example.dk" % number]) is None, value
        for number, value in enumerate(LINES):
            assert start(office, words=value, asked=["line%d@example.dk" % number]) is None, value
        for number, value in enumerate(ODD):
            mail, text, page, to = look(dump_for(sink, "odd%d@example.dk" % number), "odd%d@example.dk" % number, own)
            shows(mail, text, page, to, value)
        for number, value in enumerate(LINES):
            mail, text, page, to = look(dump_for(sink, "line%d@example.dk" % number), "line%d@example.dk" % number, own)
            assert squeezed(value) in squeezed(text), (value, text)
            assert squeezed(value) in squeezed(page.text), (value, page.text)
            for line in filter(None, re.split(r"\r?\n", value)):
                if len(line) < 60:
                    assert re.search(r"^ *%s *$" % re.escape(line.strip()), text, re.M), (line, text)
        assert len(sink.dumps()) == len(ODD) + len(LINES)
        assert EVIL.encode() not in b"".join(" ".join(d[0]["X-Rcpt-Args"]).encode() for d in sink.dumps())


ADDRESSES = ["a@b.dk\r\nRCPT TO:<%s>" % EVIL, "a@b.dk\nBcc: %s" % EVIL, "a@b.dk> SIZE=1", "a@b.dk, %s" % EVIL, "a@b.dk;%s" % EVIL, "<a@b.dk>", "Ida <a@b.dk>", '"a b"@b.dk', "a(x)@b.dk", "a@b@c.dk", "a b@b.dk",
             "a@b.dk\u2028", "a@b\u2024dk>", "a..b@b.dk", ".a@b.dk", "a@b", "a@", "@b.dk", "a@-b.dk", "a" * 65 + "@b.dk", "a@" + "b" * 250 + ".dk", "æ@b.dk", "a@[127.0.0.1]", "a@b.dk\t", "a@b.dk\x7f",
             "=?utf-8?Q?a=40b.dk?=", "a@b.dk?cc=%s" % EVIL, "%s%%b.dk" % EVIL, "mailto:a@b.dk", "{{link}}@b.dk ", "\u202ea@b.dk"]


def test_an_address_that_is_none_is_refused():
    """What is taken has one recipient, and that is what was typed."""
    with Sink() as sink, Office(sink.port) as office:
        office.start()
        taken = []
        for value in ADDRESSES:
            problem = start(office, asked=[value])
            if problem is None:
                taken.append(value.strip().strip("\u2028\u202e"))  # what cannot be seen at its ends
            else:
                assert re.search(r"asked(\.1)?: \w.{20,}", problem), (value, problem)
        assert start(office, asked=["A.b+c@Boger.dk"]) is None
        assert not any(re.search(r"[\s<>(),;:\"\\\[\]]", a) for a in taken), taken
        office.wait("state = 'sent'", len(taken) + 1)
        sink.wait(len(taken) + 1)
        recipients = sorted(r[1:-1] for d in sink.dumps() for r in d[0]["X-Rcpt-Args"])
        assert recipients == sorted(taken + ["A.b+c@boger.dk"]), (recipients, taken)
        print("taken: %s" % taken)


def test_texted_as_typed():
    gateway = Peer("sms_peer.py")
    values = [v for v in ODD + LINES if len(v) < 300]
    try:
        with Sink() as sink, Office(sink.port, gateway=gateway.port) as office:
            site = os.path.join(office.site, "stafet.yaml")
            text = open(site, encoding="utf-8").read() + "  per_number: 1000\n  per_day: 100000\n"
            open(site, "w", encoding="utf-8").write(text)
            office.start()
            values += ["x&to=4511111111&text=y", "100 % +1 #2 ?a=b;c", "\"}, {\"msisdn\": 1"]
            for number, value in enumerate(values):
                assert start(office, words=value, phones=["+45201234%02d" % number]) is None, value
            for bad in ("+4520123456&x=1", "+4520123456\r\nX: 1", "20123456, 20123457", "+45{{token}}", "+1 900 555 5555 55555555555555", "tel:+4520123456"):
                assert "phones" in start(office, phones=[bad]), bad
            got = {m["number"]: m for m in gateway.wait(len(values), 40)}
            assert len(gateway.messages()) == len(values)
            for number, value in enumerate(values):
                fields = got["45201234%02d" % number]["fields"]
                assert set(fields) == {"to", "text"}, fields
                plain = squeezed(value).translate({0xa0: " ", 0x2028: " ", 0x2029: " "})
                same = squeezed(fields["text"]) == plain
                # Letters that only look better than plain ones may be sent as those (docs/design.md).
                assert same or any(ord(c) > 127 for c in value), (value, fields["text"])
    finally:
        gateway.stop()


def test_through_the_portal():
    """The same from a browser: a name that is refused stays on the page; one that is odd, and a reason of many lines, come out as typed."""
    with Sink() as sink:
        mail = "mail:\n  from_name: Fri\n  from_address: noreply@skole.example\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % sink.port
        site, _ = make_site([package("leave-request")], mail)
        path = os.path.join(site, "stafet.yaml")
        text = open(path, encoding="utf-8").read().replace("site:\n", "site:\n  trusted_proxies: [127.0.0.1]\n", 1)
        open(path, "w", encoding="utf-8").write(text)
        server = Server("serve", site)
        try:
            for number, value in enumerate(BROKEN[:6]):
                headers = {"X-Forwarded-For": "10.1.%d.1" % number}
                page = server.follow(server.get("/start/leave-request", headers=headers), headers)
                form = post_form(page)
                answer = server.post(form["action"] or "/start/leave-request", fill(form, application(number, employee_name=value)), headers=headers)
                assert answer.status == 422 and "tegn" in answer.text, (value, answer.status)
            odd = [v for v in ODD if 2 <= len(v) <= 60]
            for number, value in enumerate(odd):
                address = "portal%d@example.dk" % number
                walk(server, "/start/leave-request", application(number, employee_name=value, employee_email=address), headers={"X-Forwarded-For": "10.2.%d.1" % number})
                parsed, text, page, to = look(dump_for(sink, address), address, server.url)
                assert squeezed(to[0]) == squeezed(value), (to, value)
                assert squeezed(value) in squeezed(text) and squeezed(value) in squeezed(page.text), (value, text)
            for number, value in enumerate(v for v in LINES if len(v) < 1000):
                address = "reason%d@example.dk" % number
                walk(server, "/start/leave-request", application(number, employee_email=address, kind="other", note=value), headers={"X-Forwarded-For": "10.3.%d.1" % number})
                text = parse(dump_for(sink, address)[1]).get_body(("plain",)).get_content()
                walk(server, re.search(r"/l/[A-Za-z0-9_-]{43}", text).group(0), {"confirmed": "true"})
                found, end = [], time.time() + 20
                while not found and time.time() < end:
                    found = [d for d in sink.dumps() if squeezed(value) in squeezed(parse(d[1]).get_body(("plain",)).get_content())]
                assert found, "the manager was not told %r" % value
                look(found[0], found[0][0]["X-Rcpt-Args"][0][1:-1], server.url)
        finally:
            server.stop()


def test_from_a_register():
    """A row's name is printed as it stands there; an address that is none never becomes a recipient."""
    def cell(text):
        return '"%s"' % text.replace('"', '""')

    names = BROKEN[:7] + [v for v in ODD if 2 <= len(v) <= 100 and v.strip() == v]
    addresses = ["a@b.dk\r\nRCPT TO:<%s>" % EVIL, "a@b.dk, %s" % EVIL, "a@b.dk> SIZE=1", "Ida <a@b.dk>"]
    with Sink() as sink:
        mail = "mail:\n  from_name: Fri\n  from_address: noreply@skole.example\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % sink.port
        site, _ = make_site([package("leave-request")], mail)
        path = os.path.join(site, "stafet.yaml")
        text = open(path, encoding="utf-8").read().replace("site:\n", "site:\n  trusted_proxies: [127.0.0.1]\n", 1)
        open(path, "w", encoding="utf-8").write(text)
        server = Server("serve", site)
        done = []
        try:
            for number, (name, address) in enumerate([(n, None) for n in names] + [("Mette", a) for a in addresses]):
                who, manager = "row%d@example.dk" % number, address or "manager%d@example.dk" % number
                rows = "id,name,manager_name,manager_email,head_email\nworkshop,%s,%s,%s,head@example.dk\nsales,S,A,a@example.dk,head@example.dk\n" % (cell(name), cell(name), cell(manager))
                csv = os.path.join(os.path.dirname(site), "departments.csv")
                open(csv, "w", encoding="utf-8", newline="").write(rows)
                told = run("import", "leave-request.departments", csv, site=site, check=False)
                if told.returncode != 0:
                    assert re.search(r"departments\.csv|row|line|column", told.stdout + told.stderr), told
                    continue
                headers = {"X-Forwarded-For": "10.4.%d.1" % number}
                walk(server, "/start/leave-request", application(number, employee_email=who, department="workshop"), headers=headers)
                text = parse(dump_for(sink, who)[1]).get_body(("plain",)).get_content()
                walk(server, re.search(r"/l/[A-Za-z0-9_-]{43}", text).group(0), {"confirmed": "true"})
                if address:
                    assert "event=address-refused role=manager" in server.log_text()
                    continue
                parsed, text, page, to = look(dump_for(sink, manager), manager, server.url)
                assert squeezed(to[0]) == squeezed(name), (to, name)
                assert squeezed(name) in squeezed(text) and squeezed(name) in squeezed(page.text), (name, text)
                done.append(name)
            assert len(done) > 20 and not set(done) & set(BROKEN), done
            time.sleep(0.5)
            assert not any(EVIL in r or "b.dk" in r for d in sink.dumps() for r in d[0]["X-Rcpt-Args"])
        finally:
            server.stop()


def test_from_the_configuration():
    """A site's name: what could end a line is refused with its place; what is only odd is printed."""
    names = ["\"Skolen\" <%s>, x" % EVIL, "=?utf-8?Q?=0D=0ABcc:_x?=", "Å" * 200, "Skole; x: <y>"]
    with Sink() as sink:
        for name in names:
            with Office(sink.port) as office:
                path = os.path.join(office.site, "stafet.yaml")
                text = open(path, encoding="utf-8").read().replace("from_name: Skolen", "from_name: %s" % json.dumps(name, ensure_ascii=False))
                open(path, "w", encoding="utf-8").write(text)
                office.start()
                address = "name%d@example.dk" % names.index(name)
                assert start(office, asked=[address]) is None
                dump = dump_for(sink, address)
                look(dump, address, office.server.url)
                assert addressee(email.message_from_bytes(dump[1])["From"]) == (name, "noreply@skole.example")
        for broken in ("Skolen\\r\\nBcc: x", "Skolen\\nBcc: x", "Skolen\\u0085x", "Skolen\\0x"):
            with Office(sink.port) as office:
                path = os.path.join(office.site, "stafet.yaml")
                good = open(path, encoding="utf-8").read()
                for key in ("from_name: Skolen", "from_address: noreply@skole.example", "relay: smtp://127.0.0.1:%d" % sink.port):
                    with open(path, "w", encoding="utf-8") as f:
                        f.write(good.replace(key, '%s: "%s"' % (key.split(":")[0], broken)))
                    done = subprocess.run([BINARY, "serve", office.site], capture_output=True, text=True, timeout=60)
                    assert done.returncode == 1 and re.search(r"stafet\.yaml:\d+:\d+: ", done.stdout + done.stderr), (key, broken, done.stdout + done.stderr)


main([test_names_and_texts_are_printed_as_typed, test_an_address_that_is_none_is_refused, test_texted_as_typed, test_through_the_portal, test_from_a_register,
      test_from_the_configuration])
