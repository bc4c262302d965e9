"""Catalogues: one row of many is looked for, chosen, confirmed; what is taken is refused, also when it is taken in between. On the package tests/packages/trailer."""
import csv, html, os, re, shutil, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

PACKAGE = os.path.join(ROOT, "tests", "packages", "trailer")
server = site = None
people = 0
wishes = {}  # path of the ranked list, by that of the choice


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


def person(**more):
    """Somebody who may choose now: (path of the link, address, number)."""
    global people
    people += 1
    if people % 20 == 0:
        server.post("/demo/clock", {"advance": "61min"})
    address, phone = "ida%d@example.dk" % people, "223344%02d" % people
    walk(server, "/start/trailer", dict({"person": "Ida Ærlig", "email": address, "phone": phone}, **more))
    walk(server, newest(address, 1)["links"][0], {"sure": "true"})
    newest(address, 3)
    links = {m["subject"]: urllib.parse.urlsplit(m["links"][0]).path for m in server.mails_to(address)}
    wishes[links["Vælg en trailer"]] = links["Din ønskeliste"]
    return links["Vælg en trailer"], address, "+45" + phone


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
    assert "Du har valgt »Trailer 2, Aarhus«" in words(again) and rows(again) == rows(page) and 'value="aarhus"' in again.text, "what was looked for is there again"
    answer = choose(path, "t003", again)
    assert answer.status == 303 and "step=check" in answer.header("Location"), answer.text
    check = server.get(answer.header("Location"))
    assert "Trailer 3, Aarhus" in words(check) and "Trailer 2" not in words(check)
    code = server.follow(server.post(post_form(check)["action"], fill(post_form(check), {})))
    assert "Bekræft med en kode" in words(code)
    number = re.search(r"\b\d{6}\b", newest(phone, 1)["text"]).group(0)
    done = server.follow(server.post(post_form(code)["action"], fill(post_form(code), {"code": number})))
    assert "Traileren er din" in words(done), words(done)
    assert "Trailer 3, Aarhus" in newest(address, 4)["text"]


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
    again = server.post(post_form(check)["action"], fill(post_form(check), {}))
    assert again.status == 422 and "»Trailer 5, Aarhus« er netop blevet taget af en anden" in words(again), "told before a code is texted"
    late = server.follow(server.post(post_form(code)["action"], fill(post_form(code), {"code": number})))
    assert late.status == 422 and "»Trailer 5, Aarhus« er netop blevet taget af en anden" in words(late), words(late)[:800]
    assert len(rows(late)) == 50 and 'value="t005"' not in late.text and "Hej Ida Ærlig" in words(late), "the fresh list"
    fresh = server.get(path)
    assert "»Trailer 5, Aarhus« er netop blevet taget" in words(fresh) and "Er det den rigtige" not in fresh.text, "also when the link is opened again"
    assert [m["to"] for m in server.inbox()].count(phone) == 1, "one code, for what was free"
    assert choose(path, "t006").status == 303
    put(set())
    # What was looked for stands there when the list comes back by itself; with `clear` all of it comes.
    path, _, phone = person()
    check = server.get(choose(path, "t005", ask(path, q="aarhus")).header("Location"))
    put({"t005"})
    late = server.post(post_form(check)["action"], fill(post_form(check), {}))
    assert 'value="aarhus"' in late.text and len(rows(late)) == 9 and "Trailer 5, Aarhus" in rows(late), rows(late)
    clear = html.unescape(re.search(r'<a href="([^"]+)">Vis alle<', late.text).group(1))
    assert len(rows(server.get(clear))) == 50
    put(set())
    # But not when nothing of it can be chosen: then all of it.
    path, _, phone = person()
    check = server.get(choose(path, "t005", ask(path, q="maskine trailer 5, aarhus 01-08-26")).header("Location"))
    put({"t005"})
    only = ask(path, q="maskine trailer 5, aarhus 01-08-26")
    assert len(rows(only)) == 1 and [f["method"] for f in forms(only)] == ["get"], "a form without a button is none"
    late = server.post(post_form(check)["action"], fill(post_form(check), {}))
    assert late.status == 422 and len(rows(late)) == 50 and "01-08-26" not in re.search(r'<input type="search"[^>]*>', late.text).group(0)
    put(set())


def test_who_changes_their_mind_gets_a_code_each_time():
    path, _, phone = person()
    keys = [key for key in (line["id"] for line in table() if line["free"] == "true") if choose(path, key).status == 303][:11]
    for count, key in enumerate(keys, 1):
        check = server.get(choose(path, key).header("Location"))
        answer = server.post(post_form(check)["action"], fill(post_form(check), {}))
        assert answer.status == (303 if count <= 10 else 429), (count, key, answer.status)
    newest(phone, 10)
    assert "for mange koder" in words(answer) and [m["to"] for m in server.inbox()].count(phone) == 10


def listed(answer):
    """The ranked list of the page, in order."""
    return [html.unescape(name) for name in re.findall(r'<li id="p-\d+"[^>]*>.*?<h3>Trailer (\d+),', answer.text, re.S)]


def press(page, path, button, value, numbers=None, follow=True):
    """As a browser sends it: the form that has the button, with the numbers that stand there or were typed."""
    form = next(f for f in forms(page) if (button, value) in f["submit"])
    fields = [(n, (numbers or {}).get(n[2:], v)) for n, f in form["fields"].items() if not n.startswith("lang") for v in f["values"]]
    answer = server.post(form["action"] or path, fields + [(button, value)])
    return server.follow(answer) if follow else answer


def ranked(count=4):
    """Somebody with so many wishes, trailers 1, 2, ...: (path, page)."""
    path = wishes[person()[0]]
    page = server.get(path)
    for number in range(1, count + 1):
        page = press(page, path, "put", "t%03d" % number)
    assert listed(page) == [str(n) for n in range(1, count + 1)], listed(page)
    return path, page


def test_wishes_are_kept_at_once():
    path, page = ranked(3)
    for part in ("Listen er gemt.", "På listen som nr. 2", "<h1>Ønskeliste<"):
        assert part in words(page) + page.text, (part, words(page)[:3000])
    assert listed(server.get(path)) == ["1", "2", "3"], "the link stays good, and shows the list"
    page = press(server.get(path), path, "drop", "t002")
    assert listed(page) == ["1", "3"]
    page = press(press(page, path, "drop", "t001"), path, "drop", "t003")
    assert listed(page) == [] and "Der er ikke noget på listen endnu." in words(page)
    again = press(page, path, "put", "t001")
    assert listed(again) == ["1"], "what was removed may come back"


def test_order_by_buttons_and_numbers():
    path, page = ranked(4)
    assert listed(press(page, path, "up", "t003")) == ["1", "3", "2", "4"]
    page = press(server.get(path), path, "down", "t001")
    assert listed(page) == ["3", "1", "2", "4"]
    for typed, wanted in (({"t004": "1"}, "4312"), ({"t004": "3"}, "3142"), ({"t002": "0", "t003": "99"}, "2143"), ({"t002": "2", "t001": "1"}, "1243"),
                          ({"t001": "4", "t002": "3", "t004": "2", "t003": "1"}, "3421"), ({"t004": " 2 ", "t001": ""}, "3421")):
        page = press(server.get(path), path, "order", "1", numbers=typed)
        assert "".join(listed(page)) == wanted, (typed, listed(page), wanted)
    page = press(server.get(path), path, "drop", "t002", numbers={"t001": "1"})
    assert "".join(listed(page)) == "134", "a number that was typed counts with any button"
    wrong = press(server.get(path), path, "order", "1", numbers={"t001": "først"}, follow=False)
    assert wrong.status == 422 and "Skriv et helt tal" in words(wrong) and 'value="først"' in wrong.text and "".join(listed(wrong)) == "134"


def test_a_double_click_adds_once():
    path, page = ranked(2)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(press(page, path, "put", "t003", follow=False))) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert [a.status for a in answers] == [303] * 8 and listed(server.get(path)) == ["1", "2", "3"]
    up = server.get(path)
    assert [press(up, path, "up", "t003", follow=False).status for _ in range(2)] == [303, 303]
    assert listed(server.get(path)) == ["1", "3", "2"], "one press, however often it comes"
    reference = next(r for r in run("list", "--limit", "1000", site=site).stdout.split("\n") if "choosing" in r).split()[0]
    assert run("verify", site=site).returncode == 0, reference


def test_two_devices():
    path, old = ranked(3)
    new = press(server.get(path), path, "up", "t003")
    assert listed(new) == ["1", "3", "2"]
    told = press(old, path, "up", "t002")
    assert "Listen er ændret fra et andet sted" in words(told) and listed(told) == ["1", "3", "2"], "told, and shown as it is"
    told = press(old, path, "order", "1", numbers={"t003": "1"})
    assert "Listen er ændret fra et andet sted" in words(told) and listed(told) == ["1", "3", "2"]
    assert listed(press(old, path, "put", "t004")) == ["1", "3", "2", "4"], "what is added is added, whatever the page showed"
    assert listed(press(old, path, "drop", "t001")) == ["3", "2", "4"]


def test_forged_presses():
    path, page = ranked(1)
    form = next(f for f in forms(page) if f["submit"] and f["submit"][0][0] == "order")
    hidden = [(n, f["values"][0]) for n, f in form["fields"].items() if f["kind"] == "hidden"]
    for fields, status in (([("put", "t009")], 422), ([("put", "t999")], 422), ([("put", "t011")], 422), ([("put", "'")], 422), ([], 422), ([("drop", "t999")], 303), ([("up", "x")], 303)):
        answer = server.post(path, hidden + fields)
        assert answer.status == status, (fields, answer.status, words(answer)[:300])
    assert listed(server.get(path)) == ["1"]
    assert "er netop blevet taget" in words(server.post(path, hidden + [("put", "t011")]))
    assert server.post(path, [("order", "1")]).status == 303 and server.post(path + "?event=wish", hidden + [("put", "t002")]).status == 303


def test_a_long_list_has_pages():
    path = wishes[person()[0]]
    page, keys = server.get(path), [l["id"] for l in table() if int(l["kilos"]) >= 750 and l["free"] == "true"][:112]
    form = next(f for f in forms(server.get(path)) if any(b[0] == "put" for b in f["submit"]))
    hidden = [(n, f["values"][0]) for n, f in form["fields"].items() if f["kind"] == "hidden"]
    for key in keys:
        assert server.post(path, hidden + [("put", key)]).status == 303
    page = server.get(path + "?mine=3")
    assert len(listed(page)) == 12 and 'id="p-101"' in page.text and "1–50" in words(page)
    page = press(page, path, "order", "1", numbers={keys[111]: "1"})
    assert listed(server.get(path))[0] == str(int(keys[111][1:])) and len(listed(page)) == 12, "and one stays on its page"
    assert server.get(path + "?mine=9").status == 200
    for extra in [l["id"] for l in table() if int(l["kilos"]) >= 750 and l["free"] == "true"][112:120]:
        assert server.post(path, hidden + [("put", extra)]).status == 303
    most = server.post(path, hidden + [("put", [l["id"] for l in table() if int(l["kilos"]) >= 750 and l["free"] == "true"][121])])
    assert most.status == 422 and "Du kan højst angive 120" in words(most)


def test_what_the_list_is_for():
    choice, address, _ = person()
    path = wishes[choice]
    page = server.get(path)
    assert "Vælg en trailer" in words(page) and "?event=choose" in page.text, "the other act is offered below"
    press(server.get(path + "?q=Randers"), path, "put", "t012")
    server.post("/demo/clock", {"advance": "14d"})
    assert "Trailer 12, Randers" in newest(address, 4)["text"]
    assert not forms(server.get(path)), "and then the link is over"


def cookie(answer, name):
    return next(v.split(";")[0] for k, v in answer.headers if k == "Set-Cookie" and v.startswith(name + "="))


def log_in(address):
    """Headers of somebody who is logged in."""
    known = len(server.inbox())
    pre = cookie(server.post("/home/otplogin", {"step": "address", "address": address}), "pre")
    code = re.search(r"\b\d{4}\b", server.newer(address, known, "kode")["text"]).group(0)
    answer = server.post("/home/otplogin", {"step": "code", "code": code}, headers={"Cookie": pre})
    assert answer.status == 303, words(answer)
    return {"Cookie": cookie(answer, "sid")}


def test_everybody_may_look():
    front = server.get("/")
    assert 'href="/rows/trailer/trailers"' in front.text and "Alle trailere" in words(front)
    page = server.get("/rows/trailer/trailers?q=Aarhus")
    aarhus = [l["name"] for l in table() if l["town"] == "Aarhus"]
    assert page.status == 200 and rows(page) == aarhus and "<button name" not in page.text and page.header("Set-Cookie") is None
    one = server.get("/rows/trailer/trailers?row=t003")
    assert one.text.count("<h1>Trailer 3, Aarhus</h1>") == 1 and '<a href="https://vejledning.example.dk/" rel="noopener noreferrer">vejledning.example.dk</a>' in one.text
    assert not [f for f in forms(one) if f["method"] == "post"], "strangers have nothing to press"
    for path in ("/rows/trailer/nothing", "/rows/trailer", "/rows/nothing/trailers", "/rows/trailer/trailers?row=t999"):
        assert server.get(path).status == 404, path
    assert server.post("/rows/trailer/trailers?row=t003", {"act": "choose"}).status == 303


def test_who_is_logged_in_goes_on_from_a_row():
    choice, address, _ = person()
    press(server.get(wishes[choice]), wishes[choice], "put", "t007")
    me = log_in(address)
    home = server.get("/backend?view=home", headers=me)
    assert '"/backend?view=trailer.trailers"' in home.text, words(home)
    page = server.get("/backend?view=trailer.trailers&q=Aarhus", headers=me)
    assert "På listen som nr. 1" in words(page) and "Trailer 7, Aarhus" in rows(page)
    assert "Du kan nu vælge en trailer" in words(page) and 'href="%s"' % choice in page.text
    one = server.get("/backend?view=trailer.trailers&row=t003", headers=me)
    acts = [f for f in forms(one) if f["method"] == "post" and "act" in f["fields"]]
    assert [f["fields"]["act"]["values"] for f in acts] == [["choose"], ["wish"]]
    for form, there in ((acts[0], "Vælg trailer"), (acts[1], "Gem som ønske")):
        answer = server.post(form["action"], fill(form, {}), headers=me)
        assert answer.status == 303 and "row=t003" in answer.header("Location"), answer.text
        chosen = server.get(answer.header("Location"))
        assert rows(chosen) == ["Trailer 3, Aarhus"] and there in words(chosen), "that row alone, and nothing is decided yet"
    taken = server.get("/backend?view=trailer.trailers&row=t011", headers=me)
    assert "Udlånt" in words(taken) and not [f for f in forms(taken) if "act" in f["fields"]]
    public = server.get("/rows/trailer/trailers?row=t007", headers=me)
    assert "På listen som nr. 1" in words(public) and [f["fields"]["act"]["values"] for f in forms(public) if "act" in f["fields"]] == [["choose"]]
    stranger = server.post("/rows/trailer/trailers?row=t003", {"act": "confirm"}, headers=me)
    assert stranger.status == 303 and "/l/" not in stranger.header("Location"), "what the view does not offer"


def test_a_page_that_waits_comes_again_by_itself():
    choice, address, _ = person(ready="later")
    early = server.get(choice)
    assert not forms(early) and int(early.header("Refresh")) == 3600 and "åbner den af sig selv" in words(early)
    me = log_in(address)
    page = server.get("/backend?view=trailer.trailers", headers=me)
    assert page.header("Refresh") == "3600" and "Siden kommer igen af sig selv" in words(page) and "Du kan nu vælge" not in words(page)
    assert not [f for f in forms(server.get("/backend?view=trailer.trailers&row=t003", headers=me)) if f["fields"].get("act", {"values": []})["values"] == ["choose"]]
    server.post("/demo/clock", {"advance": "1d"})
    server.post("/demo/clock", {"advance": "1d"})
    assert server.get(choice).header("Refresh") is None and rows(server.get(choice)), "open"
    page = server.get("/backend?view=trailer.trailers", headers=log_in(address))
    assert "Du kan nu vælge en trailer" in words(page) and page.header("Refresh") is None


def markers(answer):
    """What the map shows: {place: (address, form)}."""
    found = re.findall(r'<a href="([^"]+)"[^>]*><title>([^:<]+):[^<]*</title><circle class="hit"[^>]*/><circle class="ring"[^>]*/><(circle|rect) class="(free|none)"', answer.text)
    return {html.unescape(place): (html.unescape(href), form, what) for href, place, form, what in found}


def test_a_map_finds_and_zooms():
    path = "/rows/trailer/trailers"
    page = server.get(path)
    places = markers(page)
    assert set(places) == {l["town"] for l in table()} - {"Tórshavn"}, "what is off the map is not on it"
    assert places["Thisted"][1:] == ("rect", "none") and all(p[1:] == ("circle", "free") for name, p in places.items() if name != "Thisted"), "form and colour"
    assert "<title>Randers: 9 af 10 Ledig</title>" in page.text and "Zoom ind" in words(page) and "Zoom ud" not in words(page)
    there = server.get(places["Odense"][0])
    assert rows(there) == [l["name"] for l in table() if l["town"] == "Odense"] and 'class="here" aria-current="true"' in there.text
    box = "10.0,55.0,11.0,55.6"
    part = server.get(path + "?box=" + box)
    assert set(markers(part)) == {"Odense", "Svendborg"} and rows(part) == [l["name"] for l in table() if l["town"] in ("Odense", "Svendborg")], "the list shows what the map shows"
    near = server.get(html.unescape(re.search(r'href="([^"]+)">Zoom ind<', there.text).group(1)))
    assert 2 < len(markers(near)) < len(places) and rows(near) == rows(there), "in on the place that was chosen"
    out = near
    for _ in range(4):
        way = re.search(r'href="([^"]+)">Zoom ud<', out.text)
        if not way:
            break
        out = server.get(html.unescape(way.group(1)))
    assert not way and set(markers(out)) == set(places), "and out to all of it"
    assert "Tórshavn" in " ".join(rows(server.get(path + "?q=Tórshavn".replace("ó", "%C3%B3"))))
    assert '<details class="map" open>' in server.get(path).text and '<details class="map">' in server.get(path + "?q=aarhus").text, "what was looked for stands right below a folded map"
    for wrong in ("1,2,3", "x,1,2,3", "10,55,9,56", "nan,0,1,1", "1e9,0,2e9,1", "1,2,3,4,5"):
        assert set(markers(server.get(path + "?box=" + wrong))) == set(places), wrong
    assert "Zoom ind" in words(ask(person()[0])), "where one chooses, too"


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
