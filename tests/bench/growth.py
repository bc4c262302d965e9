#!/usr/bin/python3
"""make bench, what grows by ten: instances, the history of one, rows of a register; what a start, a transition, a wake-up and pages cost then, in
processor time. argv: folder of the built programs, the JSON file of the parts before, which is added to. GROWTH: the most instances (100000)."""
import os, re, resource, time, urllib.error, urllib.request

from measured import HERE, READY, Scratch, Server, program, report, run, save

MOST = int(os.environ.get("GROWTH", "100000"))
TIMES = 21


def spent(server):
    """Processor time of the server so far, in ns."""
    return time.clock_gettime_ns((~server.process.pid << 3) | 2)  # clock_getcpuclockid


def sizes(most):
    """Powers of ten, three at most."""
    found = [10 ** n for n in range(1, 10) if 10 ** n <= most]
    return found[-3:]


def tell(what, size, cost):
    report("growth: %s, %d" % (what, size), cost / 1000, "us", 1)


def tell_pages(folder, scratch, pages, size):
    """A good one of some answers, each: (name, path)."""
    with Server([program("stafet"), "serve", folder, "--listen", "127.0.0.1:0"], scratch, READY) as server:
        for name, path in pages:
            costs = []
            try:
                for _ in range(TIMES):
                    before = spent(server)
                    urllib.request.urlopen("http://127.0.0.1:%d%s" % (server.port, path), timeout=60).read()
                    costs.append(spent(server) - before)
                tell(name, size, sorted(costs)[TIMES // 4])
            except urllib.error.HTTPError as given_up:
                print("(%s, %d: the server answers %d)" % (name, size, given_up.code))


def site_in(scratch):
    folder = os.path.join(scratch, "site")
    run(program("stafet"), "init", folder, "--with", os.path.join(HERE, "growing"))
    path = os.path.join(folder, "stafet.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:  # what is sent is none of this
        f.write(re.sub(r"relay: .*", "relay: smtp://127.0.0.1:9", text))
    return folder


def measured(folder, entries):
    costs, *tokens = run(program("bench-grow"), "measure", folder, entries).decode().split("\n")
    return [int(cost) for cost in costs.split()], ["/l/" + token for token in tokens]


def tell_verify(folder, size):
    """What `stafet verify` costs for each instance."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(program("stafet"), "verify", "--site", folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    tell("instances: verify, each", size, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9 / size)


def instances():
    with Scratch() as scratch:
        folder, filled = site_in(scratch), 0
        for size in sizes(MOST):
            run(program("bench-grow"), "fill", folder, filled, size)
            filled = size
            costs, (_, page, office, *_) = measured(folder, 1)
            for name, cost in zip(("instances: a start", "instances: a wake-up", "instances: a transition"), costs):
                tell(name, size, cost)
            tell_pages(folder, scratch, [("instances: a page", page), ("instances: the list of all", office), ("instances: its last page", office + "?page=%d" % (size // 50)),
                                         ("instances: a search in it", office + "?q=p77")], size)
            tell_verify(folder, size)


def histories():
    for size in sizes(min(1000, MOST // 10)):
        with Scratch() as scratch:
            folder = site_in(scratch)
            costs, (form, page, *_) = measured(folder, size)
            tell("history: a transition", size, costs[2])
            tell_pages(folder, scratch, [("history: the form", form), ("history: the page with all of it", page)], size)


def registers():
    for size in sizes(min(10000, MOST // 10)):
        with Scratch() as scratch:
            folder = site_in(scratch)
            rows = os.path.join(scratch, "rows.csv")
            with open(rows, "w", encoding="utf-8") as f:
                f.write("id,name\n" + "".join("s%d,Emne nummer %d\n" % (i, i) for i in range(size)))
            with Server([program("stafet"), "serve", folder, "--listen", "127.0.0.1:0"], scratch, READY) as server:
                before = spent(server)
                run(program("stafet"), "import", "growing.subjects", rows, "--site", folder)
                tell("register: an import", size, spent(server) - before)
            tell_pages(folder, scratch, [("register: a form with it", measured(folder, 1)[1][0])], size)


instances()
histories()
registers()
save()
