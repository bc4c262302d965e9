"""The invariants of the requirements, looked at after every single event of a round: its histories are gone through in the order in which they were written, and after each entry everything
must hold. Numbers are those of the requirements. 4 and 5 are about what would come of other lists: test_markets.py. 8 (all comes out the same again) is seen by `stafet test` itself, which
replays each scenario when it has passed. That health information is in no export (6) is seen in tests/e2e/test_selection.py."""
import collections, datetime, zoneinfo

from allocation import ENDED
from grid import STEP, Grid, near

ZONE = zoneinfo.ZoneInfo("Europe/Copenhagen")
CHOSEN = ("choose", "choose-for", "picked", "drawn")
# What an allotment brings with it, to each role: an agreement and its link, a notice to three secretariats and five regions, a record for the register (9).
BROUGHT = collections.Counter({("agreement", "doctor"): 1, ("reported", "party"): 8, ("transfer", "registry"): 1})


def local(instant):
    return datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(ZONE).replace(tzinfo=None, microsecond=0)


def civil(text):
    return datetime.datetime.fromisoformat(text)


class Watch:
    """One round. anchors: by couple the post of who chose in a round before."""

    def __init__(self, stage, cases, anchors):
        self.terms, self.anchors = stage.terms, dict(anchors)
        self.at_first, self.posts, self.grid = stage.posts, stage.round.posts, Grid(stage.terms.open_at, stage.terms.morning)
        self.cases = [case for case in cases if case["data"].get("round_name", case["data"].get("name")) == stage.label and case["workflow"] in ("round", "choice")]
        self.now = {case["reference"]: {"state": None, "workflow": case["workflow"], "held": None} for case in self.cases}
        self.paused, self.taken, self.wrong = False, {}, []

    def walk(self):
        """What did not hold, in words."""
        entries = sorted(((entry["entry"], case, entry) for case in self.cases for entry in case["history"]), key=lambda one: one[0])
        for number, case, entry in entries:
            here = self.now[case["reference"]]
            was = dict(here)
            self.enter(here, entry)
            for look in (self.one_each, self.in_time, self.of_the_grid, self.never_by_force, self.together, self.brought, self.all_served):
                said = look(case, here, was, entry)
                if said:
                    self.wrong.append("entry %d (%s of %s at %s): %s" % (number, entry["event"], here.get("person", "the round"), local(entry["at"]), said))
        return self.wrong

    def enter(self, here, entry):
        for name, value in entry["told"].get("set", {}).items():
            if isinstance(value, dict) and "put" in value:  # what changed in a list
                at, drop = value["at"], value["drop"]
                value = here[name][:at] + value["put"] + here[name][at + drop:]
            here[name] = value
        here["state"] = entry["to"] or here["state"]
        if here["workflow"] == "round":
            self.paused = here["state"] == "paused"

    def one_each(self, case, here, was, entry):
        """1: a post is held once, a person holds one post, and nobody loses it."""
        for claim in entry["told"].get("claimed-rows", []):
            post = claim.split(" ", 2)[2]
            if post in self.taken or here["held"]:
                return "%s is held by %s already, or somebody holds %s and this one too" % (post, self.taken.get(post), here["held"])
            self.taken[post] = here["held"] = case["reference"]
            if here["post"]["key"] != post:
                return "claims %s, and is told of %s" % (post, here["post"]["key"])
        if entry["told"].get("released-rows"):
            return "gives something back"
        if bool(here["held"]) != (here["state"] in ("allotted", "begun", "tried")) or (was.get("post") and here.get("post") != was["post"]):
            return "is %s, and holds %s (before: %s)" % (here["state"], here.get("post"), was.get("post"))

    def in_time(self, case, here, was, entry):
        """3: nobody acts before the own time, nothing is allotted while the round stands still, and the pick and the lot come when the time is over."""
        if case["workflow"] != "choice" or entry["refused"] or entry["event"] not in CHOSEN:
            return None
        at = local(entry["at"])
        if self.paused:
            return "the round stands still"
        if entry["event"] in ("choose", "choose-for"):
            opens = self.terms.special_at if was["state"] in ("early", "preferred") else civil(was["slot_start"])
            return "not before %s" % opens if at < opens else None
        if entry["event"] == "picked":
            ends = civil(was["early_until"] if was["state"] == "early" else was["slot_end"])
            return "not before %s" % ends if at < ends else None
        after = datetime.datetime.combine(civil(was["slot_start"]).date() + datetime.timedelta(days=1), datetime.time(8, 30))
        return "not before %s" % after if at < after else None

    def of_the_grid(self, case, here, was, entry):
        """3: the times follow from number and calendar; and who was told one is not moved by others, only by a pause, and only on (A55, A56)."""
        if here.get("slot_no"):
            opens, ends = civil(here["slot_start"]), civil(here["slot_end"])
            if opens != self.grid.opens(here["slot_no"]) or ends < opens + STEP:
                return "slot %d from %s to %s" % (here["slot_no"], opens, ends)
        if was.get("slot_no") and (here["slot_no"], here["slot_end"]) != (was["slot_no"], was["slot_end"]) and (was["state"] not in ("paused", "paused-before") or here["slot_no"] < was["slot_no"]):
            return "slot %d became %d" % (was["slot_no"], here["slot_no"])

    def never_by_force(self, case, here, was, entry):
        """6: what nobody can be forced to take is never drawn; and the lot falls on what there was."""
        if entry["event"] == "drawn" and here["state"] == "allotted" and (self.posts[here["post"]["key"]]["voluntary"] or here["chosen_by"] != "drawn"):
            return "was drawn: %s" % here["post"]["key"]

    def together(self, case, here, was, entry):
        """7: two of a couple are near each other, whoever of them came first, in this round or before."""
        couple = here.get("couple")
        if here["state"] != "allotted" or was["state"] == "allotted" or not couple:
            return None
        post = self.posts[here["post"]["key"]]
        first = self.anchors.setdefault(couple, post)
        return None if first is post or near(post, first, self.terms.radius, self.terms.basis) else "%s is too far from the other's" % post["id"]

    def brought(self, case, here, was, entry):
        """9: each allotment, in whatever way, has its one agreement and each of its messages, and nothing else has."""
        allotted = entry["to"] == "allotted"
        sent = collections.Counter((m["message"], m["role"]) for m in case["messages"] if m["entry"] == entry["entry"] and m["message"] in ("agreement", "reported", "transfer"))
        parties = {m["to"] for m in case["messages"] if m["entry"] == entry["entry"] and m["message"] == "reported"}
        papers = [(d["document"], d["version"], d["addendum"]) for d in case["documents"] if d["entry"] == entry["entry"]]
        if sent != (BROUGHT if allotted else collections.Counter()) or len(parties) != 8 * allotted or papers != [("agreement", 1, 0)] * allotted:
            return "%s, %d parties, %s" % (dict(sent), len(parties), papers)

    def all_served(self, case, here, was, entry):
        """2: at the end each holds a post, or has left, or waits for one that is created: the second of a couple, or when none is left that could be drawn (A57, A64)."""
        if case["workflow"] == "round" and entry["to"] == "done":
            waiting = [one["person"] for one in self.now.values() if one["workflow"] == "choice" and one["state"] and one["state"] not in ENDED]
            return "the round ends without %s" % waiting if waiting else None
        if entry["to"] == "awaiting":
            anchor = self.anchors.get(here.get("couple"))
            left = [post for post in self.at_first if post["id"] not in self.taken and not post["voluntary"] and (anchor is None or near(post, anchor, self.terms.radius, self.terms.basis))]
            return "there is %s" % left[0]["id"] if left else None


def check(trial, cases):
    anchors, wrong = {}, []
    for stage in trial.stages:
        watch = Watch(stage, cases, anchors)
        wrong += ["%s, %s: %s" % (trial.name, stage.label, said) for said in watch.walk()]
        anchors = watch.anchors
    assert not wrong, "\n".join(wrong[:20])
