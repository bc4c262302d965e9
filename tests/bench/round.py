#!/usr/bin/python3
"""make bench, a whole round of the shipped selection on the virtual clock: everybody is enrolled, told, let in; some have favourites, the others are drawn for; all
get their posts. No PDF is drawn. What the scenario does beside the round, writing every mail and taking every decision again, is told apart. argv: folder of the built
programs, the JSON file of the parts before, which is added to."""
import datetime, os, random, re, sys

from measured import ROOT, Scratch, program, report, run, save

sys.path.insert(0, os.path.join(ROOT, "tests", "model"))
import rounds as model

WITH_FAVOURITES = 3  # one in so many
GROWING = 25  # likewise, where rounds of different sizes are compared: a scenario's file has its limit
HIGHEST = 99999  # number that somebody can have


class Round(model.Stage):
    """What comes of it is not judged here."""

    def __init__(self, people, posts, favourites):
        dice = random.Random(people)
        enrolled = [{"id": "p%05d" % i, "number": min(i + 1, HIGHEST), "assigned": "2026-08-15", "couple": "", "special": False} for i in range(people)]
        super().__init__("round of %d" % people, "round", enrolled, [{"id": "s%05d" % i, "places": (dice.choice(model.PLACES),) * 2, "voluntary": False} for i in range(posts)], model.TERMS)
        keys, first = [post["id"] for post in self.posts], model.TERMS.preview_at + datetime.timedelta(hours=7)
        self.acts = [(first + datetime.timedelta(minutes=i // 60), enrolled[i]["id"], "rank", dice.sample(keys, 5)) for i in range(0, people, favourites)]
        self.outcomes = [True] * len(self.acts)


def played(people, posts, favourites):
    """Seconds of the processor, by what they were spent on; "" is all of it."""
    with Scratch() as scratch:
        model.lay_out(scratch, [model.Trial("round of %d" % people, [Round(people, posts, favourites)])])
        told = run(program("stafet"), "test", os.path.join(scratch, "selection"), "--no-pdf", "--times").decode()
        whole, parts = re.search(r"^ +([\d.]+) s: (steps .*)", told, re.M).groups()
        return {"": float(whole), **{name: float(spent) for name, spent in re.findall(r"([a-z ]+) ([\d.]+)", parts.replace(", ", ","))}}


def of_700():
    spent = played(700, 720, WITH_FAVOURITES)
    what = "a round of 700 people and 720 posts on the virtual clock"
    report(what, spent["steps"], "s", 2)
    report(what + ": its mails and texts written, beside it", spent["messages"], "s", 2)
    report(what + ": decided again, beside it", spent["decided again"], "s", 2)


of_700()
for size in [size for size in (1000, 10000, 100000) if size <= int(os.environ.get("ROUND", 10000))]:
    report("growth: round: a person, %d" % size, played(size, size, GROWING)["steps"] * 1e6 / size, "us", 1)
save()
