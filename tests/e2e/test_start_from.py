#!/usr/bin/python3
"""Starts that begin from a case of another workflow (`start.from`), over real HTTP: who finds the button, who chooses which case, and what nobody can type. On the packages tests/packages/payment and
voucher."""
import json, os, re, shutil, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import plain
from stafet import *
from test_grants import DANISH, log_in

PACKAGES = [os.path.join(ROOT, "tests", "packages", name) for name in ("payment", "voucher")]
PHONE = "+4522334455"


class Office:
    """Clerks who ask for payments, and a treasurer."""

    def __init__(self, folder):
        self.folder, self.site = folder, os.path.join(folder, "site")
        run("init", self.site, "--with", *PACKAGES)
        self.server = Server("demo", self.site, "--listen", "127.0.0.1:0")

    def found(self, to, subject=""):
        return [m for m in self.server.inbox() if m["to"] == to and subject in (m["subject"] or m["text"])]

    def wait(self, to, subject="", known=0):
        """The newest, when there are more than that."""
        end = time.time() + 15
        while len(self.found(to, subject)) <= known:
            assert time.time() < end, (to, subject)
            time.sleep(0.05)
        return self.found(to, subject)[-1]

    def link(self, to, subject, known=0):
        return self.wait(to, subject, known)["links"][0][len(self.server.url):]

    def ask(self, who, purpose, amount):
        data, clerk = os.path.join(self.folder, "payment.json"), who + "@example.dk"
        known = len(self.found(clerk, "Sig ja til"))
        with open(data, "w", encoding="utf-8") as f:
            json.dump({"clerk_email": clerk, "purpose": purpose, "amount": amount, "treasurer_email": "bo@example.dk", "treasurer_phone": PHONE}, f)
        run("start", "payment", "--data", data, site=self.site)
        walk(self.server, self.link(clerk, "Sig ja til", known), {"agreed": "true"}, headers=DANISH)

    def approve(self, purpose):
        link = self.link("bo@example.dk", purpose) + "?event=hurry"
        texts = len(self.found(PHONE))
        page = self.server.follow(self.server.get(link, headers=DANISH), DANISH)
        form = post_form(page)
        page = self.server.follow(self.server.post(form["action"] or link, fill(form, {"account": "ordinary"}), headers=DANISH), DANISH)
        code = re.search(r"#(\d{6})\s*$", self.wait(PHONE, known=texts)["text"]).group(1)
        form = next(f for f in forms(page) if "code" in f["fields"])
        answer = self.server.post(form["action"] or link, fill(form, {"code": code}), headers=DANISH)
        assert answer.status == 303, plain(answer)

    def home(self, session):
        return self.server.get("/backend?view=home", headers=session)

    def offered(self, session):
        return 'action="/start/voucher"' in self.home(session).text

    def press(self, session, **fields):
        return self.server.post("/start/voucher", fields, headers=session)


def test_who_begins_from_what():
    folder = tempfile.mkdtemp(prefix="stafet-from-")
    office = Office(folder)
    server = office.server
    try:
        office.ask("ida", "Kaffe", 240)
        office.ask("eva", "Vin", 900)
        ida, eva = log_in(office, "ida"), log_in(office, "eva")
        # Nothing is approved yet: no button; whoever comes by a link is told what is missing, and what to do.
        assert not office.offered(ida)
        for answer in (server.get("/start/voucher", headers=ida), office.press(ida)):
            assert answer.status == 409 and "Du har ingen endnu" in plain(answer) and "Aflever et bilag" in plain(answer), plain(answer)
        assert "Log ind" in plain(server.follow(server.get("/start/voucher", headers=DANISH), DANISH))
        office.approve("Kaffe")
        assert office.offered(ida) and not office.offered(eva)
        assert office.press(eva).status == 409
        # One case: on to the form, which shows it and asks for no more than is new. What is typed of the rest is nobody's.
        first = office.press(ida)
        assert first.status == 303 and first.header("Location").startswith("/l/"), plain(first)
        page = server.follow(first, ida)
        assert "Kaffe" in plain(page) and "240" in plain(page), plain(page)
        assert set(n for n in post_form(page)["fields"] if n in ("purpose", "amount", "treasurer_email", "clerk_email", "spent")) == {"spent"}
        form = post_form(page)
        answer = server.post(form["action"] or first.header("Location"), fill(form, {"spent": "241"}) + [("amount", "9000"), ("purpose", "Vin")], headers=DANISH)
        assert answer.status == 422 and "Det er mere, end der blev udbetalt" in plain(answer), (answer.status, plain(answer))
        # Two cases: the person chooses, by what is not the same in both.
        office.ask("ida", "Te", 240)
        office.approve("Te")
        which = office.press(ida)
        assert which.status == 200 and "Hvad gælder det?" in plain(which), plain(which)
        buttons = {re.sub(r" \(.*", "", name): f["fields"]["case"]["values"][0] for f, name in zip([f for f in forms(which) if "case" in f["fields"]], re.findall(r'<button class="quiet">([^<]*)</button></form></li>', which.text))}
        assert set(buttons) == {"Kaffe", "Te"} and "240" not in plain(which).split("Hvad gælder det?")[1], plain(which)
        # Somebody else's case is none of hers.
        office.approve("Vin")
        server.get("/backend?view=home", headers=eva)
        hers = [m for m in re.findall(r"[A-Z0-9]{4}-[A-Z0-9]{4}", run("list", "payment", site=office.site).stdout) if m not in buttons.values()]
        assert len(hers) == 1 and office.press(ida, case=hers[0]).status == 200, "asked again"
        done = walk(server, office.press(ida, case=buttons["Te"]).header("Location"), {"spent": "230"}, headers=DANISH)
        assert "Bilaget er afleveret" in plain(done), plain(done)
        mail = office.wait("bo@example.dk", "Bilag")
        assert "Bilag: Te" in mail["subject"] and "230 af 240" in mail["text"]
        # The form that was begun before is still about the first.
        done = walk(server, first.header("Location"), {"spent": "12"}, headers=DANISH)
        assert "Bilaget er afleveret" in plain(done), plain(done)
        assert "12 af 240" in office.wait("bo@example.dk", "Bilag: Kaffe")["text"]
        # At the command line: what is given and not asked for is told.
        data = os.path.join(folder, "voucher.json")
        with open(data, "w", encoding="utf-8") as f:
            json.dump({"clerk_email": "ida@example.dk", "purpose": "Vin", "spend": "9", "spent": "9"}, f)
        said = run("start", "voucher", "--data", data, site=office.site).stdout
        assert "handed-in\npurpose: left out; the start of voucher does not ask for it\nspend: left out" in said and "clerk_email" not in said, said
        assert "0 faults" in run("verify", site=office.site).stdout
    except Exception:
        print(server.log_text()[-2000:])
        raise
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main([test_who_begins_from_what])
