"""Every life of a link has its page: what else it offers, not open yet, expired and sent anew, done by somebody else, passed on, called off, unknown.
On the package tests/packages/errand."""
import datetime, html, json, os, re, shutil, sqlite3, tempfile, time, urllib.parse, zoneinfo
from stafet import *

server = site = None
counter = [0]


def open_server():
    global server, site
    site = os.path.join(tempfile.mkdtemp(prefix="stafet-links-"), "site")
    run("init", site, "--with", os.path.join(ROOT, "tests", "packages", "errand"))
    server = Server("demo", site, "--listen", "127.0.0.1:0")


def link_to(address, subject=""):
    deadline(lambda: mails(address, subject))
    return urllib.parse.urlsplit(mails(address, subject)[-1]["links"][0]).path


def new_errand(helpers=1, **more):
    """An errand whose helpers were asked: (address of the asker, addresses of the helpers)."""
    counter[0] += 1
    asker = "ida%d@example.dk" % counter[0]
    helpers = ["bo%d-%d@example.dk" % (counter[0], i) for i in range(helpers)]
    walk(server, "/start/errand", {"asker_name": "Ida", "asker_email": asker, "task": "Hent <nøglen>", "helper_emails": helpers, **more})
    walk(server, link_to(asker), {"agreed": "true"})
    link_to(helpers[-1])
    return asker, helpers


def history(path):
    reference = re.search(r"[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}", server.get(path).text).group(0)
    return run("history", reference, site=site).stdout


def ways(page):
    return dict((text, html.unescape(href)) for href, text in re.findall(r'<li><a href="([^"]+)">([^<]+)</a></li>', page.text.split('class="also"', 1)[-1]))


def test_other_events():
    """The page of one event offers others, below its first page only; each is a form of its own behind the same link."""
    asker, (bo, eva) = new_errand(2)
    path = link_to(bo)
    page = server.get(path)
    assert ways(page) == {"Er det ikke dig? Send videre": path + "?event=pass-on", "Sig nej": path + "?event=refuse"}, page.text
    english = server.get(path + "?lang=en")
    assert ways(english)["Say no"] == path + "?lang=en&event=refuse" or ways(english)["Say no"] == path + "?event=refuse&lang=en", ways(english)
    for event, status in (("pass-on", 200), ("refuse", 200), ("do", 200), ("call-off", 404), ("address", 404), ("nothing", 404), ("pass-on?", 404)):
        answer = server.get(path + "?event=" + urllib.parse.quote(event))
        assert answer.status == status, (event, answer.status)
        assert status == 404 or answer.header("Set-Cookie") is None
    assert server.post(path + "?event=call-off", {"step": "1", "agreed": "true"}).status == 404
    # A draft of the first event, then its second page: the ways stand below the first only.
    second = server.follow(server.post(path, fill(post_form(page), {"result": "partly"})))
    assert 'class="also"' not in second.text
    quiet(path + "?event=pass-on")
    other = server.get(path + "?event=pass-on")
    assert "Send ærindet videre" in other.text and 'class="also"' not in other.text
    assert '<a href="%s">' % path in other.text, "a way back"
    done = walk(server, path + "?event=pass-on", {"helper_emails": ["per%s" % bo]})
    assert "Ærindet er sendt videre" in done.text
    assert "Ærindet er sendt videre" in server.get(path).text, "the receipt is the link's page from now on"
    assert "Ærindet er sendt videre" in server.get(path + "?event=pass-on").text
    assert server.get(link_to(eva)).status == 410
    assert "pass-on" in history(path)
    page = server.get(link_to("per" + bo))
    assert page.status == 200 and "Er det gjort?" in page.text
    assert "checked" not in page.text, "what the first helper had typed is not shown"
    assert "Tak for hjælpen" in walk(server, link_to("per" + bo), {"result": "done"}).text
    assert run("verify", site=site).returncode == 0


def test_other_event_wrong():
    """What is wrong on another event's form is told there, with what was typed, and no step is lost."""
    asker, (bo,) = new_errand()
    path = link_to(bo)
    page = server.get(path + "?event=pass-on")
    answer = server.post(post_form(page)["action"], fill(post_form(page), {"helper_emails": "ikke en adresse"}))
    assert answer.status == 422 and "ikke en adresse" in answer.text and "Send ærindet videre" in answer.text
    check = server.follow(server.post(post_form(page)["action"], fill(post_form(page), {"helper_emails": "per@example.dk"})))
    assert "Tjek dine svar" in check.text and "event=pass-on&amp;step=1&amp;change=1" in check.text, check.text
    # Its draft is its own.
    assert "per@example.dk" not in server.get(path).text
    # Twice the same press: once the same receipt.
    form = post_form(check)
    first = server.follow(server.post(form["action"], fill(form, {})))
    again = server.follow(server.post(form["action"], fill(form, {})))
    assert "Ærindet er sendt videre" in first.text and "Ærindet er sendt videre" in again.text
    assert history(path).count("pass-on") == 1, history(path)


def clock(**fields):
    """Moves the demo's clock."""
    answer = server.post("/demo/clock", fields)
    assert answer.status == 200, answer.text


def today():
    now = json.loads(server.post("/demo/clock", {"advance": "0s"}).text)["now"]
    return datetime.datetime.fromisoformat(now.replace("Z", "+00:00")).astimezone(zoneinfo.ZoneInfo("Europe/Copenhagen")).date()


def danish(day):
    return day.strftime("%d-%m-%Y")


def test_not_open_yet():
    """Before its day the link says when, and takes nothing; what its page offers beside goes on."""
    day = today() + datetime.timedelta(days=12)
    asker, (bo,) = new_errand(ready_on=danish(day))
    path = link_to(bo)
    page = server.get(path)
    assert page.status == 200 and "Linket er ikke åbent endnu" in page.text, page.text
    assert "den %d. " % day.day in page.text and "kl. 00" not in page.text and "Det er om 12 dage." in page.text, page.text
    assert "is not open yet" in server.get(path + "?lang=en").text and "in 12 days" in server.get(path + "?lang=en").text
    assert not [f for f in forms(page) if f["method"] == "post"]
    assert set(ways(page)) == {"Er det ikke dig? Send videre", "Sig nej"}
    assert "Hent" not in page.text
    before = history(asker_page(asker))
    answer = server.post(path, {"step": "1", "version": "2", "result": "done"})
    assert answer.status == 409 and "ikke åbent endnu" in answer.text
    assert server.post(path, {"step": "check", "version": "2"}).status == 409
    quiet(path)
    assert history(asker_page(asker)) == before
    clock(advance="11d")
    assert "Det er i morgen." in server.get(path).text
    clock(advance="1d")
    assert "Er det gjort?" in server.get(path).text
    assert "Tak for hjælpen" in walk(server, path, {"result": "done"}).text


def asker_page(asker):
    """A page with the reference of the asker's errand."""
    return link_to(asker, "Skal vi")


def store():
    """Everything that the store holds of people and cases."""
    with sqlite3.connect("file:%s?mode=ro" % os.path.join(site, "data", "stafet.db"), uri=True) as db:
        return [(t, db.execute("SELECT * FROM %s ORDER BY 1" % t).fetchall()) for t in ("links", "drafts", "outbox", "history", "instances", "participations", "counters", "contacts")]


def rest():
    """What the step before has sent is on its way: that changes the store, too."""
    on_its_way = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased', 'begun')"
    with sqlite3.connect("file:%s?mode=ro" % os.path.join(site, "data", "stafet.db"), uri=True) as db:
        end = time.time() + 10
        while db.execute(on_its_way).fetchone()[0] > 0 and time.time() < end:
            time.sleep(0.02)


def quiet(path):
    """Fifty readings change nothing, set no cookie and always say the same."""
    rest()
    before = store()
    seen = {(a.status, a.text, a.header("Set-Cookie")) for a in (server.request(m, path) for m in ["GET", "HEAD"] * 25) if a.text}
    assert len(seen) == 1 and next(iter(seen))[2] is None, len(seen)
    assert store() == before


def plain(page):
    """What a person reads on the page's main part."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text.split("<main", 1)[1].split("</main>", 1)[0])))


def mails(address, subject=""):
    """Messages with a link."""
    return [m for m in server.inbox() if m["to"].endswith(address) and subject in m["subject"] and m["links"]]


def press_renew(path):
    form = [f for f in forms(server.get(path)) if "renew" in f["fields"]][0]
    answer = server.post(form["action"], fill(form, {}))
    assert answer.status == 303, answer.status
    return server.follow(answer)


def test_expired_and_renewed():
    """The old link says until when it could be used, and sends a new one to the recorded address alone; what was typed is on the new one."""
    asker, (bo,) = new_errand()
    old = link_to(bo)
    server.post(old, fill(post_form(server.get(old)), {"result": "partly"}))
    clock(advance="8d")
    page = server.get(old)
    assert page.status == 410 and "Linket er udløbet" in page.text and "Det kunne bruges indtil" in page.text, page.text
    assert bo not in page.text and "b***@example.dk" in page.text and "Hent" not in page.text, page.text
    quiet(old)
    assert len(mails(bo)) == 1
    # What is posted to it otherwise is refused, and mails nothing; but what was typed is kept for the new link.
    late = server.follow(server.post(old, {"step": "2", "version": "2", "remark": "Skrevet for sent"}))
    assert late.status == 410 and "Det, du har skrevet, er gemt." in late.text, plain(late)
    assert server.post(old, {"step": "check", "version": "2"}).status == 410
    assert "Hjælperen er spurgt" not in late.text and "form done" not in history(asker_page(asker))
    assert server.post(old, {"renew": "2"}).status == 410
    assert len(mails(bo)) == 1
    sent = press_renew(old)
    assert sent.status == 200 and "Vi har sendt et nyt link" in sent.text and "b***@example.dk" in sent.text and bo not in sent.text
    deadline(lambda: len(mails(bo)) == 2)
    first, second = mails(bo)
    assert first["subject"] == second["subject"] and first["links"] != second["links"], "the same message with another link"
    fresh = link_to(bo)
    page = server.get(old)
    assert page.status == 410 and "Der er sendt et nyere link" in page.text and "Vi sendte det" in page.text, page.text
    quiet(old)
    assert re.search('value="partly"[^>]* checked', server.get(fresh + "?step=1").text), "the draft went along"
    assert "Skrevet for sent" in server.get(fresh + "?step=2").text
    # A minute is not over: the same answer, and nothing is sent.
    assert plain(press_renew(old)) == plain(sent)
    time.sleep(0.5)
    assert len(mails(bo)) == 2
    clock(advance="2min")
    assert plain(press_renew(old)) == plain(sent)
    deadline(lambda: len(mails(bo)) == 3)
    assert link_to(bo) == fresh, "the newest link is sent again"
    assert "Tak for hjælpen" in walk(server, fresh, {"result": "done"}).text
    page = server.get(old)
    assert page.status == 410 and "Sagen er afsluttet" in page.text and "Svaret er kommet" in page.text, plain(page)
    answer = server.post(old, {"renew": "1"})
    assert answer.status in (200, 303, 410) and len(mails(bo)) == 3
    assert run("verify", site=site).returncode == 0


def deadline(done, seconds=10):
    end = time.time() + seconds
    while not done():
        assert time.time() < end, "it does not happen"
        time.sleep(0.05)


def test_renewal_has_limits():
    """However often it is asked, a contact gets no more than five in an hour; every answer is the same."""
    asker, (bo,) = new_errand()
    old = link_to(bo)
    clock(advance="8d")
    pages = set()
    for _ in range(9):
        pages.add(plain(press_renew(old)))
        clock(advance="6min")
    assert len(pages) == 1, pages
    time.sleep(1)
    assert len(mails(bo)) == 1 + 5, len(mails(bo))
    assert server.request("POST", old, fields={"renew": "1"}, headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_view_link():
    """A link to a page that expired is renewed alike; before it is ready it says so."""
    asker, (bo,) = new_errand()
    walk(server, link_to(bo), {"result": "done"})
    view = link_to(asker, "Der er svar")
    assert "Hent &lt;nøglen&gt;" in server.get(view).text
    quiet(view)
    assert server.post(view, {"renew": "1"}).status == 405
    clock(advance="31d")
    page = server.get(view)
    assert page.status == 410 and "Linket er udløbet" in page.text and "Hent" not in page.text
    quiet(view)
    quiet(view + "?sent=1")
    press_renew(view)
    deadline(lambda: len(mails(asker, "Der er svar")) == 2)
    fresh = link_to(asker, "Der er svar")
    assert fresh != view and "Hent &lt;nøglen&gt;" in server.get(fresh).text
    assert "nyere link" in server.get(view).text


def test_done_by_somebody_else():
    """Who was asked, too, sees who did it and when, and the finished document."""
    asker, (bo, eva) = new_errand(2)
    assert "Tak for hjælpen" in walk(server, link_to(bo), {"result": "partly", "remark": "Kun den ene"}).text
    path = link_to(eva)
    page = server.get(path)
    assert page.status == 200, page.status
    for text in ("Opgaven er løst", "af en anden, der også var spurgt.", "Svaret er kommet", "Svar på ærindet", "Kun noget af det", "Kun den ene", "Hent <nøglen>"):
        assert text in plain(page), (text, plain(page))
    english = server.get(path + "?lang=en")
    assert "The task is done" in english.text and "Only some of it" in english.text
    quiet(path)
    assert server.follow(server.post(path, {"step": "1", "version": "2", "result": "done"})).text == page.text


def test_refused_by_somebody_else():
    asker, (bo, eva) = new_errand(2)
    walk(server, link_to(bo) + "?event=refuse", {"reason": "Min hemmelighed"})
    page = server.get(link_to(eva))
    assert page.status == 200 and "Opgaven er løst" in page.text and "Hjælperen sagde nej" in page.text
    assert "hemmelighed" not in page.text and "Hent" not in page.text, "no page view is open"


def test_passed_on_and_called_off():
    """Nothing of the case is shown to those who have no part in it any more."""
    asker, (bo, eva) = new_errand(2)
    walk(server, link_to(bo) + "?event=pass-on", {"helper_emails": "per@example.dk"})
    page = server.get(link_to(eva))
    assert page.status == 410 and "Opgaven er sendt videre" in page.text, page.text
    assert "has been passed on" in server.get(link_to(eva) + "?lang=en").text
    quiet(link_to(eva))
    per = link_to("per@example.dk")
    walk(server, per, {"result": "done", "remark": "Noget hemmeligt"})
    for text in ("hemmelig", "Hent", "Svaret er kommet", "per@"):
        assert text not in server.get(link_to(eva)).text, text
    for text in ("hemmelig", "Svaret er kommet"):
        assert text not in server.get(link_to(bo)).text, text
    asker, (bo,) = new_errand()
    walk(server, link_to(asker, "Vi har spurgt") + "?event=call-off", {"agreed": "true"})
    page = server.get(link_to(bo))
    assert page.status == 410 and "Sagen er afsluttet" in page.text and "Trukket tilbage" in page.text and "Hent" not in page.text, page.text
    quiet(link_to(bo))


def test_unknown():
    for token in ("A" * 43, "x", "%00", "A" * 3000):
        page = server.get("/l/" + token)
        assert page.status == 404 and "Linket virker ikke" in page.text
    quiet("/l/" + "A" * 43)
    assert server.post("/l/" + "A" * 43, {"renew": "1"}).status == 404


if __name__ == "__main__":
    open_server()
    try:
        main([test_other_events, test_other_event_wrong, test_not_open_yet, test_expired_and_renewed, test_renewal_has_limits, test_view_link, test_done_by_somebody_else,
              test_refused_by_somebody_else, test_passed_on_and_called_off, test_unknown])
    finally:
        server.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)
