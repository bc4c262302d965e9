"""The allotment of a selection round, decided again from the rules alone (requirements S and A1 to A65), without anything of Stafet: what tests compare the engine with.

A person is a dict: id (text), number (int or None), assigned (date text), couple (text or ""), special (bool). A post: id, places (two, north and east), voluntary (bool).
An act is (when, person's id or None, kind, value), in the order in which they are sent; acts() below says which there are."""
import collections, datetime

from grid import EVENING, STEP, Grid, near

INF = float("inf")
PICK, RETRY, TELL, OPENING = 0, 1, 2, 3  # the order of what is due at one instant (A6, A58)
ENDED = ("allotted", "awaiting", "postponed", "withdrawn", "removed")
ACCESS = ("early", "open", "late")  # may choose (S65, S72, A7)
CHOOSING = ("waiting", "preferred") + ACCESS  # has not chosen, and may or will
SECOND, DAY = datetime.timedelta(seconds=1), datetime.timedelta(days=1)

# The calendar and rules of a round (S10-S17). withdraw_by, notice_at, preview_at, special_at, open_at: datetimes; morning: the time of the first slot of the following days.
Terms = collections.namedtuple("Terms", "withdraw_by notice_at preview_at special_at open_at morning radius basis")
Due = collections.namedtuple("Due", "when kind turn person do")


class Person:
    def __init__(self, row):
        self.id, self.number, self.assigned = row["id"], row["number"], row["assigned"]
        self.couple, self.special = row["couple"], row["special"]
        self.favourites, self.state, self.post, self.how = [], "enrolled", None, None
        self.place, self.start, self.end = None, None, None
        self.takes_part = False  # was there when the times were given, or came later
        self.noticed, self.told = False, None  # has been told a time; when, if the others had been told before

    def lot(self):
        return (INF if self.number is None else self.number, self.assigned, self.id)

    def turn(self, pair):
        """Who is first of those for whom the same is due at one instant: by the slot, then by the number; two who live together (`pair`, with whoever has left since) have the lower
        number of both, and of the two whoever was assigned theirs first, whichever number that is (S63, S101, A6, A19, A63)."""
        first = sorted(pair or [self], key=lambda p: (p.assigned, p.id))
        return (INF if self.place is None else self.place, min(p.lot() for p in first)[:2], first.index(self), self.id)

    def cutoff(self):
        """A2. Whose time was over before they heard of it have the next day: the requirements do not say."""
        if self.told is not None and self.told > self.end:
            return datetime.datetime.combine(self.told.date() + DAY, EVENING)
        return max(datetime.datetime.combine(self.start.date(), EVENING), self.end)

    def draw_at(self):
        """A10, A11."""
        return datetime.datetime.combine(self.cutoff().date() + DAY, datetime.time(8, 30))


class Round:
    """draw(person's id, all posts in the register's order, those that are eligible): what the lot fell on. anchors: by couple the post of the one who has chosen, in this round or in one before (S113).
    began(person's id or None): is told of everybody who takes part, in their order, and of each allotment. messages: (when, person, name), in order."""

    def __init__(self, people, posts, terms, draw, anchors=None, began=lambda person: None):
        self.people = {row["id"]: Person(row) for row in people}
        self.posts = {row["id"]: row for row in posts}
        self.terms, self.draw, self.began = terms, draw, began
        self.anchors = {} if anchors is None else anchors
        self.grid, self.highest, self.window_end = Grid(terms.open_at, terms.morning), 0, terms.open_at
        self.taken, self.outcomes, self.messages = set(), [], []
        self.instants = set()  # at which something was due
        self.closed, self.notified, self.paused, self.over = False, False, None, False
        for person in sorted(self.people):
            began(person)

    # Who can get what

    def within(self, person, post):
        anchor = self.anchors.get(person.couple) if person.couple else None
        return anchor is None or near(self.posts[post], anchor, self.terms.radius, self.terms.basis)

    def fits(self, person, post):
        return post not in self.taken and self.within(person, post)

    def take(self, person, post, how, now):
        self.taken.add(post)
        person.post, person.how = post, how
        self.end(person, "allotted")
        if person.couple and person.couple not in self.anchors:
            self.anchors[person.couple] = self.posts[post]
        self.say(now, person, "agreement")
        self.began(None)
        # The last of what others hoped for, at that moment, while they can do something about it (S56, A9, A60, A61).
        for other in self.in_state(*CHOOSING):
            if post in other.favourites and self.all_taken(other) and not self.too_late(other, now):
                self.say(now, other, "all-taken")

    def all_taken(self, person):
        return bool(person.favourites) and all(post in self.taken for post in person.favourites)

    def too_late(self, p, now):
        """Whose day ends at this very instant can do nothing more (A61)."""
        if p.state == "early":
            return p.number is None and self.window_end <= now and now.time() >= EVENING
        return (p.state == "late" or (p.state == "open" and p.end <= now)) and p.cutoff() <= now

    def pick(self, person, now):
        """The automatic pick (S53)."""
        for post in person.favourites:
            if self.fits(person, post):
                self.take(person, post, "favourite", now)
                return True
        return False

    # Small words

    def turn(self, p):
        return p.turn([q for q in self.people.values() if p.couple and q.couple == p.couple and q.takes_part])

    def in_state(self, *states):
        return [p for p in self.people.values() if p.state in states]

    def say(self, now, person, name):
        self.messages.append((now, person.id, name))

    def end(self, person, state):
        person.state = state
        self.over = self.over or all(p.state in ENDED for p in self.people.values())

    def stand(self, person, place):
        person.place, person.start = place, self.grid.opens(place)
        person.end = person.start + STEP
        self.highest = max(self.highest, place)

    # What happens by itself

    def due(self):
        """All that waits for its time. While the round is paused, nothing comes (A62)."""
        if self.paused is not None:
            return []
        out = [] if self.closed else [Due(self.terms.withdraw_by + SECOND, PICK, (), None, self.close)]
        out += [] if self.notified else [Due(self.terms.notice_at, TELL, (), None, self.notify)]
        for p in self.people.values():
            if p.state == "preferred":
                out.append(Due(self.terms.special_at, OPENING, self.turn(p), p, self.let_in))
            elif p.state == "waiting" and p.start is not None:
                out.append(Due(p.start, OPENING, self.turn(p), p, self.let_in))
            elif p.state == "early":
                out.append(Due(self.window_end, PICK, self.turn(p), p, self.leave_window))
            elif p.state == "open":
                out.append(Due(p.end, PICK, self.turn(p), p, self.leave_slot))
            elif p.state == "late":
                out.append(Due(p.cutoff(), RETRY, self.turn(p), p, self.leave_day))
            elif p.state == "undecided":
                out.append(Due(p.draw_at(), PICK, self.turn(p), p, self.lottery))
        return out

    def close(self, _, now):
        """Who has not left gets a place: a number ten minutes, a couple one for both (S57-S63, S101)."""
        self.closed = True
        for p in self.in_state("enrolled"):
            p.state, p.takes_part = "preferred" if p.special else "waiting", True
        place, seen = 0, {}
        for p in sorted(self.in_state("waiting"), key=Person.lot):
            if p.couple not in seen:
                place += 1
            self.stand(p, seen.get(p.couple, place))
            if p.couple:
                seen[p.couple] = p.place

    def notify(self, _, now):
        self.notified = True
        for p in self.in_state("waiting", "preferred"):
            self.tell_time(p, now)

    def tell_time(self, p, now):
        if not p.noticed and now >= self.terms.notice_at:
            p.noticed = True
            self.say(now, p, "your-time")
            return True
        return False

    def let_in(self, p, now):
        p.state = "early" if p.state == "preferred" else "open"
        self.say(now, p, "now-open")

    def leave_window(self, p, now):
        """Who has chosen nothing by then gets the top favourite, else falls back to the own number (A4, A5, A63)."""
        if self.pick(p, now):
            return
        if self.all_taken(p):
            self.say(now, p, "all-taken")
        if p.number is None:
            p.state, p.start, p.end = "late", now, now
        else:
            p.state, p.noticed = "waiting", False
            self.stand_beside(p)
            if self.tell_time(p, now):
                p.told = now

    def leave_slot(self, p, now):
        if self.pick(p, now):
            return
        # The pick failed; not when only the radius is in the way (A60).
        if self.all_taken(p):
            self.say(now, p, "all-taken")
        p.state = "late"

    def leave_day(self, p, now):
        if not self.pick(p, now):
            p.state = "undecided"

    def lottery(self, p, now):
        """S91, A12, A13; never outside the radius (S107), and a post is created where none is left (S106, A57)."""
        eligible = [post for post, row in self.posts.items() if not row["voluntary"] and self.fits(p, post)]
        if p.couple and p.couple not in self.anchors:  # A19: the first of two, where the other can follow
            eligible = [post for post in eligible if any(near(self.posts[other], self.posts[post], self.terms.radius, self.terms.basis) for other in eligible if other != post)] or eligible
        if eligible:
            self.take(p, self.draw(p.id, list(self.posts), eligible), "drawn", now)
        else:
            self.end(p, "awaiting")

    def stand_beside(self, p):
        """A time when the others have theirs, which do not move: the other's of a couple, else that of the next higher number still in the round, else one more at the end
        (A4, A56, A59)."""
        others = [q for q in self.in_state("waiting", "open", "late", "undecided") if q.place is not None and q is not p]
        partner = [q for q in others if p.couple and q.couple == p.couple]
        # Two who choose on one number have the lower one (S101).
        numbers = {q: min(r.lot() for r in others if r is q or (q.couple and r.couple == q.couple)) for q in others}
        later = partner or [q for q in others if numbers[q] > p.lot()]
        self.stand(p, min(later, key=lambda q: (numbers[q], q.place)).place if later else self.highest + 1)

    def join(self, p, now):
        """Somebody is in when the others have their times: enrolled late, or not allowed to leave."""
        p.takes_part = True
        if p.special and now < self.window_end:
            p.state = "preferred"
            self.tell_time(p, now)
        else:
            p.state = "waiting"
            self.stand_beside(p)
            if self.tell_time(p, now):
                p.told = now

    # What people do: whether it was possible

    def acts(self, now, p, kind, value):
        if kind == "pause":
            return self.pause(now)
        if kind == "resume":
            return self.resume(now)
        if kind == "add":
            return self.add(now, value)
        if kind == "rank":
            ok = now >= self.terms.preview_at and (p.state in CHOOSING + ("asked",) or (self.paused is not None and p.state == "undecided"))
            p.favourites = list(value) if ok else p.favourites
            return ok
        if kind in ("choose", "phone"):
            ok = p.state in ACCESS and self.paused is None and self.fits(p, value)
            if ok:
                self.take(p, value, "self" if kind == "choose" else "telephone", now)
            return ok
        if kind == "decide":
            return self.decide(now, p, value)
        if kind == "assign":
            return self.assign(now, p, value)
        states, end = {"postpone": (["enrolled"], "postponed"), "abroad": (["enrolled"], "withdrawn"), "ask": (["enrolled"], "asked"),
                       "register": (["enrolled", "asked", "waiting", "preferred"], "postponed"), "remove": (CHOOSING + ("enrolled", "asked", "undecided"), "removed")}[kind]
        ok = p.state in states and (kind in ("register", "remove") or self.paused is None)  # a mail in time is in time, whenever it is read (A15)
        if ok:
            self.end(p, end)
        return ok

    def decide(self, now, p, granted):
        """On a wish to leave for a reason of its own (A14)."""
        if p.state != "asked" or self.paused is not None:
            return False
        if granted:
            self.end(p, "postponed")
        elif not self.closed:
            p.state = "enrolled"
        else:
            self.join(p, now)
        return True

    def assign(self, now, p, post):
        """A post is created for who waits for one, within the radius (S109, S114, A57)."""
        self.posts[post["id"]] = post
        ok = p.state == "awaiting" and self.fits(p, post["id"])
        if ok:
            self.take(p, post["id"], "created", now)
        return ok

    def add(self, now, row):
        if self.over or self.paused is not None:
            return False
        p = self.people[row["id"]] = Person(row)
        self.began(p.id)
        if self.closed:
            self.join(p, now)
        return True

    def pause(self, now):
        if self.over or self.paused is not None or now < self.terms.special_at:
            return False
        self.paused = now
        for p in self.in_state(*ACCESS):
            self.say(now, p, "paused")
        return True

    def resume(self, now):
        """Who was in a slot gets the lost minutes, as all with special consideration do; slots that had not begun move together by as few whole places of the grid as leave each
        behind the pause and behind what was prolonged (A55, A62)."""
        if self.over or self.paused is None:
            return False
        lost, free_from = now - self.paused, now
        if self.paused < self.window_end:
            self.window_end = free_from = self.window_end + lost
        affected = self.in_state(*ACCESS)
        for p in self.in_state("open"):
            p.end += lost
            free_from = max(free_from, p.end)
        coming = [p for p in self.in_state("waiting") if p.start is not None and p.start > self.paused]
        first, by = min((p.place for p in coming), default=0), 0
        while coming and self.grid.opens(first + by) < free_from:
            by += 1
        for p in coming if by else []:
            self.stand(p, p.place + by)
            affected.append(p)
        for p in affected:
            self.say(now, p, "resumed")
        self.paused = None
        return True

    # The course of it

    def settle(self, now):
        """What is due, one after another, each when its turn comes."""
        while True:
            first = min(self.due(), key=lambda due: due[:3], default=None)
            if first is None or first.when > now:
                return
            self.instants.add(first.when)
            first.do(first.person, now)

    def run(self, acts=()):
        """Timers run before what people do at the same instant (A61)."""
        acts = list(acts)
        while True:
            ahead = min((due.when for due in self.due()), default=None)
            if acts and (ahead is None or acts[0][0] < ahead):
                now, person, kind, value = acts.pop(0)
                self.outcomes.append(self.acts(now, self.people.get(person), kind, value))
                self.settle(now)
            elif ahead is None:
                break
            else:
                self.settle(ahead)
        return {p.id: (p.state, p.post, p.how) for p in self.people.values()}
