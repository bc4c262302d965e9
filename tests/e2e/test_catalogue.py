"""Catalogues: one row of many is looked for, chosen, confirmed; what is taken is refused, also when it is taken in between. On the package tests/packages/trailer."""
import csv, html, os, re, shutil, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

PACKAGE = os.path.join(ROOT, "tests", "packages", "trailer")
server = site = None
people = 0


def words(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def rows(answer):
    """The names of the rows that the page shows."""
    return [html.unescape(name) for name in re.findall(r'<li id="r-\d+"[^>]*>\s*<div class="head"><h\d>([^<]*)<', answer.text)]


def newest(address, count):
    end = time.time() + 10
    while time.time() < end:
        found = server.mails_to(address)
        if len(found) >= count:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError("only %d messages to %s" % (len(server.mails_to(address)), address))


def person():
    """Somebody who may choose now: (path of the link, address, number)."""
    global people
    people += 1
    if people % 20 == 0:
        server.post("/demo/clock", {"advance": "61min"})
    address, phone = "ida%d@example.dk" % people, "223344%02d" % people
    walk(server, "/start/trailer", {"person": "Ida Ærlig", "email": address, "phone": phone})
    walk(server, newest(address, 1)["links"][0], {"sure": "true"})
    return urllib.parse.urlsplit(newest(address, 2)["links"][0]).path, address, "+45" + phone


def ask(path, **query):
    answer = server.get(path + "?" + urllib.parse.urlencode(dict({"step": "1"}, **query)))
    assert answer.status == 200, answer.text
    return answer


def choose(path, key, page=None):
    form = post_form(page or ask(path))
    hidden = [(n, v) for n, f in form["fields"].items() if f["kind"] == "hidden" for v in f["values"]]
    return server.post(form["action"], hidden + [("wanted", key)])


def table():
    with open(os.path.join(PACKAGE, "trailers.csv"), encoding="utf-8") as f:
        return list(csv.DictReader(f))


def put(taken):
    """The register anew, without these trailers being free."""
    lines = table()
    for line in lines:
        line["free"] = "false" if line["id"] in taken else line["free"]
    name = os.path.join(site, "trailers.csv")
    with open(name, "w", encoding="utf-8", newline="") as f:
        out = csv.DictWriter(f, lines[0].keys())
        out.writeheader()
        out.writerows(lines)
    run("import", "trailer.trailers", name, site=site)


def test_rows_are_found_by_parts_of_words():
    path, _, _ = person()
    offered = [line for line in table() if int(line["kilos"]) >= 750]
    everything = ask(path)
    assert len(rows(everything)) == 50 and "1–50 af %d" % len(offered) in words(everything), words(everything)[:600]
    both = [l["name"] for l in offered if l["town"] == "Aarhus" and l["kind"] == "Båd"]
    assert both and rows(ask(path, q="aar båd")) == both
    assert rows(ask(path, q="BAAD aarhus")) == both, "folded, in any order"
    august = [l["name"] for l in offered if l["town"] == "Aarhus" and l["from"] == "2026-08-01"]
    assert august and rows(ask(path, q="århus 01-08-")) == august == rows(ask(path, q="1/8 Aarhus"))
    assert rows(ask(path, q="Færøerne")) == [l["name"] for l in offered if l["region"] == "Færøerne"], "what is on no map is found"
    none = ask(path, q="aarhus esbjerg")
    assert rows(none) == [] and "Ingen passer til din søgning" in words(none) and "Vis alle" in words(none)
    assert rows(ask(path, q='"><b>')) == [] and "<b>" not in ask(path, q='"><b>').text


def test_filters_tell_how_many_there_are():
    path, _, _ = person()
    offered = [line for line in table() if int(line["kilos"]) >= 750]
    page = ask(path)
    for region in {l["region"] for l in offered}:
        assert '<option value="%s">%s (%d)</option>' % (region, region, sum(l["region"] == region for l in offered)) in page.text
    some = ask(path, **{"f.region": "Nordjylland", "f.kind": "Åben", "free": "1"})
    assert rows(some) == [l["name"] for l in offered if l["region"] == "Nordjylland" and l["kind"] == "Åben" and l["free"] == "true"]
    assert '<option value="Nordjylland" selected>' in some.text and 'name="free" value="1" checked' in some.text
    assert rows(ask(path, **{"f.region": "nowhere"})) == []


def test_pages_of_fifty():
    path, _, _ = person()
    offered = [l["name"] for l in table() if int(l["kilos"]) >= 750]
    seen, page, count = [], ask(path), 0
    while True:
        count += 1
        seen += rows(page)
        way = re.search(r'<a rel="next" href="([^"]+)"', page.text)
        if not way:
            break
        page = server.get(html.unescape(way.group(1)))
    assert seen == offered and count == (len(offered) + 49) // 50
    assert rows(ask(path, page="99")) == [] and ask(path, page="99").status == 200


def test_what_is_taken_says_so_and_has_no_button():
    path, _, _ = person()
    page = ask(path, q="Thisted")
    assert len(rows(page)) > 3 and page.text.count(">Udlånt<") == len(rows(page)), "in words"
    assert 'name="wanted"' not in page.text
    free = ask(path, q="Aarhus", free="1")
    assert free.text.count('name="wanted"') == len(rows(free)) == free.text.count(">Ledig<")
    assert '<a href="https://trailer.example.dk/1" rel="noopener noreferrer">trailer.example.dk</a>' in free.text, "a link says where it leads"


def test_chosen_checked_regretted_confirmed():
    path, address, phone = person()
    page = ask(path, q="aarhus", page="1")
    assert page.text.count("<h1>") == 1
    answer = choose(path, "t002", page)
    assert answer.status == 303 and "step=check" in answer.header("Location")
    check = server.get(answer.header("Location"))
    told = words(check)
    for part in ("Er det den rigtige trailer?", "Trailer 2, Aarhus", "Lukket", "01-08-26", "1750", "genbrugspladsen", "Bekræft", "Fortryd, og vælg noget andet"):
        assert part in told, (part, told)
    back = html.unescape(re.search(r'<a class="button quiet" href="([^"]+)"', check.text).group(1))
    again = server.get(back)
    assert "Du har valgt »Trailer 2, Aarhus«" in words(again) and len(rows(again)) == 50
    answer = choose(path, "t003", again)
    assert answer.status == 303 and "step=check" in answer.header("Location"), answer.text
    check = server.get(answer.header("Location"))
    assert "Trailer 3, Aarhus" in words(check) and "Trailer 2" not in words(check)
    code = server.follow(server.post(post_form(check)["action"], fill(post_form(check), {})))
    assert "Bekræft med en kode" in words(code)
    number = re.search(r"\b\d{6}\b", newest(phone, 1)["text"]).group(0)
    done = server.follow(server.post(post_form(code)["action"], fill(post_form(code), {"code": number})))
    assert "Traileren er din" in words(done), words(done)
    assert "Trailer 3, Aarhus" in newest(address, 3)["text"]


def test_a_forged_choice_is_refused():
    path, _, _ = person()
    for key, told in (("t011", "»Trailer 11, Randers« er netop blevet taget"), ("t009", "Vælg et af svarene på listen"), ("'; --", "Vælg et af svarene"), ("", "Vælg et svar")):
        answer = choose(path, key)
        assert answer.status == 422 and told in words(answer) and len(rows(answer)) == 50, (key, answer.status, words(answer)[:400])
        assert answer.text.count('href="#f-wanted"') == 1 and 'id="f-wanted"' in answer.text
    assert server.get(path + "?step=check").status == 200 and "Er det den rigtige" not in server.get(path + "?step=check").text


def test_taken_between_choosing_and_confirming():
    path, _, phone = person()
    check = server.get(choose(path, "t005").header("Location"))
    code = server.follow(server.post(post_form(check)["action"], fill(post_form(check), {})))
    number = re.search(r"\b\d{6}\b", newest(phone, 1)["text"]).group(0)
    put({"t005"})
    late = server.follow(server.post(post_form(code)["action"], fill(post_form(code), {"code": number})))
    assert late.status == 422 and "»Trailer 5, Aarhus« er netop blevet taget af en anden" in words(late), words(late)[:800]
    assert len(rows(late)) == 50 and 'value="t005"' not in late.text and "Hej Ida Ærlig" in words(late), "the fresh list"
    fresh = server.get(path)
    assert "»Trailer 5, Aarhus« er netop blevet taget" in words(fresh) and "Er det den rigtige" not in fresh.text, "also when the link is opened again"
    assert choose(path, "t006").status == 303
    put(set())


def run_all():
    global server, site
    folder = tempfile.mkdtemp(prefix="stafet-catalogue-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", PACKAGE)
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        main([test for name, test in sorted(globals().items()) if name.startswith("test_")])
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


run_all()
