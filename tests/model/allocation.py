"""The allotment of a selection round, decided again from the rules alone (requirements S and A1 to A65), without anything of Stafet: what tests compare the engine with.

A person is a dict: id (text), number (int or None), assigned (date text), couple (text or ""), special (bool). A post: id, lat, lon, voluntary (bool).
An act is (when, person's id, kind, value): "rank" (list of posts), "choose" (post), "postpone", "remove"; in the order in which they are sent."""
import datetime, math

STEP = datetime.timedelta(minutes=10)
INF = float("inf")


def easter(year):
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    l = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * l) // 433
    month = (h + l - 7 * m + 90) // 25
    return datetime.date(year, month, (h + l - 7 * m + 33 * month + 19) % 32)


def workday(day):
    offset = (day - easter(day.year)).days
    moving = offset in (-3, -2, 0, 1, 39, 49, 50) or (offset == 26 and day.year < 2024)
    return day.weekday() < 5 and not moving and (day.month, day.day) not in ((1, 1), (12, 25), (12, 26))


def slots(first, count):
    """When each opens: from `first` to 21:00, and on the following workdays from 9:00 to 21:00."""
    out, at = [], first
    while len(out) < count:
        out.append(at)
        at += STEP
        if (at.hour, at.minute) > (21, 0):
            day = at.date() + datetime.timedelta(days=1)
            while not workday(day):
                day += datetime.timedelta(days=1)
            at = datetime.datetime.combine(day, datetime.time(9, 0))
    return out


def distance(a, b):
    la, lb = math.radians(a["lat"]), math.radians(b["lat"])
    half = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin(math.radians(b["lon"] - a["lon"]) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


class Person:
    def __init__(self, row):
        self.id, self.number, self.assigned = row["id"], row["number"], row["assigned"]
        self.couple, self.special = row["couple"], row["special"]
        self.favourites, self.state, self.post, self.how = [], "enrolled", None, None
        self.place, self.start, self.end = None, None, None

    def lot(self):
        return (INF if self.number is None else self.number, self.assigned, self.id)

    def turn(self):
        """Who is first among picks at one instant."""
        return (INF if self.place is None else self.place,) + self.lot()


class Round:
    """draw(person's id, eligible posts in the register's order) says what the lot fell on."""

    def __init__(self, people, posts, withdraw_by, special_at, open_at, draw, radius=50.0):
        self.people = {row["id"]: Person(row) for row in people}
        self.posts = {row["id"]: row for row in posts}
        self.withdraw_by, self.special_at, self.open_at = withdraw_by, special_at, open_at
        self.draw, self.radius = draw, radius
        self.taken, self.outcomes, self.anchors = set(), [], {}

    def fits(self, person, post):
        anchor = self.anchors.get(person.couple) if person.couple else None
        return post not in self.taken and (anchor is None or distance(self.posts[post], self.posts[anchor]) <= self.radius)

    def take(self, person, post, how):
        self.taken.add(post)
        person.post, person.how, person.state = post, how, "allotted"
        if person.couple and person.couple not in self.anchors:
            self.anchors[person.couple] = post

    def pick(self, person):
        for post in person.favourites:
            if self.fits(person, post):
                self.take(person, post, "favourite")
                return True
        return False

    def in_state(self, *states):
        return [p for p in self.people.values() if p.state in states]

    # What happens by itself, in the order of (instant, kind, turn).

    def close(self):
        for p in self.in_state("enrolled"):
            p.state = "preferred" if p.special else "waiting"
        ordinary = sorted(self.in_state("waiting"), key=Person.lot)
        place, seen = 0, {}
        for p in ordinary:
            if p.couple and p.couple in seen:
                p.place = seen[p.couple]
                continue
            place += 1
            p.place = place
            if p.couple:
                seen[p.couple] = place
        times = slots(self.open_at, place)
        for p in ordinary:
            p.start, p.end = times[p.place - 1], times[p.place - 1] + STEP
        self.times = times
        for place, p in enumerate(sorted(self.in_state("preferred"), key=Person.lot), 1):
            p.place = place

    def leave_special(self, now):
        """Who has chosen nothing by 12:00 gets the top favourite, else falls back to the own number (A4, A5, A63)."""
        for p in sorted(self.in_state("early"), key=Person.turn):
            if self.pick(p):
                continue
            if p.number is None:
                p.state, p.place, p.start, p.end = "late", None, now, now
                continue
            others = [q for q in self.in_state("waiting", "open") if q.start is not None]
            partner = [q for q in others if p.couple and q.couple == p.couple]
            # Two who choose on one number have the lower one (S101).
            numbers = {q: min(r.lot() for r in others if r is q or (q.couple and r.couple == q.couple)) for q in others}
            later = partner or [q for q in others if numbers[q] > p.lot()]
            if later:
                next_one = min(later, key=lambda q: (q.place, q.lot()))
                p.place, p.start, p.end = next_one.place, next_one.start, next_one.end
            else:
                times = slots(self.open_at, len(self.times) + 1)
                self.times = times
                p.place, p.start, p.end = len(times), times[-1], times[-1] + STEP
            p.state = "waiting"

    def cutoff(self, p):
        return max(datetime.datetime.combine(p.start.date(), datetime.time(21, 0)), p.end)

    def morning(self, p):
        return datetime.datetime.combine(self.cutoff(p).date() + datetime.timedelta(days=1), datetime.time(8, 30))

    def lottery(self, p):
        eligible = [post for post, row in self.posts.items() if not row["voluntary"] and self.fits(p, post)]
        near = any(self.fits(p, post) for post in self.posts)
        if (p.couple and p.couple in self.anchors and not near) or not eligible:
            p.state = "awaiting"
        else:
            self.take(p, self.draw(p.id, eligible), "drawn")

    def due(self, now):
        """What is due at this very instant, one after another."""
        if now == self.withdraw_by + datetime.timedelta(seconds=1):
            self.close()
        if now == self.special_at:
            for p in self.in_state("preferred"):
                p.state = "early"
        if now == self.open_at:
            self.leave_special(now)
        for p in sorted((p for p in self.in_state("open") if p.end == now), key=Person.turn):
            if not self.pick(p):
                p.state = "late"
        for p in sorted((p for p in self.in_state("undecided") if self.morning(p) == now), key=Person.turn):
            self.lottery(p)
        for p in sorted((p for p in self.in_state("late") if self.cutoff(p) <= now), key=Person.turn):
            if not self.pick(p):
                p.state = "undecided"
        for p in self.in_state("waiting"):
            if p.start is not None and p.start <= now:
                p.state = "open"

    def instants(self):
        """All that something may be due at, until the round is over."""
        out = {self.withdraw_by + datetime.timedelta(seconds=1), self.special_at, self.open_at}
        for p in self.people.values():
            if p.start is not None:
                out |= {p.start, p.end, self.cutoff(p), self.morning(p)}
        return out

    def act(self, now, person, kind, value):
        p = self.people[person]
        ok = False
        if kind == "rank":
            ok = p.state in ("waiting", "preferred", "early", "open", "late")
            if ok:
                p.favourites = list(value)
        elif kind == "choose":
            ok = p.state in ("early", "open", "late") and self.fits(p, value)
            if ok:
                self.take(p, value, "self")
        elif kind == "postpone":
            ok = p.state == "enrolled" and now <= self.withdraw_by
            if ok:
                p.state = "postponed"
        elif kind == "remove":
            ok = p.state in ("enrolled", "waiting", "preferred", "early", "open", "late", "undecided")
            if ok:
                p.state = "removed"
        self.outcomes.append(ok)

    def run(self, acts):
        acts, done = list(acts), set()
        while True:
            ahead = sorted(t for t in self.instants() if t not in done)
            while acts and (not ahead or acts[0][0] < ahead[0]):
                self.act(*acts.pop(0))
                ahead = sorted(t for t in self.instants() if t not in done)
            if not ahead:
                break
            done.add(ahead[0])
            self.due(ahead[0])
        return {p.id: (p.state, p.post, p.how) for p in self.people.values()}
