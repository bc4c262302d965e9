#!/usr/bin/python3
"""Draws by lot as an outsider checks them: the Python of docs/draws.md beside `stafet draw` and the vectors of tests/unit/test_draws.c, and a draw of a running site, of which
nothing can be seen before it is revealed. On the package tests/packages/who-begins."""
import hashlib, json, os, random, re, shlex, shutil, sqlite3, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

PACKAGE = os.path.join(ROOT, "tests", "packages", "who-begins")
CLASSES = ["1a", "1b", "2a", "2b", "3å"]


def documented():
    """draw, draw_fitting, promised, digest: as they stand on the page."""
    text = open(os.path.join(ROOT, "docs", "draws.md"), encoding="utf-8").read()
    code = "\n".join(line[4:] for line in text.split("\n") if line.startswith("    ") and not line.startswith("    $"))
    names = {}
    exec(code[:code.index("drawn ")], names)
    return [names[name] for name in ("draw", "draw_fitting", "promised", "digest")]


draw, draw_fitting, promised, digest = documented()


def told(*args):
    return dict(line.split(None, 1) for line in run("draw", *args).stdout.splitlines())


def test_page():
    """What the page shows is what the command says."""
    text = open(os.path.join(ROOT, "docs", "draws.md"), encoding="utf-8").read()
    command, shown = re.search(r"    \$ stafet (draw .+)\n((?:    .+\n)+)", text).groups()
    assert run(*shlex.split(command)).stdout == re.sub("(?m)^    ", "", shown), shown


def test_vectors():
    source = open(os.path.join(ROOT, "tests", "unit", "test_draws.c"), encoding="utf-8").read()
    seeds = bytes(range(32)).hex(), hashlib.sha256(b"stafet").hexdigest()
    vectors = re.findall(r'\{"([^"]+/\d+)", (UINT64_MAX|UINT64_C\(\d+\)|\d+), (UINT64_C\(\d+\)|\d+), (UINT64_C\(\d+\)|\d+)\},', source)
    number = lambda word: 2**64 - 1 if word == "UINT64_MAX" else int(re.search(r"\d+\)?$", word).group().rstrip(")"))
    assert len(vectors) == source.count('{"draw/7K2M') + source.count('{"turn/') >= 13
    for label, count, *lots in vectors:
        for seed, lot in zip(seeds, lots):
            keys = range(number(count)) if number(count) < 2**63 else Long(number(count))
            assert draw(seed, label, keys) == number(lot), (label, count)
    assert promised(seeds[0]) in source and promised(seeds[1]) in source
    for keys in [], ["a"], ["a", "b"], ["ab", ""], ["æ", "1:a,"]:
        assert digest(keys) in source, keys


class Long:
    """A list that is longer than Python allows: each item is its place."""

    def __init__(self, length):
        self.length = length

    def __getitem__(self, place):
        return place


def length(keys):
    return keys.length if isinstance(keys, Long) else len(keys)


draw.__globals__["len"] = length


def test_command():
    """Random lists, with what is odd in keys; the seed of this test's lots is fixed."""
    lots = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        for n in range(60):
            seed, label = lots.randbytes(32).hex(), "%s/%s/%d" % (lots.choice(["draw", "turn"]), lots.choice(["AAAA-2345", "ÆØ Å"]), n)
            keys = ["".join(lots.choice("abcæ :,1") for _ in range(lots.randint(1, 9))) + str(i) for i in range(lots.choice([1, 2, 3, 7, 40, 720]))]
            path = os.path.join(folder, "keys")
            with open(path, "w", encoding="utf-8") as f:
                f.write("".join(key + "\n" for key in keys))
            answer = told(seed, label, "--keys", path) if n % 2 else told(seed, label, *keys)
            place = keys.index(draw(seed, label, keys)) + 1
            assert answer == {"drawn": keys[place - 1].strip(), "place": "%d of %d" % (place, len(keys)), "list": digest(keys), "promised": promised(seed)}, (keys, answer)
            taken, tried = set(lots.sample(keys, lots.randrange(len(keys)))) | {"of another list"}, []
            with open(path + "-taken", "w", encoding="utf-8") as f:
                f.write("".join(key + "\n" for key in taken))
            fitting = draw_fitting(seed, label, keys, lambda key: tried.append(key) or key not in taken)
            with_taken = told(seed, label, "--keys", path, "--without", path + "-taken") if n % 2 else told(seed, label, *keys, "--without", path + "-taken")
            place = keys.index(fitting) + 1
            assert with_taken == dict(answer, drawn=fitting.strip(), place="%d of %d" % (place, len(keys)), passed=str(len(tried) - 1)), (keys, taken, with_taken)
            with open(path + "-taken", "w", encoding="utf-8") as f:
                f.write("".join(key + "\n" for key in keys))
            nothing = run("draw", seed, label, "--keys", path, "--without", path + "-taken", check=False) if n % 2 else None
            assert not nothing or (nothing.returncode == 1 and "nothing to draw" in nothing.stdout), nothing
    for wrong in [], ["00"], ["00" * 32, "l"], ["00" * 31 + "0g", "l", "k"], ["00" * 33, "l", "k"], ["00" * 32, "l", "k", "--keys", "/dev/null"]:
        assert run("draw", *wrong, check=False).returncode == 2, wrong
    assert run("draw", "00" * 32, "l", "--keys", "/nowhere", check=False).returncode == 1


def data_of(site, reference):
    return json.loads(re.search(r"(?m)^data +(.+)$", run("show", reference, site=site).stdout).group(1))


def start(site, folder, day):
    path = os.path.join(folder, "data.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"teacher_email": "ida@example.dk", "classes": CLASSES, "held": day}, f)
    return re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", run("start", "who-begins", "--data", path, site=site).stdout).group()


def test_site():
    """Promised, drawn, told: what an outsider has been told is enough to draw again."""
    folder = tempfile.mkdtemp(prefix="stafet-draws-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", PACKAGE)
    today = time.time()
    waiting = start(site, folder, time.strftime("%Y-%m-%d", time.localtime(today + 3 * 86400)))
    before = data_of(site, waiting)
    assert re.fullmatch("[0-9a-f]{64}", before["digest"]) and "seed" not in before and "begins" not in before, before
    over = start(site, folder, time.strftime("%Y-%m-%d", time.localtime(today - 3 * 86400)))
    end = time.time() + 20
    server = Server("serve", site, "--listen", "127.0.0.1:%d" % free_port())
    try:
        while "drawn" not in run("list", site=site).stdout and time.time() < end:
            time.sleep(0.1)
    finally:
        assert server.stop() == 0
    after = data_of(site, over)
    seed, label = after["seed"], "draw/%s/" % over
    assert promised(seed) == after["digest"] != before["digest"]
    others = lambda c: c != after["begins"]
    assert (after["begins"], after["helps"]) == (draw(seed, label + "1", CLASSES), draw_fitting(seed, label + "2", CLASSES, others)), after
    with open(os.path.join(folder, "begun"), "w", encoding="utf-8") as f:
        f.write(after["begins"] + "\n")
    assert told(seed, label + "2", *CLASSES, "--without", f.name)["drawn"] == after["helps"]
    assert "0 faults" in run("verify", site=site).stdout
    # And what the site hands out is enough, too.
    again = run("replay", site=site).stdout
    assert "2 instances, 3 entries: 3 decided again, 2 lots drawn again, 0 faults" in again, again
    lots = [json.loads(line) for line in run("replay", over, "--lots", site=site).stdout.splitlines()]
    assert [lot["label"] for lot in lots] == [label + "1", label + "2"] and lots[0]["keys"] == CLASSES, lots
    lists = {lot["digest"]: lot["keys"] for lot in lots if "keys" in lot}
    assert [digest(keys) for keys in lists.values()] == list(lists) and len(lists) == 1, lots
    for lot in lots:
        passed = []
        fits = lambda key: key == lot["drawn"] or passed.append(key)
        assert draw_fitting(seed, lot["label"], lists[lot["digest"]], fits) == lot["drawn"] and passed == lot.get("passed", []), lot
    assert "passed" not in lots[0] and lots[1]["passed"] in ([], [after["begins"]]), lots
    assert run("replay", waiting, "--lots", site=site).stdout == ""
    assert run("replay", "AAAA-AAAA", site=site, check=False).returncode == 1
    database = sqlite3.connect(os.path.join(site, "data", "stafet.db"))
    database.execute("UPDATE history_payloads SET payload = replace(payload, ?, ?)", ('"begins":"%s"' % after["begins"], '"begins":"%s"' % after["helps"]))
    database.commit()
    database.close()
    again = run("replay", over, "--lots", site=site, check=False)
    assert again.returncode == 1 and "leaves another 'begins'" in again.stdout and "1 faults" in again.stdout, again.stdout
    shutil.rmtree(folder)


main([test_page, test_vectors, test_command, test_site])
