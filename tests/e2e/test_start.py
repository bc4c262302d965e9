"""Public starts from outside: a button pressed twice, an address used too often, forms that were never sent, strangers who only hold connections."""
import concurrent.futures, os, resource, shutil, signal, socket, sqlite3, tempfile, time
from stafet import *

FORM_OF_ONE_PAGE = """\
workflow: order
start: {by: asker, form: ask, public: true}
initial: unconfirmed
roles: {asker: {contact: email, name: person}}
data:
  person: {type: text, max: 40}
  email: {type: email}
  amount: {type: int, min: 1, max: 100}
  agreed: {type: bool, accept: true}
forms:
  ask: {fields: [person, email, amount], check: false}
  confirm: {fields: [agreed], check: false}
states:
  unconfirmed:
    entry: [{send: {to: asker, message: mail, link: confirm}}]
    after: [{in: 7d, target: gone}]
    on: {confirm: {by: asker, form: confirm, target: done}}
  done: {final: true}
  gone: {final: true}
"""
FORM_OF_TWO_PAGES = FORM_OF_ONE_PAGE.replace("workflow: order", "workflow: tour").replace(
    "{fields: [person, email, amount], check: false}", "{pages: [{name: you, fields: [person, email]}, {name: what, fields: [amount]}]}")
TEXTS = """\
title: Bestilling
intro: Bestil noget
roles: {asker: Bestiller}
fields: {person: {label: Dit navn}, email: {label: Din e-mail}, amount: {label: Antal}, agreed: {label: Jeg er enig}}
forms:
  ask: {title: Bestil, submit: Send, receipt: {title: Modtaget, text: Tak}%s}
  confirm: {title: Bekræft, submit: Bekræft, receipt: {title: Bekræftet, text: Tak}}
states: {unconfirmed: Ubekræftet, done: Færdig, gone: Udløbet}
events: {confirm: Bekræft}
"""
MAIL = "subject: Hej\n---\nHej {{recipient}}\n\n[Åbn]({{link}})\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def make_site():
    folder = tempfile.mkdtemp(prefix="stafet-start-")
    packages = []
    for name, workflow, pages in (("order", FORM_OF_ONE_PAGE, ""), ("tour", FORM_OF_TWO_PAGES, ", pages: {you: Om dig, what: Hvad}")):
        package = os.path.join(folder, name)
        packages.append(package)
        write(os.path.join(package, "workflow.yaml"), workflow)
        for language in ("da", "en"):
            write(os.path.join(package, "texts", language + ".yaml"), TEXTS % pages)
            write(os.path.join(package, "messages", "mail.%s.md" % language), MAIL)
    site = os.path.join(folder, "site")
    run("init", site, "--with", *packages)
    return site


site = server = None
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def open_form(path, **typed):
    """What a browser would send from a freshly opened form."""
    fields = {name: field["values"] for name, field in forms(server.get(path))[0]["fields"].items()}
    return dict(fields, **typed)


def rows(sql):
    with sqlite3.connect("file:%s/data/stafet.db?mode=ro" % site, uri=True) as db:
        return db.execute(sql).fetchone()[0]


def test_a_double_press_starts_once():
    sent = open_form("/start/order", person="Ida", email="ida@example.dk", amount="3")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda i: server.post("/start/order", sent), range(5)))
    assert [a.status for a in answers] == [303] * 5
    assert len({a.header("Location") for a in answers}) == 1
    assert "Modtaget" in server.follow(answers[0]).text
    assert rows("SELECT count(*) FROM instances") == 1
    # Back, and something else typed: that is another one.
    other = server.post("/start/order", dict(sent, amount="4"))
    assert other.header("Location") != answers[0].header("Location")
    assert rows("SELECT count(*) FROM instances") == 2


def test_an_address_starts_only_so_often():
    answers = [server.post("/start/order", open_form("/start/order", person="Eva", email="eva@example.dk", amount="1")) for _ in range(11)]
    assert [a.status for a in answers[:10]] == [303] * 10
    assert answers[10].status == 429, answers[10].status
    # Refused before anything is written: no link is left behind, and the network is not counted.
    assert rows("SELECT count(*) FROM links WHERE kind = 'start' AND state = 'live'") == 0
    assert server.post("/start/order", open_form("/start/order", person="Bo", email="bo@example.dk", amount="1")).status == 303


def test_forms_never_sent_are_swept():
    answer = server.post("/start/tour", open_form("/start/tour", person="Ida", email="ida@example.dk"))
    assert answer.status == 303 and rows("SELECT count(*) FROM drafts") == 1
    server.post("/demo/clock", {"advance": "400d"})
    server.process.send_signal(signal.SIGHUP)
    end = time.time() + 10
    while rows("SELECT count(*) FROM drafts") + rows("SELECT count(*) FROM counters") and time.time() < end:
        time.sleep(0.05)
    assert rows("SELECT count(*) FROM drafts") == 0
    assert rows("SELECT count(*) FROM counters") == 0
    assert server.get(answer.header("Location")).status == 404


def test_held_connections_do_not_lock_others_out():
    if HARD < 4096:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, HARD))
    held = []
    host, port = server.host.split(":")
    for i in range(1200):
        s = socket.socket()
        s.bind(("127.0.0.%d" % (2 + i % 3), 0))  # three strangers
        s.settimeout(5)
        s.connect((host, int(port)))
        s.sendall(b"GET / HTTP/1.1\r\n")
        held.append(s)
    assert server.get("/healthz", timeout=5).status == 200
    for s in held:
        s.close()


def test_nothing_is_broken():
    assert "0 faults" in run("verify", site=site).stdout
    assert server.stop() == 0


if __name__ == "__main__":
    site = make_site()
    # Few files, as a login shell has them: the server must help itself.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, HARD), HARD))
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        if server.process.poll() is None:
            server.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)
