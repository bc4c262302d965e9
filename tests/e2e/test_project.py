"""The apprentice's project page: offered to apprentices who are logged in, where the site has the package; shared with the training supervisor, who may write back."""
import html, os, re, shutil, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_declaration as people
from stafet import Server, fill, forms, main, package, post_form, run
from test_declaration import Case, Visitor, link, mail, words

BOUNDARY = "----stafet0123456789"
PDF = b"%PDF-1.7\n" + b"1 0 obj << >> endobj\n" * 50 + b"trailer << >>\n%%EOF\n"
server = site = None


def open_server(folder, *packages):
    global server, site
    site = os.path.join(folder, "site")
    run("init", site, "--with", *[package(p) for p in packages])
    server = people.server = Server("demo", site, "--listen", "127.0.0.1:0")


def begin(visitor):
    """Presses the button of the back end's first page; None: it is not offered."""
    page = visitor.get("/backend?view=home")
    found = [f for f in forms(page) if f["action"].split("?")[0] == "/start/project-note"]
    assert bool(found) == ("Lærepladsprojekt" in re.findall(r">([^<]*)</button>", page.text)), words(page)
    return visitor.request("POST", found[0]["action"], fill(found[0], {})) if found else None


def press(visitor, path, act):
    page = visitor.get(path)
    form = [f for f in forms(page) if f["fields"].get("act", {}).get("values") == [act]]
    return visitor.request("POST", form[0]["action"], fill(form[0], {})) if form else None


def send_file(visitor, page, name, answers):
    form = post_form(page)
    fields = [(n, v) for n, v in fill(form, answers) if n != "files"]
    body = b"".join(b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (BOUNDARY.encode(), n.encode(), v.encode()) for n, v in fields)
    body += b'--%s\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n--%s--\r\n' % (BOUNDARY.encode(), name.encode(), PDF, BOUNDARY.encode())
    cookies = "; ".join("%s=%s" % c for c in visitor.cookies.items())
    answer = server.request("POST", form["action"], body=body, headers={"Cookie": cookies, "Accept-Language": "da", "Content-Type": "multipart/form-data; boundary=" + BOUNDARY})
    assert answer.status == 303, (answer.status, words(answer))
    return visitor.get(answer.header("Location"))


def finish(visitor, page, answers):
    for _ in range(6):
        if not [f for f in forms(page) if f["method"] == "post" and "step" in f["fields"]]:
            return page
        page = visitor.answer(page, answers)
        assert page.status < 400, words(page)
    raise AssertionError("no end")


# covers: D18 A37
def test_a_project_is_shared_and_written_back_about():
    case = Case().ask()
    ida, mester = Visitor(), Visitor()
    assert ida.log_in(case.ida)[1] and mester.log_in(case.mester)[1]
    # The home of the apprentice offers it; the supervisor's does not, and nobody gets it by its address
    assert begin(mester) is None
    assert mester.request("POST", "/start/project-note").status == 404
    stranger = Visitor().get("/start/project-note")
    assert "Log ind" in words(stranger) and "Dine noter" not in words(stranger), words(stranger)
    assert "Log ind" in words(Visitor().request("POST", "/start/project-note"))
    assert "Lærepladsprojekt" not in words(Visitor().get("/")), "not for strangers"
    home = words(ida.get("/backend")) # and not the one list that there is: here is more to do
    for offer in ("Bed om en oplæringserklæring", "Lærepladsprojekt"):
        assert offer in home, (offer, home)
    page = begin(ida)
    fields = post_form(page)["fields"]
    assert fields["apprentice_name"]["values"] == ["Ida Ærlig"] and "apprentice_email" not in fields, "who is logged in is not asked for the address"
    page = send_file(ida, page, "trappe.pdf", {"title": "Trappe i eg", "note": "Jeg tegner <en> trappe."})
    assert post_form(page)["fields"]["supervisor_emails"]["values"][:2] == [case.mester, case.svend], "known from the declaration"
    receipt = finish(ida, page, {"supervisor_emails": [case.mester]})
    assert "Dit projekt er delt" in words(receipt), words(receipt)
    assert not [m for m in server.mails_to(case.ida) if "Bekræft" in m["subject"] and "projekt" in m["subject"]], "nothing is confirmed twice"
    # The supervisor reads it from the mail, note and file, without logging in
    path = link(case.mester, "Lærepladsprojekt fra Ida Ærlig")
    page = Visitor().get(path)
    assert "Jeg tegner <en> trappe." in words(page) and "trappe.pdf" in words(page), words(page)
    file = html.unescape(re.search(r'class="file" href="([^"]+)"', page.text).group(1))
    assert server.get(file).body == PDF
    # and writes back, for the apprentice to read
    assert press(Visitor(), path, "revise") is None and press(Visitor(), path, "close") is None, "it is the apprentice's"
    form = press(Visitor(), path, "comment")
    assert "Kommentaren er sendt" in words(Visitor().answer(form, {"comment": "Husk vangerne."}))
    assert "Husk vangerne." in mail(case.ida, "Kommentar til dit lærepladsprojekt")["text"]
    own = link(case.ida, "Dit lærepladsprojekt er delt")
    assert "Husk vangerne." in words(Visitor().get(own)) and press(Visitor(), own, "comment") is None
    # A new version begins with what is there, the file too, also from the list after log-in
    row = html.unescape(re.search(r'href="([^"]*row=[^"]*)"', ida.get("/backend?view=project-note.mine").text).group(1))
    page = press(ida, row, "revise")
    assert post_form(page)["fields"]["note"]["values"] == ["Jeg tegner <en> trappe."] and "trappe.pdf" in words(page), words(page)
    assert "Dit projekt er delt" in words(finish(ida, page, {"note": "Nu med vanger."}))
    page = Visitor().get(path)
    assert "Nu med vanger." in words(page) and "trappe.pdf" in words(page) and "Udgave 2" in words(page), words(page)
    # Closed: still there to be read, and nothing more is done; what the supervisor was writing meanwhile is not lost
    writing = press(Visitor(), path, "comment")
    assert "Projektet er lukket" in words(ida.answer(press(ida, row, "close"), {"close_confirmed": "true"}))
    assert press(ida, row, "revise") is None and press(Visitor(), path, "comment") is None
    late = Visitor().answer(writing, {"comment": "Godt <arbejde>."})
    assert late.status == 410 and "men det er ikke sendt Kommentar Godt <arbejde>." in words(late), words(late)
    assert "Nu med vanger." in words(Visitor().get(path))


# covers: A37
def test_without_the_package_it_is_not_offered():
    global server
    folder = tempfile.mkdtemp(prefix="stafet-project-")
    kept = server, site
    open_server(folder, "declaration", "profile")
    try:
        case = Case().ask()
        ida = Visitor()
        assert ida.log_in(case.ida)[1]
        assert begin(ida) is None and "Bed om en oplæringserklæring" in words(ida.get("/backend?view=home"))
        assert ida.get("/start/project-note").status == 404
    finally:
        assert server.stop() == 0
        shutil.rmtree(folder)
        server = people.server = kept[0]


if __name__ == "__main__":
    own = tempfile.mkdtemp(prefix="stafet-project-")
    open_server(own, "declaration", "profile", "project-note")
    try:
        main([value for name, value in list(globals().items()) if name.startswith("test_")])
    finally:
        assert server.stop() == 0
        shutil.rmtree(own, ignore_errors=True)
