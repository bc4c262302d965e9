"""The declaration as its people meet it: what the pages say, who gets what, the back end, the profile. `covers:` names the requirements that a test proves."""
import datetime, html, os, re, shutil, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import Server, fill, forms, main, package, post_form, run

DANISH = {"Accept-Language": "da"}
server = site = None
counter = [0]


def words(answer):
    """What stands on the page, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


class Visitor:
    """A browser with its cookies."""

    def __init__(self):
        self.cookies = {}

    def request(self, method, path, fields=None):
        headers = dict(DANISH, **({"Cookie": "; ".join("%s=%s" % c for c in self.cookies.items())} if self.cookies else {}))
        answer = server.request(method, path, fields=fields, headers=headers)
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                key, _, text = value.split(";")[0].partition("=")
                self.cookies[key] = text
        return self.request("GET", answer.header("Location")) if answer.status in (302, 303) else answer

    def get(self, path):
        return self.request("GET", path)

    def answer(self, page, answers):
        form = post_form(page)
        return self.request("POST", form["action"], fill(form, answers))

    def walk(self, path, answers, look=lambda page: None):
        page = self.get(path)
        for _ in range(20):
            assert page.status < 400, (page.status, words(page))
            look(page)
            if not [f for f in forms(page) if f["method"] == "post" and "step" in f["fields"]]:
                return page
            page = self.answer(page, answers)
        raise AssertionError("no end: " + words(page))

    def log_in(self, address):
        page, typed, address = self.get("/home/otplogin"), address, address.lower()
        known = len(server.inbox())
        page = self.answer(page, {"address": typed})
        if "sent=none" in re.findall(r"event=login-asked.*", server.log_text())[-1]:
            return page, None
        mail = server.newer(address, known, "kode")
        code = re.search(r"(?<!\d)\d{4}(?!\d)", mail["text"]).group(0)
        return self.answer(page, {"code": code}), code


def mail(address, subject=""):
    """The newest mail to that address with that in its subject."""
    end = time.time() + 10
    while time.time() < end:
        found = [m for m in server.mails_to(address) if subject in m["subject"]]
        if found:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError("no '%s' to %s" % (subject, address))


def link(address, subject=""):
    return mail(address, subject)["links"][0][len(server.url):]


def day(days):
    return datetime.date.today() + datetime.timedelta(days=days)


class Case:
    """A request with addresses of its own."""

    def __init__(self, **more):
        counter[0] += 1
        n = counter[0]
        self.ida, self.mester, self.svend, self.skole, self.hold = ["%s%d@example.dk" % (w, n) for w in ("ida", "mester", "svend", "skole", "hold")]
        self.answers = dict({"apprentice_name": "Ida Ærlig", "apprentice_email": self.ida, "training_form": "company", "education": "building", "period_end": day(14).strftime("%d-%m-%Y"),
                             "main_course": "2", "school": "nordby", "class_name": "BS-2-26", "workplace": "Søndergaards Snedkeri", "cvr": "DK 13 58 56 28",
                             "supervisor_emails": [self.mester, self.svend], "school_emails": [self.skole, self.hold]}, **more)

    def ask(self, visitor=None, look=lambda page: None):
        receipt = (visitor or Visitor()).walk("/start/declaration", self.answers, look)
        assert "Du mangler kun at bekræfte" in words(receipt), words(receipt)
        Visitor().walk(link(self.ida, "Bekræft din anmodning"), {"confirmed": "true"})
        return self

    def assessment(self, page):
        levels = {n: "2" for f in forms(page) for n in f["fields"] if n.startswith("levels.")}
        return dict(levels, work_areas="Vinduer og døre", goals_reached="yes", special_needs="none", together="true", supervisor_name="Mester Madsen")

    def fill_in(self, look=lambda page: None):
        path = link(self.mester, "Udfyld")
        Visitor().walk(path, self.assessment(Visitor().get(path)), look)
        return self


def open_server():
    global server, site
    site = os.path.join(tempfile.mkdtemp(prefix="stafet-declaration-"), "site")
    run("init", site, "--with", package("declaration"), package("profile"))
    server = Server("demo", site, "--listen", "127.0.0.1:0")


# covers: D1 D2 D4 D16 D22 D23 D24 D25 D26 D27 D28 D29 D30 D57 D62 D63
def test_the_request_asks_for_what_it_needs():
    front = Visitor().get("/")
    assert 'content="width=device-width' in front.text, "pages fit a phone"
    assert "skole, lærested og lærling" in words(front) and "Efter hver oplæringsperiode" in words(front), words(front)
    assert "Hav dette klar" in words(front) and "lærestedets CVR-nummer" in words(front), "what the school tells its pupils stands where they begin"
    pages = []
    Case().ask(look=lambda page: pages.append(words(page)))
    text = " ".join(pages)
    for label in ("Oplæringsforløb", "Virksomhed", "Skoleoplæring", "Uddannelse (speciale)", "Slutdato for oplæringsperiode", "Hovedforløb (nummer)", "Skole", "Holdnavn",
                  "Den oplæringsansvarliges mailadresse", "Skolens mailadresse", "Lærestedets CVR-nummer",
                  "Spørg på lærestedet, hvis du ikke kender det", "Spørg på lærestedet, hvem der skal have anmodningen"):
        assert label in text, label


# covers: D12 D13 D14 D31 D32 D58
def test_the_supervisor_is_asked_by_mail():
    case = Case().ask()
    request = mail(case.mester, "Udfyld oplæringserklæring for Ida Ærlig")
    for said in ("Ida Ærlig", "bekendtgørelsen om erhvervsuddannelser", "ikke oprette en konto", "Søndergaards Snedkeri", "send"):
        assert said in re.sub(r"\s+", " ", request["text"]), (said, request["text"])
    assert "indkaldelsesbrevet fra skolen" in words(Visitor().get("/")), "what the school calls in with is what the request is written from"
    page = Visitor().get(link(case.mester, "Udfyld"))
    assert page.status == 200 and "Mål for oplæringen" in words(page), "without an account"


# covers: D7 D33 D34 D35 D36 D37 D38 D39 D40 D42
def test_the_form_that_the_supervisor_opens():
    case = Case().ask()
    page = Visitor().get(link(case.mester, "Udfyld"))
    text = words(page)
    for said in (day(14).strftime("%d-%m-%y"), "Ida Ærlig", "Bygningssnedker", "Nordby Tekniske Skole", "Lærested Søndergaards Snedkeri", "også selvom I ikke har arbejdet med målet",
                 "Lærlingen har ikke arbejdet med målet", "Lærlingen kan under vejledning arbejde med målet", "Lærlingen kan i samarbejde med andre arbejde med målet",
                 "Lærlingen kan selvstændigt arbejde med målet", "evaluering", "fokus på fremover"):
        assert said in text, (said, text)
    levels = {n: f["fields"][n]["choices"] for f in forms(page) for n in f["fields"] if n.startswith("levels.")}
    assert len(levels) == 8 and all(c == ["0", "1", "2", "3"] for c in levels.values()), levels
    one_left = dict(list(case.assessment(page).items())[1:])
    refused = Visitor().answer(page, one_left)
    assert refused.status == 422 and "Vælg et svar ved" in words(refused), words(refused)
    pages = []
    case.fill_in(look=lambda p: pages.append(words(p)))
    assert "Erklæringen er lavet i samarbejde med lærlingen" in " ".join(pages)


# covers: D4 D31
def test_the_supervisor_finishes_later():
    case = Case().ask()
    path = link(case.mester, "Udfyld")
    page = Visitor().get(path)
    half = {"levels.b01": "3"}
    fields = fill(post_form(page), half) + [(".later", "1")]
    said = Visitor().request("POST", path, fields)
    assert said.status == 200 and "Dine svar er gemt" in words(said) and "m***@example.dk" in words(said), words(said)
    again = mail(case.mester, "Fortsæt, hvor du slap: Udfyld oplæringserklæring for Ida Ærlig")
    assert "levels" not in again["text"] and again["links"] == [server.url + path], again
    desk = Visitor().get(path)
    assert post_form(desk)["fields"]["levels.b01"]["values"] == ["3"] and 'role="alert"' not in desk.text
    for _ in range(3):
        assert words(Visitor().request("POST", path, fill(post_form(desk), half) + [(".later", "1")])) == words(said), "how often tells nothing"
    time.sleep(0.5)
    assert len([m for m in server.mails_to(case.mester) if "Fortsæt, hvor du slap" in m["subject"]]) == 1
    case.fill_in()


# covers: D3 D8 D9 D10 D43 D44 D45 D46
def test_filled_in_is_sent():
    case = Case().ask().fill_in()
    for address, subject in ((case.skole, "Oplæringserklæring for Ida Ærlig"), (case.hold, "Oplæringserklæring for Ida Ærlig"), (case.ida, "Din oplæringserklæring er udfyldt")):
        page = Visitor().get(link(address, subject))
        text = words(page)
        assert page.status == 200 and not [f for f in forms(page) if f["method"] == "post" and "step" in f["fields"]]
        for said in ("Vinduer og døre", "Målene nået", "Nej, ingen særlige behov", "Mester Madsen", "Læse og udføre arbejdstegninger", "Lærlingen kan i samarbejde med andre"):
            assert said in text, (said, text)
    assert len([m for m in server.mails_to(case.skole) if m["links"]]) == 1, "one mail, at once"


# covers: D6 D11
def test_goal_lists_are_the_committees():
    """Imported by CSV: the next form asks for the new ones."""
    folder = tempfile.mkdtemp(prefix="stafet-goals-")
    own = os.path.join(folder, "site")
    try:
        run("init", own, "--with", package("declaration"))
        with open(os.path.join(folder, "goals.csv"), "w", encoding="utf-8") as out:
            out.write("id,education,from_course,to_course,title,title_en\nx1,building,1,9,Tømre et lusthus,Build a summerhouse\n")
        told = run("import", "declaration.goals", os.path.join(folder, "goals.csv"), site=own).stdout
        assert re.search(r"\b1\b", told), told
        global server
        kept, server = server, Server("demo", own, "--listen", "127.0.0.1:0")
        try:
            case = Case(training_form="school", workplace="Skoleoplæringscenter Nord").ask()
            page = Visitor().get(link(case.mester, "Udfyld"))
            assert "Tømre et lusthus" in words(page) and "Skoleoplæringscenter Nord" in words(page)
            assert [n for f in forms(page) for n in f["fields"] if n.startswith("levels.")] == ["levels.x1"]
        finally:
            assert server.stop() == 0
            server = kept
    finally:
        shutil.rmtree(folder)


# covers: D46 D47 D48 D49 D50 D51 D52 D53 D55 D59
def test_the_back_end():
    first, second = Case(), Case()
    run("suppressions", "add", first.svend, "--reason", "Vil ikke have mails", site=site)
    first.ask()
    second.answers["school_emails"] = [first.skole]
    second.answers["apprentice_name"] = "Bo Ærlig"
    second.ask().fill_in()
    school = Visitor()
    page, code = school.log_in(first.skole.upper())
    assert code and len(code) == 4, "four digits, to the address that an apprentice entered, in any spelling"
    page = school.get("/backend")
    assert page.status == 200 and "Ida Ærlig" in words(page) and "Bo Ærlig" in words(page), words(page)
    # How the mail to the workplace stands, the one that somebody should look at first
    told = lambda who: re.findall(r'data-label="Mail til lærested"[^>]*>(.*?)</td>', page.text[page.text.index(who + "</a>"):])[0]
    end = time.time() + 10
    while "Stoppet" not in told("Ida Ærlig") and time.time() < end:
        time.sleep(0.1)
        page = school.get("/backend")
    assert told("Ida Ærlig") == '<strong class="tag wrong">Stoppet</strong> (1 af 2)' and told("Bo Ærlig") == "Sendt", (told("Ida Ærlig"), told("Bo Ærlig"))
    # A pending one shows where it stands, not what is in it
    assert "Venter på lærestedet" in words(page) and "Udfyldt og sendt" in words(page), words(page)
    # and whose it is
    row = html.unescape(re.search(r'href="([^"]*row=[^"]*)">Ida Ærlig<', page.text).group(1))
    pending = words(school.get(row))
    for said in ("Ida Ærlig", "Bygningssnedker", "Søndergaards Snedkeri", "BS-2-26", "Status: Venter på lærestedet. Erklæringen kan læses her, når", "Sendt: Anmodning til den oplæringsansvarlige"):
        assert said in pending, (said, pending)
    assert first.mester not in pending and "Ikke udfyldt" not in pending, pending
    apprentice = Visitor()
    assert apprentice.log_in(second.ida)[1]
    page = apprentice.get("/backend?view=declaration.mine")
    assert "Udfyldt og sendt" in words(page) and "Ida" not in words(page), "the apprentice sees that it was received"
    workplace = Visitor()
    assert workplace.log_in(second.mester)[1]
    page = workplace.get("/backend")
    assert "Bo Ærlig" in words(page) and "Ida Ærlig" not in words(page), "only what the own address stands on"
    stranger = Visitor()
    page, code = stranger.log_in("fremmed@example.dk")
    assert code is None and "Skriv koden" in words(page), "nothing is sent, and nothing else is to be seen"
    assert "Ærlig" not in words(stranger.get("/backend"))


# covers: D15 D17 D18 D19 D20
def test_the_profile():
    case = Case()
    visitor = Visitor()
    visitor.walk("/start/profile", {"apprentice_name": "Ida Ærlig Lund", "apprentice_email": case.ida, "education": "organ", "period_end": day(60).strftime("%d-%m-%Y")})
    # Before the address is confirmed it says nothing: anybody could have written it
    stranger = Visitor()
    stranger.walk(link(case.ida, "Bekræft din profil"), {"confirmed": "true"})
    page = Visitor().get(link(case.ida, "Dit link til din profil"))
    assert "Ret din profil" in words(page) and "Skift mailadresse" in words(page)
    assert visitor.log_in(case.ida)[1], "a new code at any time is how a lost access is renewed"
    home = visitor.get("/backend")
    assert "Ida Ærlig Lund" in words(home) or "Min profil" in words(home), words(home)
    page = visitor.get("/start/declaration")
    values = post_form(page)["fields"]
    assert values["apprentice_name"]["values"] == ["Ida Ærlig Lund"] and values["apprentice_email"]["values"] == [case.ida], values
    assert values["education"]["values"] == ["organ"], values
    assert post_form(Visitor().get("/start/declaration"))["fields"]["apprentice_name"]["values"] == [""], "for the one who is logged in, and nobody else"


# covers: D18 D22
def test_what_was_answered_before_stands_in_the_form():
    case = Case().ask()
    visitor = Visitor()
    # Somebody else types this address and a workplace of their own: that is never taken up
    thief = Case(supervisor_emails=["tyv@example.dk"], apprentice_name="Tyv")
    thief.answers["apprentice_email"] = case.ida
    Visitor().walk("/start/declaration", thief.answers)
    assert visitor.log_in(case.ida)[1]
    seen = {}
    again = dict(case.answers)
    for name in ("apprentice_name", "apprentice_email", "training_form", "education", "school", "cvr", "workplace", "supervisor_emails", "school_emails"):
        again.pop(name)
    def look(page):
        for f in forms(page):
            for name, field in f["fields"].items():
                seen.setdefault(name, field["values"])
    receipt = visitor.walk("/start/declaration", again, look)
    assert "Du mangler kun at bekræfte" in words(receipt), words(receipt)
    assert seen["cvr"] == ["13585628"] and seen["supervisor_emails"][:2] == [case.mester, case.svend] and seen["school"] == ["nordby"], seen
    assert seen["apprentice_name"] == ["Ida Ærlig"]
    assert seen["main_course"] == [""] and seen["class_name"] == [""] and seen["period_end"] == [""], "what is new each time is asked anew"


# covers: D29 D41
def test_not_the_right_one():
    case = Case()
    case.answers["supervisor_emails"] = [case.mester]
    own = Visitor().get("/start/declaration")
    case.ask()
    page = Visitor().get(link(case.mester, "Udfyld"))
    way = re.search(r'href="([^"]*event=pass-on[^"]*)"', page.text)
    assert way and "Jeg er ikke den rette" in words(page), words(page)
    path = html.unescape(way.group(1))
    refused = Visitor().answer(Visitor().get(path), {"pass_to": case.ida})
    assert refused.status == 422 and "Skriv en anden adresse på lærestedet" in words(refused), words(refused)
    receipt = Visitor().walk(path, {"pass_to": case.svend, "pass_note": "Du kender hende bedst"})
    assert "Anmodningen er sendt videre" in words(receipt), words(receipt)
    assert case.mester in mail(case.svend, "Udfyld")["text"] and "Du kender hende bedst" in mail(case.svend, "Udfyld")["text"]
    assert case.svend in mail(case.ida, "sendt videre")["text"]
    old = Visitor().get(link(case.mester, "Udfyld"))
    assert not [f for f in forms(old) if f["method"] == "post"] and "sendt videre" in words(old), words(old)
    assert "udfylder den selv" in words(Visitor().get(link(case.mester, "Du har sendt anmodningen")))
    assert own.status == 200


# covers: D29 D41
def test_two_say_no():
    """What the first wrote is neither shown to the second nor told as theirs."""
    case = Case().ask()
    decline = lambda address: link(address, "Udfyld") + "?event=decline"
    Visitor().walk(decline(case.mester), {"decline_reason": "not-me", "decline_note": "Spørg i pakkeriet"})
    page = Visitor().get(decline(case.svend))
    assert "pakkeriet" not in page.text, words(page)
    Visitor().answer(page, {"decline_reason": "not-here"})
    end = time.time() + 10
    while time.time() < end and "ikke været i oplæring" not in mail(case.ida, "forkert adresse")["text"]:
        time.sleep(0.05)
    told = mail(case.ida, "forkert adresse")["text"]
    assert "ikke været i oplæring" in told and case.svend in told and "pakkeriet" not in told, told
    # The page in the back end says so, and leads to where the address is mended
    ida = Visitor()
    assert ida.log_in(case.ida)[1]
    row = html.unescape(re.search(r'href="([^"]*row=[^"]*)"', ida.get("/backend?view=declaration.mine").text).group(1))
    page = ida.get(row)
    assert "Status: Mangler en oplæringsansvarlig." in words(page), words(page)
    form = [f for f in forms(page) if f["fields"].get("act", {}).get("values") == ["change"]][0]
    assert "new_supervisor_emails" in post_form(ida.request("POST", form["action"], fill(form, {})))["fields"]


# covers: D29
def test_the_apprentice_mends_and_withdraws():
    case = Case().ask()
    page = Visitor().get(link(case.ida, "sendt til lærestedet"))
    assert post_form(page)["fields"]["new_supervisor_emails"]["values"] == [case.mester, case.svend], "the form begins with what is there"
    receipt = Visitor().walk(link(case.ida, "sendt til lærestedet"), {"new_supervisor_emails": [case.svend, ""]})
    assert "Anmodningen er sendt" in words(receipt), words(receipt)
    assert "sendt videre" in words(Visitor().get(link(case.mester, "Udfyld"))), "whose address was taken away has no part in it any more"
    end = time.time() + 10
    while time.time() < end and case.mester in mail(case.ida, "sendt til lærestedet")["text"]:
        time.sleep(0.05)
    path = link(case.ida, "sendt til lærestedet")
    assert "Ret skolens adresse" in words(Visitor().get(path))
    lone = Visitor().answer(Visitor().get(path + "?event=withdraw"), {})
    assert lone.status == 422, "a lone press withdraws nothing"
    receipt = Visitor().walk(path + "?event=withdraw", {"withdraw_confirmed": "true"})
    assert "Anmodningen er trukket tilbage" in words(receipt) and "Dine svar" not in words(receipt), words(receipt)
    assert "Ida Ærlig har trukket anmodningen tilbage" in words(Visitor().get(link(case.svend, "Udfyld")))


def row_of(visitor, name):
    page = visitor.get("/backend?view=declaration.overview")
    return html.unescape(re.search(r'href="([^"]*row=[^"]*)">%s<' % name, page.text).group(1))


def press(visitor, path, act):
    return visitor.request("POST", path, {"act": act})


def until(found):
    end = time.time() + 10
    while time.time() < end and not found():
        time.sleep(0.05)
    return found()


# covers: D58
def test_the_call_in_letter_fills_in_the_request():
    """What README.md tells the school to write in its letter: the link that stands there, with values of its own."""
    readme = open(os.path.join(package("declaration"), "README.md"), encoding="utf-8").read()
    path = re.search(r"https://erkl\.example\.dk(/start/declaration\?\S+)", readme).group(1)
    assert "school=nordby" in path and path.count("school_emails=") == 2, path
    path = re.sub(r"period_end=[0-9-]+", "period_end=" + day(30).strftime("%d-%m-%Y"), path)
    files = lambda: run("list", site=site).stdout
    before = files()
    page = Visitor().get(path)
    assert page.status == 200 and "Linket har udfyldt noget for dig. Se det igennem" in words(page) and page.header("Set-Cookie") is None, words(page)
    assert post_form(page)["fields"]["apprentice_email"]["values"] == [""]
    case = Case()
    own = dict((k, v) for k, v in case.answers.items() if k not in ("period_end", "main_course", "school", "class_name", "school_emails"))
    seen = []
    receipt = Visitor().walk(path, own, seen.append)
    assert "Du mangler kun at bekræfte" in words(receipt), words(receipt)
    fields = {n: f["values"] for p in seen for form in forms(p) for n, f in form["fields"].items()}
    assert fields["main_course"] == ["2"] and fields["school"] == ["nordby"] and fields["class_name"] == ["SN26 2"] and fields["period_end"] == [day(30).strftime("%d-%m-%Y")], fields
    assert [v for v in fields["school_emails"] if v] == ["oplaering@skole.example.dk", "hold@skole.example.dk"], fields["school_emails"]
    check = words(seen[-2])
    assert "Tjek dine svar" in check and "oplaering@skole.example.dk" in check and "SN26 2" in check, check
    # What is wrong is left out; nothing else can be filled in; and words are words
    page = Visitor().get("/start/declaration?school=nowhere&main_course=77&class_name=%3Cb%3Ehej&apprentice_email=tyv@example.dk&supervisor_emails=tyv@example.dk&cvr=13585628&confirmed=true&education=building")
    assert "ikke alt i det kunne bruges" in words(page) and "<b>hej" not in page.text, words(page)
    first = post_form(page)["fields"]
    assert first["apprentice_email"]["values"] == [""] and first["education"]["values"] == ["building"] and "tyv" not in page.text and "nowhere" not in page.text, page.text
    assert "har udfyldt noget" not in words(Visitor().get("/start/declaration?apprentice_name=Tyv&x=1")), "what the workflow does not allow is as if it were not there"
    long = Visitor().get("/start/declaration?education=building&class_name=" + "x" * 41)
    assert long.status == 200 and "ikke alt i det kunne bruges" in words(long) and "xxxx" not in long.text
    emptied = Visitor()
    page = emptied.get("/start/declaration?education=building&school=nordby&class_name=%3Cb%3Ehej")
    refused = emptied.answer(page, {"apprentice_name": "Ida Ærlig", "apprentice_email": "ida-tom@example.dk", "training_form": "company", "education": ""})
    assert refused.status == 422 and "building" not in post_form(refused)["fields"]["education"]["values"], "what the person took away stays away"
    page = emptied.answer(refused, {"education": "organ"})
    assert post_form(page)["fields"]["class_name"]["values"] == ["<b>hej"] and "&lt;b&gt;hej" in page.text and "<b>hej" not in page.text
    assert before == files() or len(files().splitlines()) == len(before.splitlines()) + 1, "only the one that was sent"


# covers: D59 D60 D61
def test_the_school_reminds_and_follows_up():
    case = Case(apprentice_name="Pil Ærlig").ask()
    reminders = lambda: len([m for m in server.mails_to(case.mester, wait=0) if "Påmindelse" in m["subject"]])
    school = Visitor()
    assert school.log_in(case.skole)[1]
    page = school.get(row_of(school, "Pil Ærlig"))
    tomorrow = str(day(1).day) + ". "
    assert "Mind lærestedet om den nu Kan gøres fra" in words(page) and tomorrow in words(page) and "act" not in [n for f in forms(page) for n in f["fields"]], "the request went today"
    assert server.post("/demo/clock", {"advance": "24h"}).status == 200
    school = Visitor()
    assert school.log_in(case.skole)[1]
    path = row_of(school, "Pil Ærlig")
    assert "follow-up" not in school.get(path).text, "there is nothing to follow up yet"
    for method, target, fields in (("POST", path, {}), ("POST", "/backend", {"act": "remind"}), ("POST", "/backend?view=declaration.overview", {"act": "remind"})):
        assert school.request(method, target, fields).status == 405, target
    assert "Mind lærestedet om den nu" in words(press(school, path, "assess")), "what the page does not offer leads back to it"
    stranger = Visitor()
    assert "Log ind" in words(press(stranger, path, "remind"))
    assert reminders() == 0, "a press of the button sends nothing yet"
    form = press(school, path, "remind")
    assert "Mind lærestedet om erklæringen" in words(form) and case.mester not in form.text, words(form)
    link_path = post_form(form)["action"]
    assert school.answer(form, {}).status == 422, "neither does a lone press in the form"
    assert "Påmindelsen er sendt" in words(school.answer(form, {"remind_confirmed": "true"}))
    assert until(lambda: reminders() == 1)
    again = school.get(path)
    assert "Mind lærestedet om den nu Kan gøres fra" in words(again) and "Lærestedet er mindet om erklæringen" in words(again), words(again)
    assert "Påmindelsen er sendt" in words(Visitor().get(link_path)), "the link shows the receipt"
    mine = Visitor()
    assert mine.log_in(case.ida)[1]
    row = html.unescape(re.search(r'href="([^"]*row=[^"]*)"', mine.get("/backend?view=declaration.mine").text).group(1))
    assert "Kan gøres fra" in words(press(mine, row, "remind")) or "Det er i morgen" in words(press(mine, row, "remind")), "once a day, whoever asks"
    # Filled in with special needs: the school is told of its duty, and says when it is done; from the mail's own link, without logging in
    answers = dict(case.assessment(Visitor().get(link(case.mester, "Udfyld"))), special_needs="some", special_needs_note="Hjælp til at læse tegninger")
    Visitor().walk(link(case.mester, "Udfyld"), answers)
    assert "skolen, der skal tage initiativ til, at uddannelsesplanen bliver revideret" in re.sub(r"\s+", " ", mail(case.skole, "Oplæringserklæring for Pil")["text"])
    path = link(case.skole, "Oplæringserklæring for Pil")
    assert "Det er skolen, der skal tage initiativ" in words(Visitor().get(path))
    form = press(Visitor(), path, "follow-up")
    saved = Visitor().answer(form, {"followed_up_on": day(1).strftime("%d-%m-%Y"), "follow_up_note": "Planen er revideret"})
    assert "Opfølgningen er gemt" in words(saved), words(saved)
    page = words(Visitor().get(path))
    assert "Skolens opfølgning Planen er revideret" in page and "Skolen har fulgt op" in page, page
    assert "act" not in [n for f in forms(Visitor().get(link(case.ida, "Din oplæringserklæring"))) for n in f["fields"]], "the apprentice does not follow up for the school"


# covers: D56 D60
def test_a_message_is_sent_again_by_hand():
    case = Case().ask()
    requests = lambda address: [m for m in server.mails_to(address, wait=0) if "Udfyld oplæringserklæring" in m["subject"]]
    until = lambda true: [true() or time.sleep(0.05) for _ in range(200) if not true()] and true() or true()
    assert until(lambda: requests(case.mester) and requests(case.svend))
    ida = Visitor()
    assert ida.log_in(case.ida)[1]
    row = html.unescape(re.search(r'href="([^"]*row=[^"]*)"', ida.get("/backend?view=declaration.mine").text).group(1))
    again = lambda page: {re.search(r'class="sr">: ([^<]*)', page.text[page.text.index('value="%s"' % f["fields"]["resend"]["values"][0]):]).group(1): f
                          for f in forms(page) if "resend" in f["fields"]}
    offered = again(ida.get(row))
    assert sorted(offered) == ["Anmodning til den oplæringsansvarlige (%s)" % a for a in sorted((case.mester, case.svend))], offered
    form = offered["Anmodning til den oplæringsansvarlige (%s)" % case.mester]
    # Looking changes nothing, and neither does somebody who is not in the case, or not logged in, or who asks for another case's message
    for visitor, data in ((Visitor(), fill(form, {})), (ida, [("resend", "1")]), (ida, [("resend", "x")]), (ida, [("resend", "99999999")])):
        assert visitor.request("POST", form["action"], data).status < 500
    stranger = Visitor()
    assert stranger.log_in(Case().ask().ida)[1]
    assert stranger.request("POST", form["action"], fill(form, {})).status == 404
    time.sleep(0.5)
    assert len(requests(case.mester)) == 1
    # The same link in a mail of its own
    said = ida.request("POST", form["action"], fill(form, {}))
    assert "Beskeden sendes igen" in words(said), words(said)
    assert until(lambda: len(requests(case.mester)) == 2)
    first, second = requests(case.mester)
    assert first["links"][0] == second["links"][0] and first["message_id"] != second["message_id"] and len(requests(case.svend)) == 1
    # A second press of the same button finds another message there; three an hour is enough for anybody
    ida.request("POST", form["action"], fill(form, {}))
    for count in (3, 4):
        form = again(ida.get(row))["Anmodning til den oplæringsansvarlige (%s)" % case.mester]
        assert ida.request("POST", form["action"], fill(form, {})).status == 200
        assert until(lambda: len(requests(case.mester)) == count), (count, len(requests(case.mester)))
    form = again(ida.get(row))["Anmodning til den oplæringsansvarlige (%s)" % case.mester]
    refused = ida.request("POST", form["action"], fill(form, {}))
    assert refused.status == 200 and "mange beskeder den sidste time" in words(refused) and "Beskeden sendes igen" not in words(refused), words(refused)
    assert len(requests(case.mester)) == 4
    # Who wants no messages gets none, and the page says why
    run("suppressions", "add", case.svend, "--reason", "Ringede og bad om det", site=site)
    page = ida.get(row)
    assert "Ringede og bad om det" in words(page) and "Anmodning til den oplæringsansvarlige (%s)" % case.svend not in again(page), words(page)
    # Through the link in the second mail it is done once, and then there is nothing of it to send again
    path = second["links"][0][len(server.url):]
    Visitor().walk(path, case.assessment(Visitor().get(path)))
    assert "Tak" in words(Visitor().get(first["links"][0][len(server.url):])) or not [f for f in forms(Visitor().get(path)) if "step" in f["fields"]]
    assert until(lambda: [m for m in server.mails_to(case.skole, wait=0) if m["attachments"]])
    offered = again(ida.get(row))
    assert not [label for label in offered if "Anmodning" in label] and [label for label in offered if case.skole in label], offered
    # Behind a mailed link nothing can be pressed: a mail scanner would
    assert not again(Visitor().get(link(case.ida, "Din oplæringserklæring er udfyldt")))


if __name__ == "__main__":
    open_server()
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        assert server.stop() == 0
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)
