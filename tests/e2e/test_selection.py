"""A selection round over HTTP, as doctors, the secretariat and those who are told live through it in the demo (templates/selection): the public lists, the exercise, a slot, choosing by telephone,
the agreement, what the registry gets, and what nobody gets."""
# covers: S1 S4 S5 S27 S28 S29 S30 S31 S32 S33 S34 S35 S36 S37 S38 S39 S40 S41 S42 S43 S45 S46 S47 S49 S50 S51 S52 S55 S70 S72 S73 S74 S75 S76 S77 S78 S79 S80 S81 S82 S83 S87 S88 S90
# covers: S3 S8 S13 S71 S89 S104 S116 S136 S138 S139 S140 S141 S142 S143 S144
import csv, html, os, re, sys, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

PACKAGE = os.path.join(ROOT, "templates", "selection")
NORD, REGISTRY, REGION = "nord@videreuddannelse.example.dk", "overfoersel@register.example.dk", "kbu@hovedstaden.example.dk"
DANISH = {"Accept-Language": "da"}
server = secretariat = None


def words(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def rows(answer):
    return [html.unescape(name) for name in re.findall(r'<li id="r-\d+"[^>]*>\s*<div class="head"><h\d>(?:<a [^>]*>)?([^<]*)<', answer.text)]


def posts():
    with open(os.path.join(PACKAGE, "round", "posts.csv"), encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter=";"))


def message(to, part, count=1):
    end = time.time() + 10
    while True:
        found = [m for m in server.inbox() if m["to"] == to and part in (m["subject"] or "") + m["text"]]
        if len(found) >= count:
            return found[-1]
        assert time.time() < end, "no '%s' to %s in %s" % (part, to, [(m["to"], m["subject"] or m["text"][:40]) for m in server.inbox()][-30:])
        time.sleep(0.05)


def path_of(m):
    return urllib.parse.urlsplit(m["links"][0]).path


def get(path, cookie=None, **query):
    answer = server.follow(server.get(path + ("?" + urllib.parse.urlencode(query) if query else ""), headers=dict(DANISH, **({"Cookie": cookie} if cookie else {}))),
                           dict(DANISH, **({"Cookie": cookie} if cookie else {})))
    assert answer.status == 200, answer.text
    return answer


def pressed(page, path, name, value, cookie=None, **more):
    """The button with that name and value, with what stands in its form."""
    headers = dict(DANISH, **({"Cookie": cookie} if cookie else {}))
    form = next(f for f in forms(page) if (name, value) in f["submit"] or f["fields"].get(name, {"values": []})["values"] == [value])
    fields = [(n, v) for n, f in form["fields"].items() for v in f["values"] if n != name] + [(name, value)] + list(more.items())
    answer = server.post(form["action"] or path, fields, headers=headers)
    where = answer.header("Location") or path
    return where, server.follow(answer, headers)


def sent_code(to, count):
    return re.search(r"#(\d{6})\s*$", message(to, " er din kode", count)["text"]).group(1)


def confirm(page, path, phone, count=1, cookie=None):
    """From the page to check the answers to the receipt, with the texted code."""
    headers = dict(DANISH, **({"Cookie": cookie} if cookie else {}))
    form = post_form(page)
    page = server.follow(server.post(form["action"] or path, fill(form, {}), headers=headers), headers)
    assert 'autocomplete="one-time-code"' in page.text, words(page)
    form = [f for f in forms(page) if "code" in f["fields"]][0]
    return server.follow(server.post(form["action"], fill(form, {"code": sent_code(phone, count)}), headers=headers), headers)


def log_in(who, count=1):
    answer = server.post("/home/otplogin", {"step": "address", "address": who}, headers=DANISH)
    pre = next(v.split(";")[0] for k, v in answer.headers if k == "Set-Cookie" and v.startswith("pre="))
    code = re.search(r"(?m) (\d{4,8})$", message(who, "kode", count)["text"]).group(1)
    answer = server.post("/home/otplogin", {"step": "code", "code": code}, headers=dict(DANISH, Cookie=pre))
    assert answer.status == 303, words(answer)
    return next(v.split(";")[0] for k, v in answer.headers if k == "Set-Cookie" and not v.startswith("pre="))


def begin_exercise(name, number):
    """Somebody who may choose in two minutes: the path of their page, address and phone."""
    email, phone = "ny%d@example.dk" % number, "+452000%04d" % (7000 + number)
    walk(server, "/start/practice", {"name": name, "email": email, "phone": phone}, headers=DANISH)
    walk(server, path_of(message(email, "Øv dig")), {"confirmed": "true"}, headers=DANISH)
    return path_of(message(email, "Din tid")), email, phone


def test_anybody_finds_the_posts_and_whom_to_ask():
    front = words(get("/"))
    assert "Alle forløb" in front and "Hvem kan du spørge" in front and "Prøv at vælge et forløb" in front
    page = get("/rows/round/posts")
    for region in {p["region"] for p in posts()}:
        assert '<option value="%s">%s (%d)</option>' % (region, region, sum(p["region"] == region for p in posts())) in page.text
    assert all('>%s (' % p["speciality"] in page.text for p in posts()), "which specialities there are"
    assert rows(get("/rows/round/posts", q="esbjerg gastro 01-09-")) == ["Esbjerg Sygehus"] == rows(get("/rows/round/posts", q="01-09- ESB kirurgi"))
    assert rows(get("/rows/round/posts", q="Færøerne")) == ["Landssygehuset Tórshavn"]
    assert "Tórshavn" not in page.text[page.text.index("<svg"):page.text.index("</svg>")], "but it is not on the map"
    near = get(html.unescape(re.search(r'href="([^"]+)">Zoom ind<', page.text).group(1)))
    assert 0 < near.text.count('class="ring"') < page.text.count('class="ring"') and 0 < len(rows(near)) < len(rows(page)), "the list has what the map shows"
    assert "Gem som favorit" not in page.text and "Vælg forløb" not in words(page), "a stranger has neither"
    assert "row=esb-1" in get("/rows/round/posts", place="Esbjerg Sygehus").text, "behind its marker on the map"
    one = words(get("/rows/round/posts", row="esb-1"))
    for part in ("Esbjerg", "Gastrokirurgi", "01-09-27", "Almen praksis i området omkring Esbjerg", "01-03-28", "Seks måneder på Esbjerg Sygehus", "sygehus.example.dk"):
        assert part in one, (part, one)
    told = words(get("/rows/round/contacts"))
    for part in ("sekretariatet", "20 00 00 01", "uddannelse@styrelse.example.dk", "Danske Regioner", "Praksis i Syd", "Grønland", "samleverordningen", "principielle spørgsmål", "op til to år"):
        assert part in told, (part, told)


def test_an_exercise_from_the_front_page_to_the_agreement():
    mine, email, phone = begin_exercise("Ny Læge", 1)
    mail = message(email, "Din tid")
    assert "kun en sikkerhed" in re.sub(r"\s+", " ", mail["text"]) and "Jo højere nummer" in re.sub(r"\s+", " ", mail["text"])
    assert "ring til os, gerne med en liste" in re.sub(r"\s+", " ", mail["text"])
    assert "Du vælger med linket i mailen" in message(phone, "Din tid")["text"] and message(phone, "Din tid")["links"] == [], "whoever has the phone alone cannot choose"
    raw = server.get(mine, headers=DANISH)
    assert int(raw.header("Refresh")) <= 125 and "Du kan nu vælge forløb" not in words(raw), "it comes again by itself"
    # Favourites, by a button each, and another order by number.
    where, page = pressed(get(mine), mine, "act", "rank")
    free = [p for p in posts() if p["id"] not in ("aal-1", "far-1", "auh-1", "sil-1", "esb-1")]
    for key in (free[0]["id"], free[1]["id"], free[2]["id"]):
        _, page = pressed(page, where, "put", key)
    assert words(get(mine)).index(free[0]["hospital"]) < words(get(mine)).index(free[1]["hospital"])
    form = next(f for f in forms(page) if "n." + free[2]["id"] in f["fields"])
    numbers = [(n, "1" if n == "n." + free[2]["id"] else v) for n, f in form["fields"].items() for v in f["values"]]
    assert server.post(form["action"] or where, numbers + [form["submit"][0]], headers=DANISH).status == 303
    told = words(get(mine))
    assert told.index(free[2]["hospital"]) < told.index(free[0]["hospital"])
    # Too early.
    assert 'value="choose"' not in get(mine).text and "Kan gøres fra" in words(get(mine))
    assert server.post("/demo/clock", {"advance": "2min"}).status == 200
    page = get(mine)
    assert "Du kan nu vælge forløb" in words(page)
    message(phone, "Du kan nu vælge")
    choose = path_of(message(email, "Du kan nu vælge"))
    assert choose in page.text, "the banner leads there"
    page = get(choose)
    assert "Optaget" in words(page) and len(rows(page)) == len(posts()) and page.text.count('name="wanted"') == len(posts()) - 5
    svg = page.text[page.text.index("<svg"):page.text.index("</svg>")]
    assert svg.count("<rect") >= 5 and "<circle" in svg, "red squares and green circles"
    _, check = pressed(get(choose, q="bornholm"), choose, "wanted", "bor-1")
    told = words(check)
    for part in ("Er det dette forløb?", "Bornholms Hospital", "01-09-27", "bindende", "Fortryd, og vælg noget andet"):
        assert part in told, (part, told)
    receipt = confirm(check, choose, phone)
    assert "Forløbet er dit" in words(receipt)
    agreed = message(email, "aftale")
    assert "Har du et helbred" in agreed["text"] and "Ris, ros og ønsker" in agreed["text"]
    page = get(path_of(agreed))
    end = time.time() + 20
    while "?file=" not in page.text and time.time() < end:
        time.sleep(0.2)
        page = get(path_of(agreed))
    paper = server.get(html.unescape(re.search(r'href="([^"]*\?file=[^"]*)"', page.text).group(1)))
    assert paper.status == 200 and paper.body.startswith(b"%PDF-") and "attachment" in paper.header("Content-Disposition")
    assert not [m for m in server.inbox() if m["to"] == REGISTRY and "Øvelse" in m["subject"]], "nobody else hears of an exercise"


def override_for_the_next(key):
    """The head writes a reason for choosing that post for somebody else, and is about to confirm; what is done then, when it is gone."""
    server.post("/demo/clock", {"advance": "10min"})
    message("+4520000302", "Du kan nu vælge")
    head = log_in("leder@videreuddannelse.example.dk")
    case = html.unescape(re.search(r'href="([^"]+)">Jonas Ravn<', get("/backend", head).text).group(1))
    where, page = pressed(get(case, head), case, "act", "override", head)
    where, page = pressed(page, where, "wanted", key, head)
    headers, reason = dict(DANISH, Cookie=head), "Telefonen er faldet i vandet."
    check = server.follow(server.post(post_form(page)["action"] or where, fill(post_form(page), {"override_reason": reason}), headers=headers), headers)
    assert reason in words(check) and "Rigshospitalet" in words(check), words(check)

    def late():
        refused = server.post(post_form(check)["action"], fill(post_form(check), {}), headers=headers)
        assert refused.status == 422 and "Rigshospitalet: Forløbet er valgt af en anden. Vælg et andet." in words(refused), words(refused)[:800]
        assert "Det er ikke ledigt længere" in words(refused) and 'value="%s"' % key not in refused.text
        _, page = pressed(refused, where, "wanted", "bor-1", head)
        assert post_form(page)["fields"]["override_reason"]["values"] == [reason], "what was written is there"

    return late


def test_a_round_with_the_secretariat_at_the_telephone():
    cookie = log_in(NORD)
    back = get("/backend", cookie)
    assert "Deltagere" in words(back) and "Runder" in words(back)
    listed = get(html.unescape(re.search(r'href="([^"]+)">Deltagere<', back.text).group(1)), cookie)
    assert "Signe Toft" in words(listed) and "Ny Læge" not in words(listed), "no exercises among them"
    spreadsheet = server.get(html.unescape(re.search(r'href="([^"]*export=csv[^"]*)"', listed.text).group(1)), headers={"Cookie": cookie})
    assert "Signe Toft" in spreadsheet.text and "010190" not in spreadsheet.text
    case = html.unescape(re.search(r'href="([^"]+)">Signe Toft<', listed.text).group(1))
    # To the first slot of the round.
    said = re.search(r"Tiden begynder \w+ den (\d+)\. (\w+) (\d+) kl\. (\d+)\.(\d+)", words(get(case, cookie)))
    months = "januar februar marts april maj juni juli august september oktober november december".split()
    server.post("/demo/clock", {"set": "%s-%02d-%02dT%s:%s" % (said.group(3), months.index(said.group(2)) + 1, int(said.group(1)), said.group(4), said.group(5))})
    message("+4520000301", "Du kan nu vælge")
    global secretariat
    cookie = secretariat = log_in(NORD, 2)
    page = get(case, cookie)
    assert "Vælg for en der ringer" in words(page) and "Send igen" in words(page)
    where, page = pressed(page, case, "act", "choose-for", cookie)
    assert "Læs" in words(page) or "Lægen får en kode" in words(page), words(page)
    _, check = pressed(page, where, "wanted", "rh-1", cookie)
    late = override_for_the_next("rh-1")
    receipt = confirm(check, where, "+4520000301", cookie=cookie)
    assert "Forløbet er valgt" in words(receipt), words(receipt)
    assert "Rigshospitalet" in message("signe@laege.example.dk", "aftale")["text"] and "I telefonen" in message("signe@laege.example.dk", "aftale")["text"]
    late()


def test_who_is_told_and_who_sees_the_number():
    transfer = path_of(message(REGISTRY, "Signe Toft"))
    page = words(get(transfer))
    for part in ("Signe Toft", "010190-1000", "signe@laege.example.dk", "+4520000301", "Prøvevej 1", "Rigshospitalet"):
        assert part in page, (part, page)
    assert "Prøvevej 1" in words(get(path_of(message(REGION, "Tildelt i Prøverunden")))), "the region has what it needs"
    assert "010190-1000" not in words(get(path_of(message(REGION, "Tildelt i Prøverunden")))), "and no number where a mail that is passed on leads"
    cookie = log_in(REGION)
    listed = get(html.unescape(re.search(r'href="([^"]+)">Tildelinger<', get("/backend", cookie).text).group(1)), cookie)
    assert "010190" not in listed.text
    handed = words(get(html.unescape(re.search(r'href="([^"]+)">Signe Toft<', listed.text).group(1)), cookie))
    assert "010190-1000" in handed and "Rigshospitalet" in handed, handed
    for m in server.inbox():
        assert "010190-1000" not in m["text"] + (m["html"] or ""), (m["to"], m["subject"])
        assert "ærlige hensyn" not in m["text"] or m["to"] in ("adam@laege.example.dk", NORD), "only who has special consideration hears of it: %s %s" % (m["to"], m["subject"])
    assert "010190-1000" not in server.log_text()


def test_what_is_left_for_evaluation():
    cookie = secretariat
    back = get("/backend", cookie)
    listed = get(html.unescape(re.search(r'href="([^"]+)">Til evaluering<', back.text).group(1)), cookie)
    spreadsheet = server.get(html.unescape(re.search(r'href="([^"]*export=csv[^"]*)"', listed.text).group(1)), headers={"Cookie": cookie}).text.lstrip("\ufeff")
    lines = list(csv.DictReader(spreadsheet.splitlines(), delimiter=";"))
    assert [(l["Runde"], l["Valgt"], l["Region"], l["Gemte favoritter"]) for l in lines] == [("Prøverunden", "I telefonen", "Hovedstaden", "Ingen")], lines
    assert "Signe" not in spreadsheet and "Rigshospitalet" not in spreadsheet
    assert words(get(path_of(message("signe@laege.example.dk", "Din tid")))).count(lines[0]["Referencenummer"] if "Referencenummer" in lines[0] else list(lines[0].values())[-1]) == 0, "its reference is its own"
    # The sequence of choices stands in the histories, and cannot be changed unseen: stafet verify proves them (tests/unit/test_history.c, tests/unit/test_pools.c).


if __name__ == "__main__":
    server = Server("demo", PACKAGE, "--listen", "127.0.0.1:0")
    try:
        main([test_anybody_finds_the_posts_and_whom_to_ask, test_an_exercise_from_the_front_page_to_the_agreement, test_a_round_with_the_secretariat_at_the_telephone, test_who_is_told_and_who_sees_the_number,
              test_what_is_left_for_evaluation])
    finally:
        server.stop()
