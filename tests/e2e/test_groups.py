"""Groups in a form: items are added, taken away, judged field by field, checked, kept, shown and exported; and every trick with their names.
On the package tests/packages/equipment."""
import datetime, html, os, re, shutil, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

server = site = None
starts = 0


def words(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def day(days):
    return (datetime.date.today() + datetime.timedelta(days=days)).strftime("%d-%m-%Y")


def things(*items):
    """Answers for the fields of the items, with what every item needs."""
    usual = {"kind": "tool", "number": "1", "from": day(7)}
    return {"things.%d.%s" % (i + 1, name): str(value) for i, item in enumerate(items) for name, value in dict(usual, **item).items()}


def page_of_things(**people):
    """A fresh start form on its second page: (the link, the page). No network may begin many in an hour."""
    global starts
    starts += 1
    if starts % 25 == 0:
        server.post("/demo/clock", {"advance": "61min"})
    first = server.get("/start/equipment")
    names = dict({"borrower_name": "Ida", "borrower_email": "ida%d@example.dk" % starts, "keeper_email": "bo%d@example.dk" % starts}, **people)
    answer = server.post("/start/equipment", fill(post_form(first), names))
    assert answer.status == 303, answer.text
    where = answer.header("Location")
    return where.split("?")[0], server.get(where)


def press(page, answers, button=None):
    """As a browser sends the page: what stands there, what was typed over it, and the button. A blank button: the one that goes on."""
    form = post_form(page)
    for name in answers:
        assert name in form["fields"], (name, sorted(form["fields"]))
    fields = [(n, v) for n, v in fill(form, answers) if not n.startswith(".add") and not n.startswith(".remove")]
    if button:
        assert button in form["submit"], (button, form["submit"])
        fields.append(button)
    return server.follow(server.post(form["action"], fields))


def send(where, extra):
    """The hidden fields of the page of things as it is now, and whatever a stranger makes up."""
    form = post_form(server.get(where + "?step=2"))
    return server.follow(server.post(form["action"], [(n, v) for n, f in form["fields"].items() if f["kind"] == "hidden" for v in f["values"]] + list(extra)))


def shown(page):
    """What stands in the inputs of the group, without the blank ones."""
    return {n: f["values"][0] for n, f in post_form(page)["fields"].items() if n.startswith("things.") and any(v.strip() for v in f["values"])}


def mail_to(address, subject):
    end = time.time() + 10
    while time.time() < end:
        found = [m for m in server.mails_to(address) if subject in m["subject"]]
        if found:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError("no mail '%s' to %s" % (subject, address))


def test_an_item_is_a_fieldset_with_its_fields():
    where, page = page_of_things()
    fields = [n for n in post_form(page)["fields"] if n.startswith("things")]
    assert fields == ["things.1." + n for n in ("name", "kind", "number", "from", "until", "room", "note")], fields
    assert "<legend>Hvad vil du låne?</legend>" in page.text and "<legend>Udstyr 1</legend>" in page.text
    assert '<label for="f-things-1-until">Til og med hvilken dag? <span class="optional">(frivilligt)</span></label>' in page.text
    assert "Garagen" not in page.text, "rows that the rule leaves out"
    assert [b for b in post_form(page)["submit"] if b[0]] == [(".add", "things"), (".later", "1")], "the only item cannot be taken away"
    assert post_form(page)["submit"][0] == ("", ""), "Enter goes on"
    assert "Tilføj mere udstyr" in page.text


def test_add_and_remove_keep_what_is_typed():
    where, page = page_of_things()
    page = press(page, {"things.1.name": "Bor", "things.1.number": "ikke et tal"}, (".add", "things"))
    assert page.status == 200 and shown(page) == {"things.1.name": "Bor", "things.1.number": "ikke et tal"}, "nothing is judged before it is sent"
    assert re.search(r'name="things\.2\.name"[^>]* autofocus', page.text) and page.text.count("autofocus") == 1, "the new item has the focus"
    page = press(page, {"things.2.name": "Sav", "things.2.note": "Første linje\nAnden linje", "things.2.kind": "book", "things.2.room": "l"}, (".add", "things"))
    page = press(page, {"things.3.name": "<b>Stige</b> & \"co\""}, (".add", "things"))
    form = post_form(page)
    assert (".add", "things") not in form["submit"] and (".remove", "things.4") in form["submit"], "four at most"
    assert page.text.count('class="item"') == 4
    page = press(page, {}, (".remove", "things.1"))
    assert shown(page) == {"things.1.name": "Sav", "things.1.note": "Første linje\nAnden linje", "things.1.kind": "book", "things.1.room": "l", "things.2.name": "<b>Stige</b> & \"co\""}, shown(page)
    assert "<b>Stige" not in page.text
    assert re.search(r'name="things\.1\.name"[^>]* autofocus', page.text), "the reader stays with the list"
    page = press(page, {}, (".remove", "things.2"))
    assert page.text.count('class="item"') == 1 and (".remove", "things.1") not in post_form(page)["submit"]
    # Saved as it is, on any device.
    again = server.get(where + "?step=2")
    assert shown(again)["things.1.name"] == "Sav"


def test_each_field_of_each_item_is_judged():
    where, page = page_of_things()
    page = press(page, {}, (".add", "things"))
    assert page.text.count('class="item"') == 2
    first = press(page, {})
    assert first.status == 422 and "Hvad vil du låne? Udfyld feltet" in words(first) and 'href="#f-things-1-name"' in first.text, words(first)
    page = press(page, {"things.1.name": "Bor", "things.2.name": "x" * 61, "things.2.kind": "book", "things.2.number": "2", "things.2.from": day(7), "things.2.until": day(6)})
    assert page.status == 422 and page.text.count("<title>Fejl: ") == 1
    told = re.findall(r'<li><a href="#([^"]+)">(.*?)</a></li>', page.text)
    assert [t[0] for t in told] == ["f-things-1-kind", "f-things-1-number", "f-things-1-from", "f-things-2-name", "f-things-2-number", "f-things-2-until"], told
    assert html.unescape(told[0][1]) == "Udstyr 1, Slags: Vælg et svar" and "Udstyr 2, Antal: Du kan kun låne én af hver bog" == html.unescape(told[4][1]), told
    for anchor, text in told:
        assert ' id="%s"' % anchor in page.text, anchor
    assert 'id="e-things-2-until"' in page.text and re.search(r'name="things\.2\.until"[^>]*aria-describedby="h-things-2-until e-things-2-until"[^>]*aria-invalid="true"', page.text)
    assert shown(page)["things.2.until"] == day(6) and shown(page)["things.2.number"] == "2", "what was typed stays"
    # All of them together: at the group.
    page = press(page, things({"name": "Bor"}, {"name": "Bor", "until": day(9)}))
    assert page.status == 422 and "Hvad vil du låne? Det samme står der to gange. Ret antallet i stedet" in words(page), words(page)
    # A blank item in the middle is no item.
    page = press(page, {"things.1." + n: "" for n in ("name", "number", "from", "kind")})
    assert page.status == 200 and "Afhentning" in words(page), words(page)
    assert shown(server.get(where + "?step=2"))["things.1.until"] == day(9)


def test_check_change_back_and_receipt():
    where, page = page_of_things()
    page = press(page, {}, (".add", "things"))
    page = press(page, things({"name": "Boremaskine", "note": "Den store", "until": day(9)}, {"name": "Håndbog", "kind": "book", "room": "k"}))
    page = press(page, {})  # nobody fetches it
    # The check page lists every item with all of its fields.
    said = words(page)
    assert "Udstyr 1 Navn Boremaskine Slags Værktøj Antal 1" in said and "Rum Ikke udfyldt Bemærkning Den store" in said and "Udstyr 2 Navn Håndbog Slags Bog" in said and "Rum Kælderen" in said, said
    assert "Afhentere Ikke udfyldt" in said
    change = html.unescape(re.search(r'href="([^"]*change=1#f-things)"', page.text).group(1))
    page = server.get(change.split("#")[0])
    assert ' id="f-things"' in page.text and shown(page)["things.2.name"] == "Håndbog"
    page = press(page, {}, (".add", "things"))  # from the check page, and back to it
    page = press(page, dict(things({"name": "Boremaskine"}, {"name": "Håndbog", "kind": "book"}, {"name": "Stige"})))
    assert "Tjek dine svar" in words(page) and "Udstyr 3 Navn Stige" in words(page), words(page)
    form = post_form(page)
    done = server.follow(server.post(form["action"], fill(form, {})))
    assert done.status == 200 and "Næsten færdig" in words(done) and "Udstyr 3 Navn Stige" in words(done), words(done)
    assert re.search(r"Du vil låne: Boremaskine til og med [a-zø]+ den \d+\. [a-z]+ \d{4} Håndbog Stige Bekræft", words(done)), words(done)


def lend(who):
    """The whole way of a loan: to the keeper's own page of what came back."""
    borrower, keeper, fetcher = [name % who for name in ("ann%s@example.dk", "keeper%s@example.dk", "eva%s@example.dk")]
    where, page = page_of_things(borrower_email=borrower, keeper_email=keeper)
    page = press(page, {}, (".add", "things"))
    page = press(page, things({"name": "=SUM(A1)", "note": "Med \"kasse\""}, {"name": "Håndbog", "kind": "book"}))
    page = press(page, {}, (".add", "fetchers"))
    page = press(page, {"fetchers.1.name": "Per", "fetchers.1.key": "true", "fetchers.2.name": "Eva", "fetchers.2.email": fetcher, "fetchers.2.key": "false"})
    form = post_form(page)
    server.follow(server.post(form["action"], fill(form, {})))
    asked = mail_to(borrower, "Bekræft dit lån")
    assert '=SUM(A1), 1 stk. (Med "kasse")' in asked["text"] and "Håndbog, 1 stk." in asked["text"], asked["text"]
    walk(server, asked["links"][0], {"agreed": "true"})
    please = mail_to(keeper, "vil låne")
    assert "Navn: =SUM(A1), Slags: Værktøj, Antal: 1" in re.sub(r"\s+", " ", please["text"]), please["text"]
    answer = server.get(please["links"][0])
    assert "Afhenter 2 Navn Eva E-mailadresse %s Nøgle Nej" % fetcher in words(answer), words(answer)
    walk(server, please["links"][0], {"answer": "yes"})
    fetch = mail_to(fetcher, "kan hentes")
    assert "Per henter det. Eva henter det og låner en nøgle." in re.sub(r"\s+", " ", fetch["text"]), fetch["text"]
    loan = server.get(fetch["links"][0])
    assert "Udstyr 2 Navn Håndbog" in words(loan) and not forms(loan), words(loan)
    return borrower, keeper, mail_to(keeper, "kommer tilbage")["links"][0]


def test_the_whole_loan():
    borrower, keeper, link = lend("-a")
    # What came back: the form stands filled in with the instance's items.
    page = server.get(link)
    assert shown(page)["things.1.name"] == "=SUM(A1)" and shown(page)["things.2.kind"] == "book", shown(page)
    page = press(page, {}, (".remove", "things.1"))
    page = press(page, {})
    form = post_form(page)
    server.follow(server.post(form["action"], fill(form, {})))
    assert "Håndbog er kommet tilbage" in mail_to(borrower, "Tak for lån")["text"]


def log_in(address):
    page = server.get("/home/otplogin")
    answer = server.post(post_form(page)["action"], fill(post_form(page), {"address": address}))
    cookies = "; ".join(v.split(";")[0] for k, v in answer.headers if k.lower() == "set-cookie")
    code = re.search(r"(?<!\d)\d{6}(?!\d)", mail_to(address, "kode")["text"]).group(0)
    page = server.follow(answer, {"Cookie": cookies})
    answer = server.post(post_form(page)["action"], fill(post_form(page), {"code": code}), headers={"Cookie": cookies})
    cookies = "; ".join([cookies] + [v.split(";")[0] for k, v in answer.headers if k.lower() == "set-cookie"])
    return {"Cookie": cookies}


def test_lists_find_and_export_them():
    borrower, keeper, link = lend("-b")
    who = log_in(keeper)
    page = server.get("/backend?view=equipment.loans&q=h%C3%A5ndb", headers=who)
    assert page.status == 200 and "Navn: =SUM(A1), Slags: Værktøj, Antal: 1, Fra: " in words(page) and "; Navn: Håndbog, Slags: Bog, Antal: 1" in words(page), words(page)
    assert "Navn: Håndbog" not in words(server.get("/backend?view=equipment.loans&q=slags", headers=who)), "what the fields are called is not searched"
    way = html.unescape(re.search(r'href="([^"]*export=csv[^"]*)"', page.text).group(1))
    csv = server.get(way, headers=who)
    row = [line for line in csv.text.split("\r\n") if "Håndbog" in line][0]
    assert re.match(r'Ida;"Navn: =SUM\(A1\), Slags: Værktøj, Antal: 1, Fra: \d\d-\d\d-\d\d, Bemærkning: Med ""kasse""; Navn: Håndbog, Slags: Bog, Antal: 1, Fra: \d\d-\d\d-\d\d";Udlånt;', row), row


def test_prefilled_from_before():
    borrower, keeper, link = lend("-c")
    who = log_in(borrower)
    first = server.get("/start/equipment", headers=who)
    answer = server.post("/start/equipment", fill(post_form(first), {"keeper_email": keeper}), headers=who)
    page = server.get(answer.header("Location"), headers=who)
    assert shown(page)["things.2.name"] == "Håndbog" and shown(page)["things.1.note"] == "Med \"kasse\"", "answers of before"
    page = server.follow(server.post(post_form(page)["action"], fill(post_form(page), {}), headers=who), who)
    form = post_form(page)
    assert form["fields"]["fetchers.2.name"]["values"] == ["Eva"] and form["fields"]["fetchers.2.key"]["values"] == [], "yes and no are answered anew"


def test_names_from_strangers():
    where, page = page_of_things()
    good = [(n, v) for n, v in things({"name": "Bor"}).items()]
    # Names that no page has are nobody's answers.
    for name in ("things", "things.", "things.1", "things.1.", "things.0.name", "things.01.name", "things.+1.name", "things.-1.name", "things. 1.name", "things.1.name.x", "things.1.nobody",
                 "things.1e1.name", "things.9.name", "things.1000000000.name", "things.18446744073709551617.name", "things.\u0661.name", "things..name", ".things.1.name", "Things.1.name",
                 "things.1.name ", "things[1].name", "fetchers.1.name", "things.1.fields.name", "f-things-1-name"):
        answer = send(where, [(name, "Ond")] + good)
        assert answer.status == 200 and "Afhentning" in words(answer), (name, answer.status, words(answer))
        assert "Ond" not in server.get(where + "?step=2").text, name
        assert not post_form(answer)["fields"]["fetchers.1.name"]["values"][0], name
    # Holes close; what comes twice is told.
    answer = send(where, [("things.%d%s" % (8, n[len("things.1"):]), v) for n, v in good])
    assert answer.status == 200 and shown(server.get(where + "?step=2"))["things.1.name"] == "Bor"
    answer = send(where, good + [("things.1.name", "Sav")])
    assert answer.status == 422 and "Udstyr 1, Navn: Du kan højst angive 1" in words(answer), words(answer)
    answer = send(where, good + [("things.1.kind", "<script>")])
    assert answer.status == 422 and "<script>" not in answer.text
    # More than there may be: told, kept, and bounded.
    answer = send(where, [("things.%d.name" % i, "Nr %d" % i) for i in range(1, 400)])
    assert answer.status == 422 and answer.text.count('class="item"') == 8 and "Nr 8" in answer.text and "Nr 9" not in answer.text, answer.text.count('class="item"')
    answer = send(where, [(n, v) for n, v in things(*[{"name": "Nr %d" % i} for i in range(5)]).items()])
    assert answer.status == 422 and "Hvad vil du låne? Du kan højst angive 4" in words(answer), words(answer)
    # Buttons that no page has.
    for button in ((".remove", "things"), (".remove", "things.99999999999999999999"), (".remove", "things.-1"), (".remove", "nothing.1"), (".remove", "."), (".add", "nothing"), (".add", "things.1"),
                   (".add", "borrower_name"), (".remove", "things.1.name")):
        answer = send(where, good + [button])
        assert answer.status == 200 and answer.text.count('class="item"') in (1, 2), (button, answer.status)
    answer = server.get(where + "?step=2&more=things.1&less=%3Cb%3E")
    assert answer.status == 200 and "<b>" not in answer.text
    assert shown(server.get(where + "?step=2"))["things.1.name"] == "Bor"


def test_a_wrong_item_is_never_stored():
    where, page = page_of_things()
    for value in ("x" * 61, "a\u0000b", "a\u202eb", "\u2028", "  "):
        answer = send(where, list(things({"name": value}).items()))
        assert answer.status in (400, 422), (repr(value), answer.status)
    assert "Tjek dine svar" not in words(server.get(where + "?step=check"))


def test_english():
    where, page = page_of_things()
    page = server.get(where + "?step=2&lang=en")
    assert "<legend>Equipment 1</legend>" in page.text and "Add more equipment" in page.text
    page = press(page, {"things.1.name": "Drill"})
    assert "Equipment 1, Kind: Choose an answer" in words(page) or "Equipment 1, Kind:" in words(page), words(page)


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="stafet-groups-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", os.path.join(ROOT, "tests", "packages", "equipment"))
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        if server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
