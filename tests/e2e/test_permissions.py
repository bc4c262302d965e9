#!/usr/bin/python3
"""Who may do what at which time in a selection round, cell by cell over HTTP. The tables are the requirements' (section S and its ambiguities A...), not the package's: what they do not name must not stand
on anybody's page, and must be refused when it is sent all the same, as a forged press of a button or as a form that was filled in while it was allowed."""
# covers: S10 S11 S15 S18 S24 S25 S46 S60 S65 S72 S74 S80 S85 S86 S87 S90 S91 S94 S131 S97 S118 S121 S137 S138 S139
import concurrent.futures, itertools, json, os, re, shutil, sqlite3, sys, tempfile, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import plain
from stafet import *

PACKAGE = os.path.join(ROOT, "templates", "selection")
DANISH = {"Accept-Language": "da"}
ROUND = {"name": "2. runde 2027", "secretariat_email": "nord@videreuddannelse.example.dk", "remind_on": "2027-03-01", "withdraw_by": "2027-03-08T12:00", "notice_on": "2027-03-18",
         "preview_on": "2027-03-22", "special_at": "2027-03-30T09:00", "open_at": "2027-03-30T12:00", "day_first_slot": "nine", "radius": "50.0", "radius_basis": "first"}
DOCTORS = ("ida", "bo", "eva", "ole", "adam")                   # in the order of the lottery; Adam with special consideration, Ole asks to postpone for another reason
OFFICES = {"secretariat": "nord@videreuddannelse.example.dk", "head": "leder@videreuddannelse.example.dk", "placing": "oest@videreuddannelse.example.dk", "region": "kbu@hovedstaden.example.dk",
           "elsewhere": "kbu@syddanmark.example.dk", "registry": "overfoersel@register.example.dk", "ended": "forrige@videreuddannelse.example.dk", "coming": "naeste@videreuddannelse.example.dk",
           "gone": "kbu-foer@hovedstaden.example.dk"}
# Who has a role from or until a day alone, both included (A50): as whom, from, until. Outside of it they are strangers with an old link.
GRANTED = {"ended": ("operator", "2027-02-15", "2027-03-18"), "coming": ("operator", "2027-03-30", "2028-01-01"), "gone": ("region", "2026-01-01", "2027-03-30")}
# All posts are in the region Hovedstaden, whose secretariat of postgraduate training is East ("placing"); "other" is another doctor of the round, "stranger" is not logged in.
PEOPLE = ("doctor", "other", "stranger") + tuple(OFFICES)

# The times, each with the doctor whose case is asked about.
TIMES = {
    "enrolled": ("2027-02-16T10:00", "ida"),      # before the deadline
    "last":     ("2027-03-08T11:58", "ida"),      # two minutes left
    "over":     ("2027-03-08T12:01", "ida"),      # the deadline has passed
    "asked":    ("2027-03-08T12:01", "ole"),      # whose reason somebody must judge (A14)
    "left":     ("2027-03-10T10:00", "ole"),      # and who may postpone
    "told":     ("2027-03-19T10:00", "ida"),      # everybody knows their time
    "preview":  ("2027-03-22T10:00", "ida"),      # favourites
    "special":  ("2027-03-30T10:00", "adam"),     # the two hours of special consideration
    "before":   ("2027-03-30T10:00", "ida"),      # who waits meanwhile
    "paused":   ("2027-03-30T12:04", "ida"),      # in one's slot, while the round stands still
    "held":     ("2027-03-30T12:04", "eva"),      # who waits while it stands still
    "slot":     ("2027-03-30T12:06", "ida"),
    "waits":    ("2027-03-30T12:06", "eva"),
    "allotted": ("2027-03-30T12:08", "ida"),
    "late":     ("2027-03-30T15:00", "eva"),      # the ten minutes are over, the day is not (A7)
    "night":    ("2027-03-30T21:30", "eva"),      # without a choice (A10)
    "morning":  ("2027-03-31T09:00", "eva"),      # drawn
}
UNTIL_SLOT = "enrolled last over asked told preview before held waits"
CHOOSING = "special slot late"
UNDECIDED = UNTIL_SLOT + " special paused slot late night"
HAS_POST = "allotted morning"
RUNNING = "special before slot waits allotted late night"        # in the morning the last of them has a post
# act, who, when, and why. Nobody else, and at no other time.
MAY = [
    ("declare",    "doctor",      "enrolled last",                               "S10 S11 S18 A15; never later (S25), never undone (S24)"),
    ("register",   "secretariat operator",UNTIL_SLOT,                                    "A15: a mail that came in time, read late, also while all stands still; not when choosing has begun"),
    ("decide",     "secretariat operator","asked",                                       "A14"),
    ("rank",       "doctor",      "preview before special paused held slot waits late", "S15 S46 S52 A8; not when the evening is over (A10)"),
    ("choose",     "doctor",      CHOOSING,                                      "S16 S60 S65 S72 S74 A7; not while paused (A55), not after nine in the evening (S91)"),
    ("choose-for", "secretariat operator",CHOOSING,                                      "S87 S90 A28"),
    ("override",   "head",        CHOOSING,                                      "A28"),
    ("correct",    "secretariat operator",UNDECIDED + " " + HAS_POST,                    "S2 S131"),
    ("remove",     "secretariat operator",UNDECIDED,                                     "A56; an allotment is binding (S80 S94)"),
    ("assign",     "",            "",                                            "A57 S109: only when no post is left"),
    ("moved",      "doctor",      HAS_POST,                                      "S131: after the choice"),
    ("release",    "region placing", HAS_POST,                                   "S86 A26: the region of the post"),
    ("practice",   "region placing", HAS_POST,                                   "S85 A27: the region of the post"),
    ("received",   "secretariat placing region elsewhere registry", HAS_POST,    "S137 S139: who is told"),
    ("begin",      "",            "",                                            "it has begun"),
    ("cancel",     "",            "",                                            "S25: it has begun"),
    ("add",        "secretariat operator","enrolled last over asked left told preview " + RUNNING, "S2 A56; not while all stands still"),
    ("pause",      "secretariat operator",RUNNING,                                       "A55 A62: from the first who chooses"),
    ("resume",     "secretariat operator","paused held",                                      "A55"),
]
SEES = [
    ("case",   "doctor secretariat operator head",  " ".join(TIMES), "one's own; who runs the round (S87)"),
    ("case",   "placing region elsewhere registry", HAS_POST,        "S137 S139: who is told of each allotment, not before there is one"),
    ("number", "secretariat placing region elsewhere registry", HAS_POST, "S138 S139: handed over with the choice, to who is told of it"),
    ("posts",  " ".join(PEOPLE + ("operator",)),                   " ".join(TIMES), "S28-S35: the list is public"),
]
# Who may begin a case of their own, and when.
BEGINS = {"round": ("secretariat operator", " ".join(TIMES)), "choice": ("", ""), "trace": ("", ""),     # A56: the round alone enrols
          "transfer": ("doctor", HAS_POST), "later-start": ("doctor", HAS_POST)}                # S94 S97 S118 S121: with a post, and about that one
ACTS = [row[0] for row in MAY]
# Where the package has an act: what is forged there even for who does not see the page.
VIEWS = {"choice.choices": ("choose", "rank", "declare", "moved"), "choice.all": ("choose-for", "override", "register", "correct", "remove", "decide", "assign"), "choice.allotted": ("release", "practice", "received"),
         "choice.transfers": ("received",), "round.rounds": ("begin", "cancel", "add", "pause", "resume"), "choice.posts": ("choose", "rank")}
# Well-formed answers to each form, and how many pages come before the last.
FORMS = {"declare": (2, {"reason": "exam", "confirmed": "true"}), "register": (1, {"reason": "exam", "received_at": "05-03-2027 kl. 10.00"}), "decide": (1, {"granted": "granted"}),
         "rank": (0, {"put": "hvh-1"}), "choose": (1, {"wanted": "hvh-1"}), "choose-for": (1, {"wanted": "hvh-1"}), "override": (2, {"wanted": "hvh-1", "override_reason": "Telefonen er væk i dag"}),
         "correct": (1, {"name": "Nogen Anden"}), "remove": (1, {"remove_reason": "En fejl i listen", "confirmed": "true"}), "moved": (1, {"address": "Nyvej 1"}), "release": (0, {"confirmed": "true"}),
         "practice": (1, {"practice": "Lægerne på torvet"}), "received": (0, {"confirmed": "true"}), "add": (1, {"participant": "101"}), "pause": (1, {"pause_reason": "Strømmen er gået"}),
         "resume": (0, {"confirmed": "true"})}


def as_whom(who, when):
    """What that person is on that day."""
    role, since, until = GRANTED.get(who, (who, "", "9999"))
    return role if since <= TIMES[when][0][:10] <= until else "stranger"


def allowed(table, when):
    """{who: what} at that time."""
    return {who: {what for what, persons, times, _ in table if as_whom(who, when) in persons.split() and when in times.split()} for who in PEOPLE}


class Site:
    """A round of five doctors in a demo whose clock goes forward once."""

    def __init__(self, folder):
        self.folder, self.site = folder, os.path.join(folder, "site")
        self.sessions, self.old, self.kept, self.wrong, self.cells = {}, {}, [], [], 0
        run("init", self.site, "--with", PACKAGE)
        path = os.path.join(self.site, "stafet.yaml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:  # each person in a network of their own
            f.write(text.replace("site:\n", "site:\n  trusted_proxies: [127.0.0.1]\n", 1))
        self.server = Server("demo", self.site, "--listen", "127.0.0.1:0")

    def begin(self):
        self.clock("2027-02-15T10:00")
        with open(os.path.join(PACKAGE, "round", "posts.csv"), encoding="utf-8") as f:
            posts = f.readlines()
        self.take("posts", posts[:1] + [line for line in posts if ";Hovedstaden;" in line])
        with open(os.path.join(PACKAGE, "round", "staff.csv"), encoding="utf-8") as f:
            self.take("staff", f.readlines() + ["%s;%s;%s;%s;%s;round;%s;%s;Danske Regioner;2026-12-01\n" % (who, who.title(), OFFICES[who], role, "Hovedstaden" if role == "region" else "", since, until)
                                                for who, (role, since, until) in GRANTED.items()])
        self.take("participants", ["id;name;email;phone;address;cpr;number;assigned;assigned_round;couple;special;graduated\n"] +
                  ["%d;%s Prøve;%s;+45 20 00 01 0%d;Prøvevej 1;01019%d-1000;%d;2026-09-01;2027-1;;%s;2027-01-31\n" % (101 + i, who.title(), self.address(who), i, i, i + 1, str(who == "adam").lower())
                   for i, who in enumerate(DOCTORS)])
        path = os.path.join(self.folder, "round.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(ROUND, f)
        run("start", "round", "--data", path, site=self.site)
        walk(self.server, self.message(OFFICES["secretariat"], "klar")["links"][0], {"confirmed": "true"}, headers=DANISH)
        self.store = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.site, "data", "stafet.db"), uri=True)
        self.round = self.rows("SELECT reference FROM instances WHERE workflow = 'round'")[0][0]
        self.cases = dict(zip(DOCTORS, (r[0] for r in self.rows("SELECT reference FROM instances WHERE workflow = 'choice' ORDER BY id"))))

    def rows(self, sql):
        return self.store.execute(sql).fetchall()

    def take(self, register, lines):
        path = os.path.join(self.folder, register + ".csv")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(lines)
        run("import", "round." + register, path, site=self.site)

    def clock(self, when):
        answer = self.server.post("/demo/clock", {"set": when})
        assert answer.status == 200, (when, answer.text)
        self.now = when

    def inbox(self, after=0):
        self.kept += json.loads(self.server.get("/demo/inbox.json?after=%d" % self.last()).text)
        return [m for m in self.kept if m["id"] > after]

    def last(self):
        return self.kept[-1]["id"] if self.kept else 0

    def messages(self, to, part=""):
        return [m for m in self.inbox() if m["to"] == to and part in (m["subject"] or "") + m["text"]]

    def message(self, to, part, more_than=0):
        end = time.time() + 15
        while len(self.messages(to, part)) <= more_than:
            assert time.time() < end, "no '%s' to %s in %s" % (part, to, [(m["to"], m["subject"]) for m in self.server.inbox()][-20:])
            time.sleep(0.02)
        return self.messages(to, part)[-1]

    # --- people ---

    def address(self, who):
        return OFFICES.get(who, who + "@laege.example.dk")

    def headers(self, who, case):
        """Of whom that person is: logged in if they can be."""
        return self.sessions.get(self.address(case if who == "doctor" else ("bo" if case != "bo" else "ida") if who == "other" else who), DANISH)

    def network(self, address):
        return dict(DANISH, **{"X-Forwarded-For": "203.0.113.%d" % (1 + [self.address(who) for who in DOCTORS + tuple(OFFICES)].index(address))})

    def log_in(self, everybody):
        """Whoever of these addresses is not logged in tries it; who has nothing to see gets no code. An address may ask only so often in an hour."""
        def ask(address):
            asked = self.server.post("/home/otplogin", {"step": "address", "address": address}, headers=self.network(address))
            assert asked.status < 400, plain(asked)
            return next(v for k, v in asked.headers if k == "Set-Cookie" and v.startswith("pre=")).split(";")[0]

        out = [a for a in everybody if a not in self.sessions or self.server.get("/backend?view=home", headers=self.sessions[a]).status != 200]
        self.inbox()
        last, told = self.last(), len(re.findall(r"event=login-asked", self.server.log_text()))
        with concurrent.futures.ThreadPoolExecutor(len(DOCTORS + PEOPLE)) as pool:
            cookies = dict(zip(out, pool.map(ask, out)))
        sent = sum("sent=code" in line for line in re.findall(r"event=login-asked.*", self.server.log_text())[told:])
        end = time.time() + 15
        while True:
            codes = {m["to"]: re.search(r"(?m) (\d{4,8})$", m["text"]).group(1) for m in self.inbox(last) if "kode til" in (m["subject"] or "") + m["text"]}
            if len(codes) == sent:
                break
            assert time.time() < end, (sent, codes)
            time.sleep(0.02)
        for address in out:
            self.sessions.pop(address, None)
        for address, code in codes.items():
            answer = self.server.post("/home/otplogin", {"step": "code", "code": code}, headers=dict(self.network(address), Cookie=cookies[address]))
            assert answer.status == 303, plain(answer)
            self.sessions[address] = dict(self.network(address), Cookie=next(v for k, v in answer.headers if k == "Set-Cookie" and v.startswith("sid=")).split(";")[0])

    def pages(self, who, case):
        """Where that person might do something about the case: {view or link: path}."""
        found = {view: "/backend?view=%s&row=%s" % (view, self.round if view.startswith("round") else "noh-1" if view.endswith("posts") else self.cases[case]) for view in VIEWS}
        if who in OFFICES or who == "doctor":
            for m in self.inbox():
                if m["to"] == self.address(case if who == "doctor" else who) and m["links"] and case.title() + " Prøve" in (m["subject"] or "") + m["text"]:
                    found["link " + m["links"][0]] = urllib.parse.urlsplit(m["links"][0]).path
        return found

    def get(self, path, headers):
        return self.server.get(path, headers=headers)

    # --- cells ---

    def cell(self, good, *what):
        self.cells += 1
        if not good:
            self.wrong.append(" ".join(map(str, what)))

    def ask(self, when):
        """Every cell of that time."""
        case = TIMES[when][1]
        self.log_in([self.address(who) for who in DOCTORS + tuple(OFFICES)])
        acts, sights = allowed(MAY, when), allowed(SEES, when)
        for who in PEOPLE:
            headers = self.headers(who, case)
            before = self.rows("SELECT max(id), count(*) FROM history")
            seen, offered = set(), set()
            if self.get("/rows/round/posts?row=noh-1", headers).status == 200:
                seen.add("posts")
            for view, path in self.pages(who, case).items():
                if who == "other" and view == "choice.posts":
                    continue  # what they do there is for themselves
                page = self.get(path, headers)
                here = {v for f in forms(page) for n, field in f["fields"].items() if n == "act" for v in field["values"]} if page.status == 200 else set()
                offered |= here
                seen |= {"case"} if page.status == 200 and view != "choice.posts" and case.title() + " Prøve" in page.text else set()
                number = "01019%d-1000" % DOCTORS.index(case) in page.text
                seen |= {"number"} if number else set()
                # A mail may be passed on, so its link shows no number; but to the register, which is written to alone.
                self.cell(not number or who == "registry" or not view.startswith("link "), when, who, view, "shows the number")
                if view == "choice.posts":
                    self.cell(here == acts[who] & {"choose", "rank"}, when, who, "on the list of posts:", here)
                self.forge(when, who, view, path, headers, here if page.status == 200 else None)
            for view in VIEWS if headers != DANISH else ():
                listed = self.get("/backend?view=" + view, headers).text + self.get("/backend?view=%s&export=csv" % view, headers).text
                seen |= {"case"} if case.title() + " Prøve" in listed else set()
                self.cell(not re.search(r"01019\d-1000", listed), when, who, view, "lists a number")
            for act in ACTS:
                self.cell((act in offered) == (act in acts[who]), when, who, act, "is offered" if act in offered else "is not offered")
            for what in ("case", "number", "posts"):
                self.cell((what in seen) == (what in sights[who]), when, who, what, "is seen" if what in seen else "is not seen")
            for act in sorted(set(ACTS) - acts[who]):
                self.send_old(when, who, case, act)
            self.cell(self.rows("SELECT max(id), count(*) FROM history") == before, when, who, "something happened")
            for act in sorted(offered & acts[who]):
                self.keep(who, case, act, headers)

    def ask_who_begins(self, when):
        """A form that begins a case comes to whom it is for, and to nobody else."""
        for who, workflow in itertools.product(PEOPLE, BEGINS):
            headers = self.headers(who, TIMES[when][1])
            offered = 'action="/start/%s"' % workflow in self.get("/backend?view=home", headers).text
            taken = (self.server.post("/start/" + workflow, {}, headers=headers).header("Location") or "").startswith("/l/")
            self.cell(offered == taken == (as_whom(who, when) in BEGINS[workflow][0].split() and when in BEGINS[workflow][1].split()), when, who, "begins", workflow, offered, taken)

    def forge(self, when, who, view, path, headers, offered):
        """The press of a button that is not there leads nowhere."""
        for act in ACTS if offered is not None else VIEWS.get(view, ()):
            if act not in (offered or ()):
                answer = self.server.post(path, {"act": act}, headers=headers)
                where = answer.header("Location") or ""
                refused = answer.status >= 400 or answer.status == 303 and (where == path or not where.startswith("/l/"))
                self.cell(refused or self.waits(where, act), when, who, view, act, "forged:", answer.status, where)

    def waits(self, link, act):
        """A page that says from when it can be done, and takes no answers until then."""
        page = self.get(link, DANISH)
        sent = self.server.post(link, dict(FORMS[act][1], step="1"), headers=DANISH)
        return page.status == 200 and not [f for f in forms(page) if f["method"] == "post"] and sent.status >= 400

    def keep(self, who, case, act, headers):
        """The form of an act that is allowed now, filled in to the last page and not sent."""
        name = (who, self.round if act in VIEWS["round.rounds"] else case, act)
        if name in self.old:
            return
        for path in self.pages(who, case).values():
            page = self.server.post(path, {"act": act}, headers=headers)
            if (page.header("Location") or "").startswith("/l/"):
                break
        where = page.header("Location")
        page = self.server.follow(page, headers)
        pages, answers = FORMS[act]
        for left in range(pages, -1, -1):
            form = post_form(page)
            fields = self.filled(page, form, answers)
            self.old[name] = (form["action"] or where, fields)
            if not left:
                break
            answer = self.server.post(form["action"] or where, list(fields.items()), headers=headers)
            assert answer.status == 303, (name, answer.status, plain(answer)[:1500])
            where = answer.header("Location")
            page = self.server.follow(answer, headers)

    def filled(self, page, form, answers):
        """The fields to send; in a list of posts the button of one of them."""
        return dict(fill(form, answers), **{name: answers[name] for name in ("wanted", "put") if name in answers and 'name="%s" value="%s"' % (name, answers[name]) in page.text})

    def send_old(self, when, who, case, act):
        """The form that was filled in while it was allowed."""
        old = self.old.get((who, self.round if act in VIEWS["round.rounds"] else case, act))
        if not old:
            return
        answer = self.server.post(old[0], list(old[1].items()), headers=DANISH)
        self.cell(answer.status >= 400 or answer.header("Location") == old[0].split("?")[0], when, who, act, "an old form:", answer.status)

    # --- what happens in between ---

    def act(self, who, case, act, answers, code=False):
        """One act as that person does it from their page."""
        self.log_in([self.address(case if who == "doctor" else who)])
        headers = self.headers(who, case)
        for path in self.pages(who, case).values():
            page = self.server.post(path, {"act": act}, headers=headers)
            if (page.header("Location") or "").startswith("/l/"):
                break
        where, page = page.header("Location"), self.server.follow(page, headers)
        for _ in range(6):
            posted = [f for f in forms(page) if f["method"] == "post"]
            if not posted:
                return page
            form = next((f for f in posted if "code" in f["fields"]), posted[0])
            if "code" in form["fields"]:
                phone = "+452000010%d" % DOCTORS.index(case)
                answers = dict(answers, code=re.search(r"#(\d{6})\s*$", self.message(phone, " er din kode")["text"]).group(1))
            answer = self.server.post(form["action"] or where, list(self.filled(page, form, answers).items()), headers=headers)
            assert answer.status in (200, 303), (act, answer.status, plain(answer)[:1500])
            where = answer.header("Location") or where
            page = self.server.follow(answer, headers)
        raise AssertionError("the form does not end: " + plain(page)[:1000])


def test_matrix():
    folder = tempfile.mkdtemp(prefix="stafet-permissions-")
    s = Site(folder)
    try:
        s.begin()
        s.clock("2027-02-16T10:00")
        s.ask("enrolled")
        s.act("doctor", "ole", "declare", {"reason": "other", "reason_note": "Jeg er i tvivl om min helbredelse", "confirmed": "true"}, code=True)
        between = {"left": lambda: s.act("secretariat", "ole", "decide", {}),
                   "paused": lambda: (s.clock("2027-03-30T12:03"), s.act("secretariat", "ida", "pause", {"pause_reason": "Strømmen er gået"})),
                   "slot": lambda: s.act("secretariat", "ida", "resume", {"confirmed": "true"}),
                   "allotted": lambda: s.act("doctor", "ida", "choose", {}, code=True)}
        for when, (at, case) in list(TIMES.items())[1:]:
            between.get(when, lambda: None)()
            if at != s.now:
                s.clock(at)
            s.ask(when)
            if when in ("over", "allotted"):
                s.ask_who_begins(when)
        print("     %d cells, %d forms kept" % (s.cells, len(s.old)))
        assert not s.wrong, "%d wrong cells" % len(s.wrong)
        assert "0 faults" in run("verify", site=s.site).stdout
    except Exception:
        print("\n".join(s.wrong))
        print(s.server.log_text()[-2000:])
        raise
    finally:
        s.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main([test_matrix])
