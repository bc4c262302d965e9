"""The loop of the fault tests: the story with the Nth call of a kind failing, for each N or a sample of them."""
import errno, os, random, signal, time

from story import END, HALF, KILL, LOSS, Died, Stage, Story


class Fault:
    """A call that fails: which (see shim.c), so many times in a row, how, and how the run ends. about: how many of them a run has.
    when: `story`, `opening` (of a new store, and of one that was killed; the server may refuse to start) or `checkpoint` (with more to write than a checkpoint waits for,
    and at the end)."""

    def __init__(self, call, target, about, error, times=1, how="term", when="story"):
        self.call, self.target, self.about, self.error, self.times, self.how, self.when = call, target, about, error, times, how, when

    def __str__(self):
        kind = {KILL: "kill", HALF: "half", END: "end", LOSS: "loss"}.get(self.error) or errno.errorcode[self.error]
        return "%s %s: %s x %d, %s (%s)" % (self.call, self.target, kind, self.times, self.how, self.when)


def first_act(story, stage, fault, nth):
    """The run with the fault in it."""
    order = (fault.call, fault.target, nth, fault.error, fault.times)
    deadly = fault.error in (KILL, LOSS)
    try:
        if fault.when == "opening":
            if nth % 2:
                story.start()
                story.play(3)
                story.end("kill")
                story.forget_log()
            stage.order.give(*order)
            story.start(may_fail=True)
        else:
            story.start()
            stage.order.give(*order)
        if story.server:
            story.play(3)
    except Died:
        assert deadly, "the server ended by itself"
        story.killed = True
    if fault.when != "checkpoint":
        stage.order.take_back()
    if story.server:
        story.end("kill" if story.killed and fault.how == "term" and deadly else fault.how, deadly)
        story.forget_log()


def tell(stage, fault, nth):
    """The story with the nth such call failing, to its end. Returns (calls seen, calls that failed)."""
    story = Story(stage, heavy=fault.when == "checkpoint")
    story.mail_may_be_unread = fault.call == "memory"
    story.person.may_break = fault.target.startswith("@")
    try:
        first_act(story, stage, fault, nth)
        seen = stage.order.take_back()
        if fault.error == LOSS:  # what only the memory of the kernel had is read there once more, and then the power goes
            story.start()
            story.play(3)
            story.end("power")
            story.forget_log()
        story.finish()
        story.judge()
        return seen
    except Exception as problem:
        log = story.server.log_text()[-3000:] if story.server else ""
        if story.server and story.server.process.poll() is None:
            story.server.stop(signal.SIGKILL)
        raise AssertionError("%s\n%s, call %d: %s: %s" % (log, fault, nth, type(problem).__name__, problem)) from problem
    finally:
        if story.server:
            story.forget_log()


def every(stage, fault):
    """N = 1, 2, 3... until a run has none; of a child's allocations one in a few, ever wider apart."""
    nth, runs, hits = 1, 0, 1
    while hits:
        seen, hits = tell(stage, fault, nth)
        runs += 1
        nth += 1 if fault.call != "memory" else max(1, nth // 5)
    return runs


def some(stage, faults, seconds):
    """One after the other, a random call of each, for so long."""
    end, runs, hits = time.time() + seconds, 0, 0
    order = random.sample(faults, len(faults))
    while time.time() < end:
        fault = order[runs % len(order)]
        nth = random.randint(1, fault.about) if fault.call != "memory" else int(2 ** random.uniform(0, 15.5))
        hits += tell(stage, fault, nth)[1] > 0
        runs += 1
    print("%d runs of %d faults, %d of them met" % (runs, len(faults), hits))
    assert hits * 2 > runs, "too few faults were met to prove anything"


def loop(faults):
    """FAULT=all: every call of each of them. Else a sample, by SEED, for FAULT_SECONDS."""
    seed = os.environ.get("SEED", str(random.randrange(1 << 30)))
    random.seed(seed)
    print("SEED=%s" % seed, flush=True)
    with Stage() as stage:
        faults = faults(stage)
        if os.environ.get("FAULT") != "all":
            return some(stage, faults, float(os.environ.get("FAULT_SECONDS", "30")))
        for fault in faults:
            print("%s: %d runs" % (fault, every(stage, fault)), flush=True)
