"""Rounds as scenarios of templates/selection: random ones, and what a scenario is made of."""
import collections, csv, datetime, hashlib, hmac, json, os, random, shutil, subprocess

from allocation import ENDED, Round, Terms

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, "build", "stafet")
PACKAGE = os.path.join(ROOT, "templates", "selection")
SECRETARIAT = "nord@videreuddannelse.example.dk"
PLACES = ((57.05, 9.92), (57.46, 9.98), (56.16, 10.20), (55.40, 10.39), (55.68, 12.57), (55.64, 12.08))  # Aalborg, Hjørring, Aarhus, Odense, København, Roskilde
BEGIN = datetime.datetime(2027, 2, 15, 10)
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)
REASON = "Har fået forlænget sit ophold."


def terms(opens=datetime.datetime(2027, 3, 30, 12), morning=9, basis="first"):
    """The calendar of a round that opens then."""
    day = datetime.datetime.combine(opens.date(), datetime.time(0, 0))
    return Terms(day - 22 * DAY + datetime.timedelta(hours=12), day - 12 * DAY + datetime.timedelta(hours=9), day - 8 * DAY, day + datetime.timedelta(hours=9), opens,
                 datetime.time(morning), 50.0, basis)


TERMS = terms()


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M")


def announced(terms, name):
    """The answers of the form that begins a round."""
    return {"name": name, "secretariat_email": SECRETARIAT, "remind_on": str((terms.withdraw_by - 7 * DAY).date()), "withdraw_by": stamp(terms.withdraw_by), "notice_on": str(terms.notice_at.date()),
            "preview_on": str(terms.preview_at.date()), "special_at": stamp(terms.special_at), "open_at": stamp(terms.open_at), "day_first_slot": "nine" if terms.morning.hour == 9 else "twelve",
            "radius": terms.radius, "radius_basis": terms.basis}


def columns(register):
    with open(os.path.join(PACKAGE, "round", register + ".csv"), encoding="utf-8") as f:
        return f.readline().strip().replace(",", ";").split(";")


def write_csv(path, register, rows):
    names = columns(register)
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(names)
        for row in rows:
            out.writerow([row.get(name, "") for name in names])


def email(person):
    return person + "@laege.example.dk"


def write_people(path, people):
    write_csv(path, "participants", [dict(p, name="Læge %s" % p["id"], email=email(p["id"]), phone="+45%08d" % (20000000 + int(hashlib.sha256(p["id"].encode()).hexdigest()[:8], 16) % 9999999),
                                          address="Vej 1", cpr="010190-1111", number="" if p["number"] is None else p["number"], special="true" if p["special"] else "false") for p in people])


def write_posts(path, posts):
    write_csv(path, "posts", [dict(id=post["id"], hospital="Hospital " + post["id"], region="nord", secretariat="nord", town="By", speciality="Medicin", starts="2029-08-01",
                                   lat=post["places"][0][0], lon=post["places"][0][1], second_place="Praksis", second_lat=post["places"][1][0], second_lon=post["places"][1][1],
                                   voluntary="true" if post["voluntary"] else "false", email="sted@hospital.example.dk") for post in posts])


def number_drawn(seed, label, count):
    for tries in range(100):
        number = int.from_bytes(hmac.new(seed, ("%s/%d" % (label, tries)).encode(), hashlib.sha256).digest()[:8], "big")
        if number < 2**64 - 2**64 % count:
            return number % count


def drawn(seed, reference, posts, eligible):
    """The first lot of a case, as docs/draws.md has it: one of all posts after the other, until one is eligible."""
    left = list(posts)
    while left:
        passed = len(posts) - len(left)
        place = number_drawn(seed, "draw/%s/1%s" % (reference, ".%d" % passed if passed else ""), len(left))
        if left[place] in eligible:
            return left[place]
        left[place] = left[-1]
        left.pop()


class Names:
    """What scenarios call their cases, in the order in which they begin."""

    def __init__(self):
        self.count = 0

    def next(self):
        self.count += 1
        return "TEST-%04d" % self.count


class Stage:
    """One round of a scenario: what happens, and what must come of it. names: shared by the rounds of a scenario."""

    def __init__(self, scenario, label, people, posts, terms, anchors=None):
        self.scenario, self.label, self.people, self.posts, self.terms = scenario, label, people, posts, terms
        self.anchors = {} if anchors is None else anchors
        self.acts, self.references = [], {}

    def model(self, names, anchors):
        seed, references = hashlib.sha256(("%s/draw/%s" % (self.scenario, names.next())).encode()).digest(), {}  # that scenarios have

        def began(person):
            references[person] = names.next()
        self.references = references
        return Round(self.people, self.posts, self.terms, lambda person, *lists: drawn(seed, references[person], *lists), anchors, began)

    def idle(self, acts):
        """The same when nothing else happens: to know about when something might."""
        round = self.model(Names(), dict(self.anchors))
        round.run(acts)
        return round

    def decide(self, names):
        self.round = self.model(names, self.anchors)
        self.wanted, self.outcomes = self.round.run(self.acts), self.round.outcomes

    def step(self, act, accepted):
        at, person, kind, value = act
        do = {"rank": {"event": "rank", "with": {"favourites": value}}, "choose": {"event": "choose", "with": {"wanted": value}}, "phone": {"event": "choose-for", "with": {"wanted": value}},
              "postpone": {"event": "declare", "with": {"reason": "parental", "confirmed": True}}, "abroad": {"event": "declare", "with": {"reason": "abroad", "confirmed": True}},
              "ask": {"event": "declare", "with": {"reason": "other", "reason_note": "Jeg flytter.", "confirmed": True}},
              "decide": {"event": "decide", "with": {"granted": "granted" if value else "refused"}},
              "register": {"event": "register", "with": {"reason": "exam", "received_at": stamp(self.terms.withdraw_by)}},
              "remove": {"event": "remove", "with": {"remove_reason": REASON, "confirmed": True}}, "pause": {"event": "pause", "with": {"pause_reason": "Strømmen er gået."}},
              "resume": {"event": "resume", "with": {"confirmed": True}}, "assign": {"event": "assign", "with": {"wanted": value["id"]} if kind == "assign" else {}}, "add": {"event": "add", "with": {"participant": value["id"]} if kind == "add" else {}}}[kind]
        do["by"] = email(person) if kind in ("rank", "choose", "postpone", "abroad", "ask") else SECRETARIAT
        if not accepted:
            do["refused"] = True
        if person is None:
            return [{"advance": stamp(at)}] + ([{"import": {"participants": self.late_file(value)}}] if kind == "add" else []) + [{"do": do, "workflow": "round"}]
        return [{"advance": stamp(at)}] + ([{"import": {"posts": self.late_file(value)}}] if kind == "assign" else []) + [{"do": do, "workflow": "choice", "of": email(person)}]

    def late_file(self, row):
        return "%s-%s-%s.csv" % (self.scenario, self.label, row["id"])

    def begin(self, folder):
        """Its registers are written, and the steps that start it."""
        people, posts = ("%s-%s-%s.csv" % (self.scenario, self.label, kind) for kind in ("people", "posts"))
        write_people(os.path.join(folder, people), self.people)
        write_posts(os.path.join(folder, posts), self.posts)
        return [{"import": {"participants": people, "posts": posts}}, {"start": announced(self.terms, self.label)}, {"do": {"event": "begin", "by": SECRETARIAT, "with": {"confirmed": True}}, "workflow": "round"}]

    def steps(self, folder):
        out, created = self.begin(folder), []
        for act, accepted in zip(self.acts, self.outcomes):
            if act[2] == "add":
                write_people(os.path.join(folder, self.late_file(act[3])), [act[3]])
            if act[2] == "assign":
                created.append(act[3])
                write_posts(os.path.join(folder, self.late_file(act[3])), self.posts + created)
            out += self.step(act, accepted)
        return out


class Trial:
    """A scenario: rounds one after the other."""

    def __init__(self, name, stages):
        self.name, self.stages = name, stages

    def write(self, folder):
        steps, at = [], BEGIN
        for stage in self.stages:
            steps += [{"advance": stamp(stage.terms.withdraw_by - 21 * DAY)}] if steps else []
            steps += stage.steps(folder) + [{"advance": stamp(stage.terms.open_at + 100 * DAY)}]
        with open(os.path.join(folder, self.name + ".yaml"), "w", encoding="utf-8") as f:
            f.write(json.dumps({"scenario": self.name, "now": stamp(self.stages[0].terms.withdraw_by - 21 * DAY), "steps": steps}, ensure_ascii=False))


def lay_out(folder, trials):
    """The shipped package with these scenarios alone."""
    package = os.path.join(folder, "selection")
    shutil.copytree(PACKAGE, package)
    for name in os.listdir(package):
        shutil.rmtree(os.path.join(package, name, "scenarios"), ignore_errors=True)
    os.makedirs(os.path.join(package, "round", "scenarios"))
    for trial in trials:
        trial.write(os.path.join(package, "round", "scenarios"))
    return package


def play(folder, trials):
    """What the engine made of each: by the trial's name its cases."""
    package, left = lay_out(folder, trials), os.path.join(folder, "left")
    os.makedirs(left)
    done = subprocess.run([BINARY, "test", package, "--data", left, "--no-pdf"], capture_output=True, text=True, timeout=120 + 10 * len(trials))
    assert done.returncode == 0, "\n".join([line for line in done.stdout.splitlines() if line.startswith("FAIL")][:10]) + done.stderr[-1000:]
    found = {}
    for trial in trials:
        with open(os.path.join(left, "round", trial.name + ".json"), encoding="utf-8") as f:
            found[trial.name] = json.load(f)
    return found


# Rounds at random

OPENINGS = (datetime.datetime(2027, 3, 30, 12), datetime.datetime(2027, 3, 30, 12), datetime.datetime(2027, 3, 30, 20, 40), datetime.datetime(2027, 4, 2, 20, 30), datetime.datetime(2027, 5, 5, 20, 50))
SECOND_ROUND = datetime.datetime(2027, 10, 5, 12)


def random_person(dice, ident, number, day):
    special = dice.random() < 0.15
    return {"id": ident, "number": None if special and dice.random() < 0.4 else number, "assigned": "2026-%s-%02d" % (dice.choice(("07", "08", "10")), day), "couple": "", "special": special}


def random_people(dice, letter, most):
    days = dice.sample(range(1, 29), most)
    people = [random_person(dice, "%s%02d" % (letter, i), dice.randint(1, 40), days[i]) for i in range(dice.randint(2, most))]  # a number may be assigned twice (S63, S64)
    for k in range(dice.choice((0, 0, 1, 1, 2))):
        free = [p for p in people if not p["couple"]]
        if len(free) > 1:
            one, other = dice.sample(free, 2)
            one["couple"] = other["couple"] = "par %s%d" % (letter, k)
            # Both choose on one number, which one of them was assigned first (S101, A19); or the register has two.
            if one["number"] and other["number"] and dice.random() < 0.6:
                other["number"] = one["number"]
    return people


def random_posts(dice, letter, people):
    return [{"id": "%s%02d" % (letter, i), "places": (dice.choice(PLACES), dice.choice(PLACES)), "voluntary": dice.random() < 0.2} for i in range(max(1, people + dice.randint(-1, 4)))]


def random_pauses(dice, stage):
    """The round stands still: in the window, in a slot, over 21:00, over night."""
    free, last = stage.terms.special_at, max([p.end for p in stage.idle([]).people.values() if p.end is not None] + [stage.terms.open_at])
    for _ in range(dice.choice((0, 0, 1, 1, 2))):
        at = free + dice.randint(0, max(1, int((last - free) / MINUTE))) * MINUTE
        until = at + dice.choice((1, 3, 10, 24, 24, 50, 170, 700, 1000)) * MINUTE
        stage.acts += [(at, None, "pause", None), (until, None, "resume", None)]
        if dice.random() < 0.2 and until - at > MINUTE:
            stage.acts.append((at + (until - at) / 2 // MINUTE * MINUTE, None, dice.choice(("pause", "resume")), None))
        free = until + MINUTE
        last = max(last, until) + 20 * MINUTE


def random_leaving(dice, stage, p):
    """Who leaves, or asks to, before the close; what the secretariat makes of it."""
    who, close = p["id"], stage.terms.withdraw_by
    before = close - dice.choice((0, dice.randint(1, 5000))) * MINUTE
    chance = dice.random()
    if chance < 0.10:
        stage.acts.append((before, who, "postpone", None))
    elif chance < 0.13:
        stage.acts.append((before, who, "abroad", None))
    elif chance < 0.23:
        stage.acts.append((before, who, "ask", None))
        during = [at for at, _, kind, _ in stage.acts if kind == "pause"]
        decided = dice.choice(during + [before + dice.randint(1, 40000) * MINUTE, stage.terms.open_at]) + dice.randint(0, 20) * MINUTE
        stage.acts += [(decided, who, "decide", dice.random() < 0.3), (decided + dice.randint(1, 3) * MINUTE, who, "choose", dice.choice(stage.posts)["id"])]
        if dice.random() < 0.7:
            stage.acts.append((decided + dice.randint(200, 2000) * MINUTE, who, "decide", dice.random() < 0.3))
    elif chance < 0.33:
        during = [at + dice.randint(0, 20) * MINUTE for at, _, kind, _ in stage.acts if kind == "pause"]
        stage.acts.append((dice.choice(during + [close + dice.randint(-3000, 40000) * MINUTE] * 2), who, "register", None))
    if dice.random() < 0.06:
        stage.acts.append((close + dice.randint(2, 34000) * MINUTE, who, "remove", None))


def random_choosing(dice, stage, person, ids):
    """Lists, changed or not, and choices in and out of one's time. person: as the model has it when nobody does anything."""
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        at = stage.terms.preview_at + dice.randint(-60, 8 * 24 * 60 + 760) * MINUTE
        stage.acts.append((at, person.id, "rank", dice.sample(ids, dice.randint(1, min(4, len(ids))))))
    if dice.random() < 0.5:
        at = (person.start or stage.terms.special_at) + dice.choice((-3, 0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 9, 10, 13, 25, 180)) * MINUTE
        stage.acts.append((at, person.id, dice.choice(("choose", "choose", "phone")), dice.choice(ids)))
        if dice.random() < 0.4:
            stage.acts.append((at + MINUTE, person.id, "choose", dice.choice(ids)))
        if dice.random() < 0.2:
            stage.acts.append((at + 2 * MINUTE, person.id, "rank", dice.sample(ids, min(2, len(ids)))))


def random_acts(dice, stage, letter):
    random_pauses(dice, stage)
    ids = [post["id"] for post in stage.posts]
    stage.acts.sort(key=lambda act: act[0])
    idle = stage.idle(stage.acts)
    times = [dice.choice((stage.terms.withdraw_by + dice.randint(-2000, 30000) * MINUTE, stage.terms.open_at + dice.randint(-60, 60) * MINUTE, stage.terms.open_at + dice.randint(0, 1500) * MINUTE))
             for _ in range(dice.choice((0, 0, 1, 1, 2)))]
    for i, at in enumerate(sorted(times)):
        row = random_person(dice, "%s%02d" % (letter, 90 + i), dice.randint(1, 40), 29 + i)
        row["number"] = row["number"] or 41 + i
        alone = [p["couple"] for p in stage.people if p["couple"] and sum(q["couple"] == p["couple"] for q in stage.people) == 1]
        row["couple"] = dice.choice(alone) if alone and dice.random() < 0.5 else ""
        stage.acts.append((at, None, "add", row))
        random_choosing(dice, stage, idle.people[stage.people[0]["id"]], ids)
    for p in stage.people:
        random_leaving(dice, stage, p)
        random_choosing(dice, stage, idle.people[p["id"]], ids)
    # Between two and three there is no time in the night of spring.
    stage.acts = sorted([(at + 60 * MINUTE if (at.month, at.day, at.hour) == (3, 28, 2) else at, *rest) for at, *rest in stage.acts], key=lambda act: act[0])


def random_created(dice, stage, letter):
    """After the round a post is made for who waits for one; not always a good one."""
    at = stage.terms.open_at + 90 * DAY
    for nth, p in enumerate(p for p in stage.idle(stage.acts).people.values() if p.state == "awaiting" and dice.random() < 0.6):
        places = dice.choice((dice.choice(PLACES), stage.anchors[p.couple]["places"][0])) if p.couple in stage.anchors else dice.choice(PLACES)
        stage.acts.append((at + nth * MINUTE, p.id, "assign", {"id": "%sx%d" % (letter, nth), "places": (places, places), "voluntary": False}))


def random_trial(seed):
    dice, name, names = random.Random(seed), "round-%s" % seed, Names()
    people = random_people(dice, "p", 8)
    if dice.random() < 0.4:
        dice.choice(people)["couple"] = "par x"  # whose other is in no round, in the next, or enrolled late
    first = Stage(name, "runde 1", people, random_posts(dice, "s", len(people)), terms(dice.choice(OPENINGS), dice.choice((9, 9, 12)), dice.choice(("first", "first", "any", "all"))))
    random_acts(dice, first, "p")
    random_created(dice, first, "p")
    first.decide(names)
    stages = [first]
    if dice.random() < 0.35:
        stages.append(next_stage(dice, name, first))
        stages[1].decide(names)
    return Trial(name, stages)


def next_stage(dice, name, first):
    """Half a year later: who postponed, with the same number, and others, of whom some follow somebody of the first round (S26, S111-S114, A20, A21)."""
    came_back = [dict(row) for row in first.people if first.wanted[row["id"]][0] == "postponed"]
    people = came_back + random_people(dice, "q", 5)
    for row in people:
        if not row["couple"] and dice.random() < 0.5:
            couples = [p["couple"] for p in first.people if p["couple"] and first.wanted[p["id"]][0] in ENDED and sum(q["couple"] == p["couple"] for q in first.people + people) == 1]
            row["couple"] = dice.choice(couples) if couples else ""
    stage = Stage(name, "runde 2", people, random_posts(dice, "t" if dice.random() < 0.7 else "s", len(people)), terms(SECOND_ROUND, 9, dice.choice(("first", "first", "any", "all"))), first.anchors)
    random_acts(dice, stage, "q")
    random_created(dice, stage, "q")
    return stage
