#!/usr/bin/python3
"""make bench, a whole round of the shipped selection on the virtual clock: everybody is enrolled, told, let in; some have favourites, the others are drawn for; all
get their posts. Every mail is written and every decision taken again, no PDF is drawn. argv: folder of the built programs, the JSON file of the parts before, which is
added to."""
import datetime, os, random, resource, shutil, sys, time

from measured import ROOT, Scratch, program, report, run, save

sys.path.insert(0, os.path.join(ROOT, "tests", "model"))
import test_allocation as model

WITH_FAVOURITES = 3  # one in so many


class Round(model.Trial):
    def __init__(self, people, posts):
        dice = random.Random(people)
        self.name = "round of %d" % people
        self.people = [{"id": "p%d" % i, "number": i + 1, "assigned": "2026-08-15", "couple": "", "special": False} for i in range(people)]
        self.posts = [dict(zip(("lat", "lon"), dice.choice(model.PLACES)), id="s%d" % i, voluntary=False) for i in range(posts)]
        keys = [post["id"] for post in self.posts]
        first = datetime.datetime.combine(model.PREVIEW, datetime.time(7, 1))
        self.acts = [(first + datetime.timedelta(minutes=i // 60), "p%d" % i, "rank", dice.sample(keys, 5)) for i in range(0, people, WITH_FAVOURITES)]

    def outcomes(self):
        return [True] * len(self.acts)


def played(people, posts):
    """Seconds, and those of the processor."""
    with Scratch() as scratch:
        model.lay_out(scratch, [Round(people, posts)])
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        run(program("stafet"), "test", os.path.join(scratch, "selection"), "--no-pdf")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


for size in (70, 700):
    seconds, spent = played(size, size + size // 35)
    report("growth: round: a person, %d" % size, spent * 1e6 / size, "us", 1)
    if size == 700:
        report("a round of 700 people and 720 posts on the virtual clock", seconds, "s", 2)
save()
