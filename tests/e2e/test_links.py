"""Every life of a link has its page: what else it offers. On the package tests/packages/errand."""
import datetime, html, os, re, tempfile, urllib.parse
from stafet import *

server = site = None
counter = [0]


def open_server():
    global server, site
    site = os.path.join(tempfile.mkdtemp(prefix="stafet-links-"), "site")
    run("init", site, "--with", os.path.join(ROOT, "tests", "packages", "errand"))
    server = Server("demo", site, "--listen", "127.0.0.1:0")


def link_to(address, subject=""):
    mails = [m for m in server.mails_to(address) if subject in m["subject"]]
    assert mails, "no mail to " + address
    return urllib.parse.urlsplit(mails[-1]["links"][0]).path


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
    shown = re.search(r"Klokken er nu [^.]*?den (\d+)\. (\w+) (\d{4})", server.get("/demo/inbox?lang=da").text)
    months = ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"]
    return datetime.date(int(shown.group(3)), months.index(shown.group(2)) + 1, int(shown.group(1)))


def danish(day):
    return day.strftime("%d-%m-%Y")


def test_not_open_yet():
    """Before its day the link says when, and takes nothing; what its page offers beside goes on."""
    day = today() + datetime.timedelta(days=12)
    asker, (bo,) = new_errand(ready_on=danish(day))
    path = link_to(bo)
    page = server.get(path)
    assert page.status == 200 and "Linket er ikke åbent endnu" in page.text, page.text
    assert "den %d. " % day.day in page.text and "kl. 00.00" in page.text and "Det er om 12 dage." in page.text, page.text
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


def quiet(path):
    """Fifty readings set no cookie and always say the same."""
    seen = {(a.status, a.text, a.header("Set-Cookie")) for a in (server.request(m, path) for m in ["GET", "HEAD"] * 25) if a.text}
    assert len(seen) == 1 and next(iter(seen))[2] is None, len(seen)


if __name__ == "__main__":
    open_server()
    try:
        main([test_other_events, test_other_event_wrong, test_not_open_yet])
    finally:
        server.stop()
