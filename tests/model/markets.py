"""Small markets, all of them: two or three people and as many posts, with every list that each could have. Everybody is passive: what comes of it follows from the lists alone. A scenario is many
rounds beside each other, each with people of its own; the posts are the same for all of them."""
import collections, itertools, json, os

from grid import near
from rounds import BEGIN, DAY, SECRETARIAT, Names, Stage, announced, email, stamp, terms, write_people, write_posts

HERE, CLOSE_BY, AWAY = (55.68, 12.57), (55.64, 12.08), (57.05, 9.92)  # København, Roskilde, Aalborg
# couple: who of them are one; special: who has special consideration; numbers: as they were drawn; voluntary: which posts nobody can be forced to take.
Market = collections.namedtuple("Market", "places voluntary couple special numbers lists")


def lists(posts):
    """Each order of each selection of them, from none to all."""
    keys = ["s%d" % i for i in range(posts)]
    return [list(some) for count in range(posts + 1) for some in itertools.permutations(keys, count)]


def two():
    """Two people and two posts: 25 pairs of lists in each of 28 surroundings."""
    for places, voluntary in (((HERE, HERE), ()), ((HERE, CLOSE_BY), (1,)), ((HERE, AWAY), ()), ((HERE, AWAY), (0,))):
        for couple, special, numbers in (((), (), (1, 2)), ((), (), (2, 1)), ((), (), (1, 1)), ((0, 1), (), (1, 2)), ((0, 1), (), (2, 2)), ((), (1,), (1, 2)), ((0, 1), (1,), (1, 2))):
            for wanted in itertools.product(lists(2), repeat=2):
                yield Market(places, voluntary, couple, special, numbers, wanted)


def three():
    """Three people and three posts: 4096 triples of lists in each of eight surroundings."""
    for places, voluntary in (((HERE, HERE, AWAY), ()), ((HERE, CLOSE_BY, AWAY), (2,))):
        for couple, special in (((), ()), ((0, 1), ()), ((0, 2), ()), ((), (2,))):
            for wanted in itertools.product(lists(3), repeat=3):
                yield Market(places, voluntary, couple, special, (1, 2, 3), wanted)


def dictatorship(market):
    """What passive people with whole lists get, one after the other (4), the second of a couple within its radius: post or None for each. Written without the model."""
    posts = {"s%d" % i: {"places": (place, place)} for i, place in enumerate(market.places)}
    first, got, anchor = [i for i in market.special], [None] * len(market.lists), None
    couple_stands = min((market.numbers[i] for i in market.couple), default=None)
    order = sorted(range(len(market.lists)), key=lambda i: (i not in first, couple_stands if i in market.couple and i not in first else market.numbers[i], market.numbers[i], i))
    for i in order:
        for wish in market.lists[i]:
            if wish not in got and (i not in market.couple or anchor is None or near(posts[wish], posts[anchor], 50, "first")):
                got[i] = wish
                anchor = wish if i in market.couple and anchor is None else anchor
                break
    return got


class Batch:
    """Markets with the same posts, as one scenario. Of a round's people the ids tell which they are of."""

    def __init__(self, name, markets):
        self.name, self.markets, self.terms = name, markets, terms()
        places, voluntary = markets[0].places, markets[0].voluntary
        self.posts = [{"id": "s%d" % i, "places": (place, place), "voluntary": i in voluntary} for i, place in enumerate(places)]
        self.stages, begun = [], 0
        for nth, market in enumerate(markets):
            people = [{"id": "m%03d-%d" % (nth, i), "number": number, "assigned": "2026-08-15", "couple": "par %03d" % nth if i in market.couple else "", "special": i in market.special}
                      for i, number in enumerate(market.numbers)]
            stage = Stage(name, "marked %d" % nth, people, self.posts, self.terms)
            stage.acts = [(self.terms.preview_at, p["id"], "rank", wanted) for p, wanted in zip(people, market.lists) if wanted]
            names = Names()
            names.count = begun
            stage.decide(names)
            begun += 1 + len(people)
            self.stages.append(stage)

    def write(self, folder):
        write_posts(os.path.join(folder, self.name + "-posts.csv"), self.posts)
        steps = [{"import": {"posts": self.name + "-posts.csv"}}]
        for nth, stage in enumerate(self.stages):
            people = "%s-%d.csv" % (self.name, nth)
            write_people(os.path.join(folder, people), stage.people)
            steps += [{"import": {"participants": people}}, {"start": announced(self.terms, stage.label)}, {"do": {"event": "begin", "by": SECRETARIAT, "with": {"confirmed": True}}, "workflow": "round"}]
        steps.append({"advance": stamp(self.terms.preview_at)})
        steps += [step for stage in self.stages for act, accepted in zip(stage.acts, stage.outcomes) for step in stage.step(act, accepted)[1:]]
        steps.append({"advance": stamp(self.terms.open_at + 3 * DAY)})
        with open(os.path.join(folder, self.name + ".yaml"), "w", encoding="utf-8") as f:
            f.write(json.dumps({"scenario": self.name, "now": stamp(BEGIN), "steps": steps}, ensure_ascii=False))


def batches(markets, size):
    """In the order of the markets; those of one batch have the same posts."""
    for nth, (_, same) in enumerate(itertools.groupby(markets, key=lambda market: (market.places, market.voluntary))):
        same = list(same)
        for first in range(0, len(same), size):
            yield Batch("markets-%d-%05d" % (nth, first), same[first:first + size])
