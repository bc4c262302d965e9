"""Overviews of very many cases, from outside: paging, search, filters, the spreadsheet that is poured while others are served, readers that stop reading."""
import csv, glob, io, os, re, socket, sqlite3, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import Server, forms, main, run, walk

WORKFLOW = """\
workflow: job
start: {by: asker, form: ask, public: true}
initial: open
roles:
  asker: {contact: email, name: person}
data:
  person: {type: text, max: 40}
  email: {type: email}
  kind: {type: choice, options: [big, small]}
  due: {type: date}
  sure: {type: bool, accept: true}
forms:
  ask: {fields: [person, email, kind, due], check: false}
  confirm: {fields: [sure], check: false}
states:
  open:
    entry: [{send: {to: asker, message: mail, link: all}}]
    after: [{in: 7d, target: gone}]
    on:
      confirm: {by: asker, form: confirm, target: gone}
  gone: {final: true}
views:
  all: {kind: list, for: asker, columns: [person, kind, due, state, changed_at], search: [person, due], filters: [state, kind], overdue: "state == 'open' && today > due", export: true, page: one}
  one: {kind: page, for: asker, fields: [person, due], timeline: true}
"""
TEXTS = """\
title: Opgave
roles: {asker: Bestiller}
fields:
  person: {label: Navn}
  email: {label: E-mail}
  kind: {label: Art, options: {big: Stor, small: Lille}}
  due: {label: Frist, date: short}
  sure: {label: Ja}
forms:
  ask: {title: Bestil, submit: Send, receipt: {title: Modtaget, text: Tak}}
  confirm: {title: Bekræft, submit: Bekræft, receipt: {title: Bekræftet, text: Tak}}
states: {open: Åben, gone: Lukket}
events: {confirm: Bekræft}
messages: {mail: Kvittering}
views: {all: {title: "Opgaver på Ærø", empty: Ingen}, one: {title: Opgave}}
"""
MANY = 100000

server = path = site = None


def write(name, text):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)


def reference(number):
    letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    text = "".join(letters[(number >> (5 * i)) & 31] for i in range(7, -1, -1))
    return text[:4] + "-" + text[4:]


def multiply(many):
    """Copies of the one case there is, straight into the store: what a list reads, no more."""
    (name,) = glob.glob(os.path.join(site, "**", "*.db"), recursive=True)
    db = sqlite3.connect(name)
    db.execute("PRAGMA synchronous = OFF")
    old = db.execute("SELECT id FROM instances").fetchone()[0]
    first = old + 1000
    db.executemany("INSERT INTO instances (id, reference, workflow, definition, state, data, version, root_id, started_at, entered_at, changed_at)"
                   " SELECT ?1, ?2, workflow, definition, state, replace(data, 'Åse Ågård', 'Person ' || ?3), version, ?1, started_at + ?3, entered_at, changed_at + ?3"
                   " FROM instances WHERE id = ?4", [(first + i, reference(i), i, old) for i in range(many)])
    db.executemany("INSERT INTO participations (instance_id, role, contact_id, name) SELECT ?1, role, contact_id, name FROM participations WHERE instance_id = ?2",
                   [(first + i, old) for i in range(many)])
    db.executemany("INSERT INTO listings SELECT ?1, workflow, state, started_at + ?2, changed_at + ?2, fields, replace(search_text, 'aase aagaard', 'person ' || ?2)"
                   " FROM listings WHERE instance_id = ?3", [(first + i, i, old) for i in range(many)])
    db.execute("INSERT INTO overdue SELECT ?1, view, at FROM overdue WHERE instance_id = ?2", (first, old))
    db.commit()
    db.close()


def open_server():
    global server, path, site
    folder = tempfile.mkdtemp(prefix="stafet-views-")
    package = os.path.join(folder, "job")
    write(os.path.join(package, "workflow.yaml"), WORKFLOW)
    for language in ("da", "en"):
        write(os.path.join(package, "texts", language + ".yaml"), TEXTS)
        write(os.path.join(package, "messages", "mail.%s.md" % language), "subject: Hej\n---\nHej\n\n[Åbn]({{link}})\n")
    site = os.path.join(folder, "site")
    run("init", site, "--with", package)
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    walk(server, "/start/job", {"person": "Åse Ågård", "email": "ida@example.dk", "kind": "big", "due": "2020-12-05"})
    path = urllib.parse.urlsplit(server.mails_to("ida@example.dk")[-1]["links"][0]).path
    server.stop()
    multiply(MANY)
    server = Server("demo", site, "--listen", "127.0.0.1:0")


def is_one(text):
    return re.search(r"Antal: 1[ <]", text)


def timed(query):
    """The page, and the seconds it took; the first of a connection to the store warms its cache."""
    best = None
    for _ in range(3):
        began = time.monotonic()
        page = server.get(path + query)
        took = time.monotonic() - began
        assert page.status == 200, (query, page.status, page.text[-400:])
        best = took if best is None else min(best, took)
    return page.text, best


def test_pages_of_very_many():
    text, took = timed("")
    assert "1–50 af 100.001" in text and "Side 1 af 2.001" in text, text
    print("     first of %d rows: %.0f ms" % (MANY, took * 1000))
    text, took = timed("?page=2001")
    assert "100.001–100.001 af 100.001" in text and "Side 2.001 af 2.001" in text
    print("     last page: %.0f ms" % (took * 1000))
    text, took = timed("?q=person+%d" % (MANY - 1))
    assert is_one(text) and "Person %d" % (MANY - 1) in text
    print("     search: %.0f ms" % (took * 1000))
    text, took = timed("?f.kind=small")
    assert "Ingen passer" in text
    print("     filter: %.0f ms" % (took * 1000))
    text, took = timed("?sort=due&page=1000")
    assert "aria-sort=\"ascending\">Frist" in text
    print("     sorted by a date: %.0f ms" % (took * 1000))


def test_search_finds_as_people_type():
    for typed in ("aagaard", "ÅSE", "gård", "aase 2020"):
        text = server.get(path + "?" + urllib.parse.urlencode({"q": typed})).text
        assert "Åse Ågård" in text and is_one(text), typed
    for typed in ("05-12", "5/12", "5.12.2020", "2020-12-05"):
        text = server.get(path + "?" + urllib.parse.urlencode({"q": "ågård " + typed})).text
        assert is_one(text), typed


def test_the_form_keeps_what_was_chosen():
    text = server.get(path + "?q=person&f.kind=big&f.state=open&sort=-due&overdue=1")
    form = [f for f in forms(text) if f["method"] == "get"][0]
    chosen = {name: field["values"] for name, field in form["fields"].items()}
    assert chosen["q"] == ["person"] and chosen["f.kind"] == ["big"] and chosen["f.state"] == ["open"] and chosen["sort"] == ["-due"] and chosen["overdue"] == ["1"], chosen
    assert "1–" not in text.text and is_one(text.text) and "Forsinket</strong>" in text.text


def test_overdue_is_counted_and_found():
    text = server.get(path).text
    assert "Forsinkede: 2</a>" in text, text[:3000]
    text = server.get(path + "?overdue=1").text
    assert "Antal: 2<" in text and text.count("Forsinket</strong>") == 2


def test_a_spreadsheet_hinders_nobody():
    slowest, done = [0.0], threading.Event()

    def visit():
        while not done.is_set():
            began = time.monotonic()
            assert server.get("/").status == 200
            slowest[0] = max(slowest[0], time.monotonic() - began)
            time.sleep(0.02)

    visitor = threading.Thread(target=visit)
    visitor.start()
    began = time.monotonic()
    try:
        answer = server.get(path + "?export=csv", timeout=120)
    finally:
        done.set()
        visitor.join()
    assert answer.status == 200 and answer.header("Content-Type") == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="opgaver-paa-aeroe-\d{4}-\d\d-\d\d\.csv"', answer.header("Content-Disposition")), answer.header("Content-Disposition")
    assert answer.header("Set-Cookie") is None
    rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == ["Navn", "Art", "Frist", "Status", "Senest ændret", "Referencenummer", "Forsinket"], rows[0]
    assert len(rows) == MANY + 2 and len({row[5] for row in rows}) == MANY + 2
    assert rows[1][0] == "Person %d" % (MANY - 1) and rows[1][2] == "05-12-2020" and rows[-1][0] == "Åse Ågård" and rows[-1][6] == "Ja"
    assert answer.body.count(b"\r\n") == MANY + 2 and answer.body.startswith(b"\xef\xbb\xbf")
    print("     %d rows, %.1f MB in %.1f s; the slowest other page took %.0f ms" % (MANY, len(answer.body) / 1e6, time.monotonic() - began, slowest[0] * 1000))
    assert slowest[0] < 3


def test_a_spreadsheet_has_the_rows_that_are_shown():
    answer = server.get(path + "?q=person+99&overdue=1&export=csv")
    assert len(answer.text.splitlines()) == 1
    answer = server.get(path + "?q=g%C3%A5rd&export=csv")
    assert len(answer.text.splitlines()) == 2 and "Åse Ågård;Stor;05-12-2020;Åben" in answer.text
    assert server.request("HEAD", path + "?export=csv").status == 200
    assert server.post(path + "?export=csv", {"q": "x"}).status == 405


def is_open(local, remote):
    """Whether the server still holds its end of this connection open."""
    for line in open("/proc/net/tcp"):
        fields = line.split()
        ports = [int(f.split(":")[1], 16) for f in fields[1:3]] if ":" in fields[1] else None
        if ports == [local, remote]:
            return fields[3] == "01"
    return False


def test_a_reader_that_stops_is_ended():
    host, port = server.host.split(":")
    with socket.socket() as s:
        s.settimeout(60)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((host, int(port)))
        s.sendall(("GET %s?export=csv HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, server.host)).encode())
        assert s.recv(100).startswith(b"HTTP/1.1 200")
        began, mine = time.monotonic(), s.getsockname()[1]
        assert is_open(int(port), mine)
        while is_open(int(port), mine) and time.monotonic() < began + 60:
            time.sleep(0.2)
        assert not is_open(int(port), mine), "still open after a minute"
        print("     ended after %.0f s" % (time.monotonic() - began))
    assert server.get("/").status == 200


def test_readers_that_go_away():
    host, port = server.host.split(":")
    for _ in range(30):
        with socket.create_connection((host, int(port)), timeout=60) as s:
            s.sendall(("GET %s?export=csv HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, server.host)).encode())
            s.recv(1000)
    assert server.get("/").status == 200


def test_a_page_tells_what_happened():
    text = server.get(path + "?q=g%C3%A5rd").text
    row = re.search(r'href="([^"]*row=[^"]*)"', text).group(1)
    text = server.get(row.replace("&amp;", "&")).text
    assert "Sagen begyndte" in text and "Sendt: Kvittering til Bestiller (dig)" in text and "Derefter er status: Lukket" in text, text


def test_it_ends_in_the_middle_of_an_export():
    host, port = server.host.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as s:
        s.sendall(("GET %s?export=csv HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, server.host)).encode())
        s.recv(1000)
        began = time.monotonic()
        assert server.stop() == 0
        print("     stopped in %.1f s" % (time.monotonic() - began))


open_server()
main([test_pages_of_very_many, test_search_finds_as_people_type, test_the_form_keeps_what_was_chosen, test_overdue_is_counted_and_found,
      test_a_spreadsheet_has_the_rows_that_are_shown, test_a_page_tells_what_happened, test_a_spreadsheet_hinders_nobody, test_readers_that_go_away,
      test_a_reader_that_stops_is_ended, test_it_ends_in_the_middle_of_an_export])
