"""Each invariant is seen when it does not hold: histories that engine and model agree on are damaged, in one way at a time, and the check that this is for has to say so."""
import copy, os, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from grid import near
from invariants import Watch
from rounds import play, random_trial

TRIALS = 24
AWAY = ((69.65, 18.96),) * 2  # Tromsø


def entries(cases, *events, to=None):
    return [(case, entry) for case in cases for entry in case["history"] if entry["event"] in events and not entry["refused"] and (to is None or entry["to"] == to)]


def twice(stage, cases):
    """1: two hold the same post."""
    (_, one), (_, other) = entries(cases, "picked", "drawn", "choose", "choose-for", to="allotted")[:2]
    other["told"]["claimed-rows"], other["told"]["set"]["post"] = one["told"]["claimed-rows"], one["told"]["set"]["post"]


def lost(stage, cases):
    """1: a confirmed post is another afterwards."""
    case, entry = entries(cases, "picked", "drawn", to="allotted")[0]
    case["history"].append(dict(entry, entry=10**6, event="correct", to="", told={"set": {"post": {"key": "none"}}}))


def too_soon(stage, cases):
    """2: the round ends before somebody has a post."""
    entries(cases, "ended", to="done")[0][1]["entry"] = max(entry["entry"] for _, entry in entries(cases, "picked", "drawn", to="allotted")) - 0.5


def forgotten(stage, cases):
    """2: somebody waits, though there is a post."""
    if stage.terms.basis == "all":  # then a post with two places far apart is not even near itself
        raise StopIteration
    entries(cases, "drawn", to="awaiting")[0]
    stage.posts += [{"id": "more%d" % i, "places": post["places"], "voluntary": False} for i, post in enumerate(stage.posts)]


def early(stage, cases):
    """3: a choice before the own time."""
    entry = next(entry for _, entry in entries(cases, "choose", to="allotted") if entry["from"] == "open")
    entry["at"] = "2027-03-01T08:00:00.000Z"


def in_a_pause(stage, cases):
    """3, A55: something is allotted while the round stands still."""
    pause, allotted = entries(cases, "pause", to="paused")[0][1], [entry for _, entry in entries(cases, "picked", "drawn", "choose", to="allotted")]
    behind = next(entry for entry in allotted if entry["entry"] > pause["entry"])
    behind["entry"] = pause["entry"] + 0.5


def beside_the_grid(stage, cases):
    """3: a time that does not follow from the number."""
    entries(cases, "slotted")[0][1]["told"]["set"]["slot_no"] += 1


def moved(stage, cases):
    """3, A56: an announced time is another."""
    case, entry = entries(cases, "slotted")[0]
    told = dict(entry["told"]["set"], slot_no=1 + entry["told"]["set"]["slot_no"])
    opens = stage.round.grid.opens(told["slot_no"])
    told.update(slot_start=opens.isoformat(timespec="minutes"), slot_end=(opens + (stage.round.grid.opens(2) - stage.round.grid.opens(1))).isoformat(timespec="minutes"))
    case["history"].append(dict(entry, entry=entry["entry"] + 0.5, told={"set": told}))


def forced(stage, cases):
    """6: a lot falls on what nobody can be forced to take."""
    key = entries(cases, "drawn", to="allotted")[0][1]["told"]["set"]["post"]["key"]
    stage.round.posts[key] = dict(stage.round.posts[key], voluntary=True)


def apart(stage, cases):
    """7: two of a couple are far from each other."""
    couples = {}
    for case, entry in sorted(entries(cases, "picked", "drawn", "choose", to="allotted"), key=lambda one: one[1]["entry"]):
        couples.setdefault(case["data"].get("couple"), []).append(entry["told"]["set"]["post"]["key"])
    key = next(posts[1] for couple, posts in couples.items() if couple and len(posts) > 1)
    stage.round.posts[key] = dict(stage.round.posts[key], places=AWAY)
    assert not near(stage.round.posts[key], stage.posts[0], 50, "any")


def without_notice(stage, cases):
    """9: one of the eight is not told."""
    case = entries(cases, "picked", "drawn", to="allotted")[0][0]
    case["messages"].remove(next(m for m in case["messages"] if m["message"] == "reported"))


def two_papers(stage, cases):
    """9: a second agreement."""
    case = entries(cases, "picked", "drawn", to="allotted")[0][0]
    case["documents"].append(dict(case["documents"][0], version=2))


DAMAGES = {twice: "is held by", lost: "(before:", too_soon: "the round ends without", forgotten: "there is ", early: "not before", in_a_pause: "the round stands still", beside_the_grid: "slot ",
           moved: " became ", forced: "was drawn", apart: "too far", without_notice: "parties", two_papers: "parties"}


def main():
    trials = [random_trial("damaged-%d" % i) for i in range(TRIALS)]
    with tempfile.TemporaryDirectory() as folder:
        found = play(folder, trials)
    for damage, wanted in DAMAGES.items():
        seen = tried = 0
        for trial in trials:
            stage, cases = copy.deepcopy((trial.stages[0], found[trial.name]))
            try:
                damage(stage, [case for case in cases if case["data"].get("round_name", case["data"].get("name")) == stage.label])
            except (IndexError, ValueError, StopIteration):
                continue  # nothing of the kind happened in this round
            tried += 1
            seen += any(wanted in said for said in Watch(stage, cases, {}).walk())
        assert tried and seen == tried, "%s: seen %d times of %d" % (damage.__doc__, seen, tried)
        print("ok", damage.__doc__, seen)


if __name__ == "__main__":
    sys.exit(main())
