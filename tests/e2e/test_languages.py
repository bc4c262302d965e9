"""Every page and mail speaks one language, the person's: no Danish word in an English story and the reverse; a choice is remembered; a third language is files."""
import html, os, re, shutil, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import ROOT, Server, fill, forms, main, package, post_form, run, walk

# Words that speak to the reader, and dates. What people typed and the rows of registers are nobody's language: none of these words is in them.
DANISH = "du dig din dit dine jer vi ikke skal hvis når dette denne åbn linket mailen siden svaret brug hjælp skriv vælg tak udfyld udfyldt sendt modtaget åbent mandag tirsdag onsdag torsdag fredag " \
         "lørdag søndag januar februar marts maj juni juli oktober kl mangler fejl frivilligt".split()
ENGLISH = "the you your we not this that with what when answer answers email page write choose thanks sent received monday tuesday wednesday thursday friday saturday sunday january february " \
          "march may june july october please".split()
REQUEST = {"apprentice_name": "Ida Holm", "apprentice_email": "ida.ny@example.dk", "training_form": "company", "education": "building", "main_course": "3", "school": "nordby", "class_name": "H3-26",
           "workplace": "Snedkeriet", "cvr": "13585628", "supervisor_emails": ["mester@example.dk", "svend@example.dk"], "school_emails": ["skole@example.dk"]}


class Demo:
    """A demo of one site folder whose languages are these."""

    def __init__(self, languages, packages=(), prepare=lambda site: None):
        self.folder = tempfile.mkdtemp(prefix="stafet-languages-")
        site = os.path.join(self.folder, "site")
        run("init", site, "--with", *(packages or [package("declaration"), package("leave-request")]))
        path = os.path.join(site, "stafet.yaml")
        text = open(path, encoding="utf-8").read().replace("languages: [da, en]", "languages: [%s]" % languages)
        helps = ", ".join("%s: help.%s.md" % (code, code if os.path.exists(os.path.join(site, "help.%s.md" % code)) else "en") for code in languages.split(", "))
        text = re.sub(r"help: \{[^}]*\}", "help: {%s}" % helps, text)
        open(path, "w", encoding="utf-8").write(text)
        prepare(site)
        self.server = Server("demo", site, "--listen", "127.0.0.1:0")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.server.log_text()[-2000:])
        status = self.server.stop()
        os.unlink(self.server.log.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert kind or status == 0

    def message(self, to, number=-1, count=1):
        end = time.time() + 15
        while True:
            found = [m for m in self.server.inbox() if m["to"] == to]
            if len(found) >= count:
                return found[number]
            assert time.time() < end, (to, count, len(found))
            time.sleep(0.05)


def words(text):
    """What a reader sees of HTML, but for the switch to the other language."""
    text = re.sub(r"<(style|nav class=\"languages\")[^>]*>.*?</(style|nav)>", " ", text, flags=re.S)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    text = re.sub(r"\S*(://|@)\S*", " ", text)
    return set(re.findall(r"\w+", text.lower()))


def judge(text, strangers, where):
    found = words(text) & set(strangers)
    assert not found, "%s has %s" % (where, sorted(found))


def story(demo, language, strangers):
    """The declaration from its request to the list of the back end: every page on the way, every page that a link on it leads to, every mail."""
    heads = {"Accept-Language": "da" if language == "en" else "en"}  # the site's own language comes first for who has none of the two
    server, seen = demo.server, set()

    def look(path):
        path = path.replace(server.url, "").split("#")[0]
        if path in seen or not path.startswith("/") or path.startswith(("/assets/", "/demo/inbox.json")):
            return
        seen.add(path)
        page = server.get(path, headers=here)
        if page.status in (302, 303):
            look(page.header("Location"))
            return
        if "text/html" not in page.header("Content-Type"):
            return
        assert '<html lang="%s">' % language in page.text, path
        judge(page.text, strangers, path)
        for link in re.findall(r'href="([^"]+)"', page.text):
            link = html.unescape(link)
            if "lang=" not in link:
                look(link)

    def go(path, answers):
        page = server.follow(server.get(path, headers=here), here)
        for _ in range(20):
            judge(page.text, strangers, path)
            posted = [f for f in forms(page) if f["method"] == "post"]
            if not posted:
                return
            empty = server.post(posted[0]["action"], [(n, v) for n, v in fill(posted[0], {}) if n in ("step", "version", "once", "lang")], headers=here)
            if empty.status not in (302, 303):
                judge(empty.text, strangers, "an empty answer to " + path)
            answer = server.post(posted[0]["action"], fill(posted[0], answers), headers=here)
            if answer.status == 422:
                judge(answer.text, strangers, "a wrong answer to " + path)
                answer = server.post(posted[0]["action"], fill(post_form(answer), answers), headers=here)
            assert answer.status == 303, (path, answer.status, words(answer.text))
            page = server.follow(answer, here)
        raise AssertionError("no end")

    here = {"Accept-Language": language}
    soon = time.strftime("%d-%m-%Y", time.localtime(time.time() + 14 * 86400))
    go("/start/declaration", dict(REQUEST, period_end=soon))
    go(demo.message("ida.ny@example.dk")["links"][0], {"confirmed": "true"})
    # From here on nothing but the contact's own language tells.
    here = heads
    link = demo.message("mester@example.dk")["links"][0]
    server.post("/demo/clock", {"advance": "7d"})
    server.post("/demo/clock", {"advance": "8d"})
    here = {"Accept-Language": language}
    levels = {n: "2" for f in forms(server.get(link)) for n in f["fields"] if n.startswith("levels.")}
    go(link, dict(levels, work_areas="Vinduer", goals_reached="yes", special_needs="none", together="true", supervisor_name="Mester Madsen"))
    demo.message("skole@example.dk")
    for path in ("/", "/home/otplogin", "/nowhere", "/l/x", "/demo/inbox", "/start/leave-request"):
        look(path)
    messages = server.inbox()
    for m in messages:
        for part in (m["subject"], m["text"], m["html"]):
            judge(part, strangers, "%s to %s" % (m["subject"], m["to"]))
        assert m["channel"] == "sms" or '<html lang="%s">' % language in m["html"]
        for link in m["links"]:
            look(link)
    assert len(messages) >= 8 and len(seen) >= 20, (len(messages), len(seen))


def test_nothing_danish_in_english():
    with Demo("en, da") as demo:
        story(demo, "en", DANISH)


def test_nothing_english_in_danish():
    with Demo("da, en") as demo:
        story(demo, "da", ENGLISH)


def test_judge_can_fail():
    for text in ("<p>Nothing here. Skriv til os</p>", "Open the link by fredag"):
        try:
            judge(text, DANISH, "a page")
        except AssertionError:
            continue
        raise AssertionError("%s passes" % text)
    judge('<nav class="languages"><a>Åbn</a></nav><style>du</style><p>name@du.dk</p>', DANISH, "a page")


def start_leave(server, headers, **more):
    first = time.strftime("%d-%m-%Y", time.localtime(time.time() + 30 * 86400))
    return walk(server, "/start/leave-request" + more.get("query", ""), {"employee_name": "Bo", "employee_email": "bo@example.dk", "department": "workshop", "kind": "holiday", "first_day": first, "last_day": first}, headers=headers)


def test_the_next_mail_speaks_as_the_page_did():
    english, danish = {"Accept-Language": "en"}, {"Accept-Language": "da"}
    with Demo("da, en") as demo:
        server = demo.server
        # Chosen by the browser alone.
        start_leave(server, english)
        confirm = demo.message("bo@example.dk")
        judge(confirm["text"], DANISH, "the first mail")
        # The mail's language is the page's, whatever the browser says.
        assert '<html lang="en">' in server.get(confirm["links"][0], headers=danish).text
        # Switched on the page: so are the receipt, the next mail and the page behind its link.
        receipt = walk(server, confirm["links"][0] + "?lang=da", {"confirmed": "true"}, headers=english)
        assert '<html lang="da">' in receipt.text
        sent = demo.message("bo@example.dk", count=2)
        judge(sent["text"], ENGLISH, "the second mail")
        assert '<html lang="da">' in server.get(sent["links"][0], headers=english).text
        # A manager who never said anything reads the page in the browser's language, and gets the receipt in it.
        manager = demo.message("mette.lund@firma.example.dk")
        judge(manager["text"], ENGLISH, "the manager's mail")
        page = server.get(manager["links"][0], headers=english)
        assert '<html lang="en">' in page.text
        walk(server, manager["links"][0], {"decision": "approve"}, headers=english)
        assert '<html lang="en">' in server.get(manager["links"][0], headers=danish).text


def test_a_saved_page_remembers_the_choice():
    with Demo("da, en") as demo:
        server = demo.server
        soon = time.strftime("%d-%m-%Y", time.localtime(time.time() + 14 * 86400))
        walk(server, "/start/declaration", dict(REQUEST, period_end=soon), headers={"Accept-Language": "da"})
        walk(server, demo.message("ida.ny@example.dk")["links"][0], {"confirmed": "true"}, headers={"Accept-Language": "da"})
        link = demo.message("mester@example.dk")["links"][0]
        form = post_form(server.get(link + "?lang=en"))
        levels = {n: "2" for n in form["fields"] if n.startswith("levels.")}
        assert server.post(form["action"], fill(form, levels)).status == 303
        server.post("/demo/clock", {"advance": "7d"})
        reminder = demo.message("mester@example.dk", count=2)
        judge(reminder["subject"] + " " + reminder["text"], DANISH, "the reminder")


def test_a_switch_on_every_page():
    with Demo("da, en") as demo:
        for path in ("/", "/start/declaration", "/home/otplogin", "/nowhere", "/demo/inbox", "/demo/inbox/1"):
            page = demo.server.get(path, headers={"Accept-Language": "da"})
            link = re.search(r'<a href="([^"]+)" lang="en" hreflang="en">English</a>', page.text)
            assert link, path
            assert '<html lang="en">' in demo.server.get(html.unescape(link.group(1)), headers={"Accept-Language": "da"}).text, path
        for path in ("//evil.example", "/\\evil.example"):
            page = demo.server.get(path)
            assert page.status == 404 and 'class="languages"' not in page.text, path


def third_language(text):
    """A made-up language: every text of languages/en.yaml behind a mark."""
    lines, block = [], False
    for line in text.split("\n"):
        found = re.match(r'(\s+(?:"[a-z]+"|[\w-]+): )("|(?=[^"\[{|>]))(.+)$', line)
        if found and not line.startswith("  error-prefix"):
            line = found.group(1) + found.group(2) + "Xe " + found.group(3)
        lines.append(line.replace("name: English", "name: Xelsk"))
    return "\n".join(lines)


def test_a_third_language_is_files():
    def prepare(site):
        os.mkdir(os.path.join(site, "languages"))
        words_of = open(os.path.join(ROOT, "languages", "en.yaml"), encoding="utf-8").read()
        open(os.path.join(site, "languages", "xx.yaml"), "w", encoding="utf-8").write(third_language(words_of))
        path = os.path.join(site, "stafet.yaml")
        text = re.sub(r"contact: \{[^}]*\}", "contact: support@example.dk", open(path, encoding="utf-8").read())
        open(path, "w", encoding="utf-8").write(text)

    folder = tempfile.mkdtemp(prefix="stafet-package-")
    copy = os.path.join(folder, "leave-request")
    shutil.copytree(package("leave-request"), copy)
    for part, head in (("messages", "subject: "), ("documents", "title: ")):
        for name in os.listdir(os.path.join(copy, part)):
            if ".en." in name:
                text = open(os.path.join(copy, part, name), encoding="utf-8").read()
                open(os.path.join(copy, part, name.replace(".en.", ".xx.")), "w", encoding="utf-8").write(text.replace(head, head + "Xe ", 1))
    text = open(os.path.join(copy, "texts", "en.yaml"), encoding="utf-8").read()
    open(os.path.join(copy, "texts", "xx.yaml"), "w", encoding="utf-8").write(re.sub(r"^title: .*", "title: Xe fri", text, flags=re.M))
    try:
        with Demo("da, en, xx", [copy], prepare) as demo:
            server = demo.server
            front = server.get("/", headers={"Accept-Language": "xx"})
            assert '<html lang="xx">' in front.text and "Xe fri" in front.text and "Xe " in front.text
            assert '<a href="/?lang=xx" lang="xx" hreflang="xx">Xelsk</a>' in server.get("/?lang=da").text
            receipt = start_leave(server, {"Accept-Language": "da"}, query="?lang=xx")
            assert '<html lang="xx">' in receipt.text and "Xe Reference" in receipt.text, receipt.text[-1500:]
            mail = demo.message("bo@example.dk")
            assert mail["subject"].startswith("Xe ") and '<html lang="xx">' in mail["html"] and "Xe You" in mail["text"], mail
            assert dict(map(tuple, mail["headers"]))["Content-Language"] == "xx"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main([value for name, value in list(globals().items()) if name.startswith("test_")])
