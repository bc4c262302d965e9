"""templates/selection against allocation.py, which decides the same rounds from the rules alone: ROUNDS (100) at random, SEED to have them again.
Each is a scenario of the package, so that mails, links, codes, timers and claims are those of the real engine; compared are who got which post, how, and in
which slot, and what was refused on the way."""
import csv, datetime, hashlib, hmac, json, os, random, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from allocation import Round

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, "build", "stafet")
PACKAGE = os.path.join(ROOT, "templates", "selection")
SECRETARIAT = "nord@videreuddannelse.example.dk"
CLOSE = datetime.datetime(2027, 3, 8, 12)
PREVIEW = datetime.date(2027, 3, 22)
SPECIAL = datetime.datetime(2027, 3, 30, 9)
OPEN = datetime.datetime(2027, 3, 30, 12)
END = "2027-07-20T12:00"
PLACES = ((57.05, 9.92), (57.46, 9.98), (56.16, 10.20), (55.40, 10.39), (55.68, 12.57), (55.64, 12.08))  # Aalborg, Hjørring, Aarhus, Odense, København, Roskilde

START = {"name": "2. runde 2027", "secretariat_email": SECRETARIAT, "remind_on": "2027-03-01", "withdraw_by": "2027-03-08T12:00", "notice_on": "2027-03-18", "preview_on": "2027-03-22",
         "special_at": "2027-03-30T09:00", "open_at": "2027-03-30T12:00", "day_first_slot": "nine", "radius": 50, "radius_basis": "first"}


def columns(register):
    with open(os.path.join(PACKAGE, "round", register + ".csv"), encoding="utf-8") as f:
        return f.readline().strip().replace(",", ";").split(";")


PEOPLE, POSTS = columns("participants"), columns("posts")


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M")


def random_people(dice):
    people = []
    numbers = dice.sample(range(1, 40), 9)
    for i in range(dice.randint(2, 8)):
        special = dice.random() < 0.15
        people.append({"id": "p%d" % i, "number": None if special and dice.random() < 0.4 else numbers[i], "assigned": "2026-0%d-15" % dice.randint(6, 9), "couple": "", "special": special})
    for k in range(dice.choice((0, 0, 1, 1, 2))):
        free = [p for p in people if not p["couple"]]
        if len(free) > 1:
            for p in dice.sample(free, 2):
                p["couple"] = "par %d" % k
    return people


def random_posts(dice, people):
    count = max(1, people + dice.randint(-1, 4))
    return [dict(zip(("lat", "lon"), dice.choice(PLACES)), id="s%d" % i, voluntary=dice.random() < 0.2) for i in range(count)]


def random_acts(dice, people, posts, model):
    """Before the close some leave; then people rank, and choose in and out of their time. model: the same round when nobody does anything."""
    acts, ids = [], [post["id"] for post in posts]
    for p in people:
        who = model.people[p["id"]]
        if dice.random() < 0.1:
            acts.append((CLOSE - datetime.timedelta(minutes=dice.randint(1, 5000)), p["id"], "postpone", None))
        if dice.random() < 0.06:
            acts.append((CLOSE + datetime.timedelta(minutes=dice.randint(2, 30000)), p["id"], "remove", None))
        for _ in range(dice.choice((0, 1, 1, 2))):
            at = datetime.datetime.combine(PREVIEW, datetime.time(7)) + datetime.timedelta(minutes=dice.randint(1, 8 * 24 * 60 + 330))
            acts.append((at, p["id"], "rank", dice.sample(ids, dice.randint(1, min(4, len(ids))))))
        if dice.random() < 0.5:
            near = who.start or SPECIAL
            at = near + datetime.timedelta(minutes=dice.choice((1, 2, 4, 7, 9, 11, 13, 25, 180, -3)))
            acts.append((at, p["id"], "choose", dice.choice(ids)))
            if dice.random() < 0.4:
                acts.append((at + datetime.timedelta(minutes=1), p["id"], "choose", dice.choice(ids)))
    # Never at the instant of a timer, where the order of both is not told.
    return [(at + datetime.timedelta(minutes=1) if at.minute % 10 == 0 else at, *rest) for at, *rest in sorted(acts, key=lambda act: act[0])]


def drawn(scenario, reference, options):
    """The first lot of a case, as docs/draws.md has it; with the seed that scenarios have."""
    seed = hashlib.sha256(("%s/draw/TEST-0001" % scenario).encode()).digest()
    for tries in range(100):
        number = int.from_bytes(hmac.new(seed, ("draw/%s/1/%d" % (reference, tries)).encode(), hashlib.sha256).digest()[:8], "big")
        if number < 2**64 - 2**64 % len(options):
            return options[number % len(options)]


class Trial:
    """One round: what happens, and what must come of it."""

    def __init__(self, seed):
        dice = random.Random(seed)
        self.name = "round-%s" % seed
        self.people = random_people(dice)
        self.posts = random_posts(dice, len(self.people))
        idle = self.model()
        idle.run([])
        self.acts = random_acts(dice, self.people, self.posts, idle)
        self.model = self.model()
        self.wanted = self.model.run(self.acts)

    def model(self):
        return Round(self.people, self.posts, CLOSE, SPECIAL, OPEN, self.draw)

    def draw(self, person, options):
        place = [p["id"] for p in self.people].index(person)
        return drawn(self.name, "TEST-%04d" % (place + 2), options)

    def outcomes(self):
        return self.model.outcomes

    def step(self, act, accepted):
        at, person, kind, value = act
        do = {"event": kind, "by": person + "@laege.example.dk"}
        if kind == "rank":
            do["with"] = {"favourites": value}
        elif kind == "choose":
            do["with"] = {"wanted": value}
        elif kind == "postpone":
            do.update(event="declare", **{"with": {"reason": "parental", "confirmed": True}})
        else:
            do.update(by=SECRETARIAT, **{"with": {"remove_reason": "Har fået forlænget sit ophold.", "confirmed": True}})
        if not accepted:
            do["refused"] = True
        return [{"advance": stamp(at)}, {"do": do, "workflow": "choice", "of": person + "@laege.example.dk"}]

    def write(self, folder):
        with open(os.path.join(folder, self.name + "-people.csv"), "w", encoding="utf-8", newline="") as f:
            rows = csv.writer(f)
            rows.writerow(PEOPLE)
            for i, p in enumerate(self.people):
                known = dict(p, name="Læge %s" % p["id"], email=p["id"] + "@laege.example.dk", phone="+452000%04d" % i, address="Vej %d" % i, cpr="010190-%04d" % (1111 + i),
                             number="" if p["number"] is None else p["number"], special="true" if p["special"] else "false")
                rows.writerow([known.get(column, "") for column in PEOPLE])
        with open(os.path.join(folder, self.name + "-posts.csv"), "w", encoding="utf-8", newline="") as f:
            rows = csv.writer(f)
            rows.writerow(POSTS)
            for post in self.posts:
                known = dict(post, hospital="Hospital " + post["id"], region="nord", secretariat="nord", town="By", speciality="Medicin", starts="2029-08-01",
                             voluntary="true" if post["voluntary"] else "false", email="sted@hospital.example.dk")
                rows.writerow([known.get(column, "") for column in POSTS])
        steps = [{"import": {"participants": self.name + "-people.csv", "posts": self.name + "-posts.csv"}}, {"start": START},
                 {"do": {"event": "begin", "by": SECRETARIAT, "with": {"confirmed": True}}}]
        for act, accepted in zip(self.acts, self.outcomes()):
            steps += self.step(act, accepted)
        steps.append({"advance": END})
        with open(os.path.join(folder, self.name + ".yaml"), "w", encoding="utf-8") as f:
            f.write(json.dumps({"scenario": self.name, "now": "2027-02-15T10:00", "steps": steps}, ensure_ascii=False))


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
    """What the engine made of each: by the trial's name its instances."""
    package, left = lay_out(folder, trials), os.path.join(folder, "left")
    os.makedirs(left)
    done = subprocess.run([BINARY, "test", package, "--data", left, "--no-pdf"], capture_output=True, text=True, timeout=60 + 5 * len(trials))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    found = {}
    for trial in trials:
        with open(os.path.join(left, "round", trial.name + ".json"), encoding="utf-8") as f:
            found[trial.name] = json.load(f)
    return found


def compare(trial, instances):
    got = {}
    for instance in instances:
        if instance["workflow"] == "choice":
            data = instance["data"]
            got[data["person"]] = (instance["state"], (data.get("post") or {}).get("key"), data.get("chosen_by"), data.get("slot_start"))
    wanted = {who: (*end, stamp(trial.model.people[who].start) if trial.model.people[who].start else None) for who, end in trial.wanted.items()}
    wrong = ["%s: %s, but by the rules %s" % (who, got.get(who), end) for who, end in wanted.items() if got.get(who) != end]
    assert not wrong and len(got) == len(wanted), "%s\n%s" % (trial.name, "\n".join(wrong))


def main():
    count, seed = int(os.environ.get("ROUNDS", "100")), int(os.environ.get("SEED", random.randrange(10**6)))
    print("SEED=%d, %d rounds" % (seed, count))
    for first in range(0, count, 100):
        trials = [Trial(str(seed + first + i)) for i in range(min(100, count - first))]
        with tempfile.TemporaryDirectory() as folder:
            found = play(folder, trials)
            for trial in trials:
                compare(trial, found[trial.name])
    print("ok", count, "rounds")


if __name__ == "__main__":
    sys.exit(main())
