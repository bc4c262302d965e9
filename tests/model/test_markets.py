"""Small markets, enumerated: what the engine makes of each is what allocation.py finds, holds the invariants after every event, is what serial dictatorship gives where lists are whole (4), and
never better for who hides the true order (5). Two people and two posts always; of three and three MARKETS (120) at random, or "all" of the 32,768. SEED to have them again."""
# covers: S44 S53 S91 S100 S105 S107
import itertools, os, random, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invariants
from markets import batches, dictatorship, lists, three, two
from rounds import play
from test_allocation import compare

AT_ONCE, BESIDE = 10, 50  # scenarios at a time, rounds in each


def played(markets):
    """Each market with what came of it: the post of each person, or None."""
    waiting = batches(markets, BESIDE)
    while some := list(itertools.islice(waiting, AT_ONCE)):
        with tempfile.TemporaryDirectory() as folder:
            found = play(folder, some)
        for batch in some:
            cases = found[batch.name]
            compare(batch, cases)
            invariants.check(batch, cases)
            got = {case["data"]["person"]: (case["data"].get("post") or {}).get("key") for case in cases if case["workflow"] == "choice"}
            for market, stage in zip(batch.markets, batch.stages):
                yield market, [got[p["id"]] for p in stage.people]


def serial(market, got):
    """4: with whole lists it is serial dictatorship, in the order of the slots."""
    if all(len(wanted) == len(market.places) for wanted in market.lists):
        assert got == dictatorship(market), (market, got, dictatorship(market))
        return 1
    return 0


def truthful(results):
    """5: for who is alone, the true and whole list never brings less than any other. results: of one surrounding, by the lists of all."""
    compared = 0
    for told, got in results.items():
        for i, true in enumerate(told):
            if len(true) < max(len(wanted) for wanted in lists(len(told))):
                continue
            place = lambda post: true.index(post) if post in true else len(true)
            for other in {all_told[i] for all_told in results}:
                lied = results.get(told[:i] + (other,) + told[i + 1:])
                if lied is not None:
                    compared += 1
                    assert place(got[i]) <= place(lied[i]), (told, i, got, other, lied)
    return compared


def judge(markets):
    count = whole = compared = 0
    for surrounding, same in itertools.groupby(played(markets), key=lambda one: one[0]._replace(lists=())):
        results = {}
        for market, got in same:
            count += 1
            whole += serial(market, got)
            results[tuple(tuple(wanted) for wanted in market.lists)] = got
        if not surrounding.couple:
            compared += truthful(results)
    return "%d markets, %d with whole lists, %d other lists" % (count, whole, compared)


def test_two():
    print(judge(two()))


def test_three():
    wanted, all_of_them = os.environ.get("MARKETS", "120"), list(three())
    if wanted != "all":
        seed = int(os.environ.get("SEED", random.randrange(10**6)))
        print("SEED=%d" % seed)
        chosen = sorted(random.Random(seed).sample(range(len(all_of_them)), int(wanted)))
        all_of_them = [all_of_them[i] for i in chosen]
    print(judge(all_of_them))


def main():
    for test in (test_two, test_three):
        test()
        print("ok", test.__name__, flush=True)


if __name__ == "__main__":
    sys.exit(main())
