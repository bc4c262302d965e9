"""templates/selection against allocation.py, which decides the same rounds from the rules alone: ROUNDS (100) at random, SEED to have them again. Each is a scenario of the package, so
that mails, links, codes, timers and claims are those of the real engine; compared are who got which post, how, and in which slot, what was refused on the way, and who was told what when."""
# covers: S9 S11 S12 S18 S19 S25 S26 S44 S53 S54 S56 S57 S58 S59 S60 S61 S63 S64 S65 S66 S67 S74 S77 S80 S82 S83 S87 S91 S92 S100 S101 S102 S103 S105 S107 S111 S112 S113 S114 S137 S139
import collections, os, random, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invariants
from invariants import local
from rounds import play, random_trial, stamp

# Told by mail and by text (S12, S56, S103, A55); the agreement by mail, with a text beside it.
TOLD = {("doctor", "your-time"), ("mobile", "your-time"), ("doctor", "now-open"), ("mobile", "now-open"), ("doctor", "all-taken"), ("mobile", "all-taken"), ("doctor", "paused"),
        ("mobile", "paused"), ("doctor", "resumed"), ("mobile", "resumed"), ("doctor", "agreement")}


def same(stage, cases):
    """What is not as the rules have it, in words."""
    wrong, got, told = [], {}, collections.Counter()
    for case in cases:
        data = case["data"]
        got[data["person"]] = (case["state"], (data.get("post") or {}).get("key"), data.get("chosen_by"), data.get("slot_start"))
        told.update((data["person"], m["message"], local(m["at"])) for m in case["messages"] if m["role"] == "doctor" and ("doctor", m["message"]) in TOLD)
        texts = collections.Counter((m["message"], m["entry"]) for m in case["messages"] if m["role"] == "mobile" and ("mobile", m["message"]) in TOLD)
        mails = collections.Counter((m["message"], m["entry"]) for m in case["messages"] if m["role"] == "doctor" and ("mobile", m["message"]) in TOLD)
        if texts != mails:
            wrong.append("%s: not told the same by mail and by text: %s" % (data["person"], list((texts - mails) + (mails - texts))))
    for who, end in stage.wanted.items():
        start = stage.round.people[who].start
        end = (*end, stamp(start) if start else None)
        if got.get(who) != end:
            wrong.append("%s: %s, but by the rules %s" % (who, got.get(who), end))
    wanted = collections.Counter((who, name, at) for at, who, name in stage.round.messages)
    wrong += ["%s: %s at %s was sent against the rules" % one for one in (told - wanted).elements()]
    wrong += ["%s: %s at %s was not sent" % one for one in (wanted - told).elements()]
    return wrong + ["%s takes no part" % who for who in got if who not in stage.wanted]


def compare(trial, cases):
    for stage in trial.stages:
        wrong = same(stage, [case for case in cases if case["workflow"] == "choice" and case["data"]["round_name"] == stage.label])
        assert not wrong, "%s, %s\n%s" % (trial.name, stage.label, "\n".join(wrong))


def main():
    count, seed = int(os.environ.get("ROUNDS", "100")), int(os.environ.get("SEED", random.randrange(10**6)))
    print("SEED=%d, %d rounds" % (seed, count))
    for first in range(0, count, 100):
        trials = [random_trial(str(seed + first + i)) for i in range(min(100, count - first))]
        with tempfile.TemporaryDirectory() as folder:
            found = play(folder, trials)
            for trial in trials:
                compare(trial, found[trial.name])
                invariants.check(trial, found[trial.name])
    print("ok", count, "rounds")


if __name__ == "__main__":
    sys.exit(main())
