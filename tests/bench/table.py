#!/usr/bin/python3
"""build/bench.json as tables of Markdown. argv: the JSON file, and the document in which they take the place of those between <!-- figures --> and <!-- /figures -->;
without a document they are printed."""
import json, re, sys

# What stands beside what: Stafet's row, the others' with their names and what the ratio should be.
HTTP = "transitions over HTTP, 32 clients"
COMPARED = [
    ("the transition over HTTP, 32 clients", HTTP, [("fastify + better-sqlite3", "fastify + better-sqlite3, 32 clients", None), ("Restate", "Restate, 32 clients", 5),
                                                    ("DBOS on PostgreSQL", "DBOS on PostgreSQL, 32 clients", 10)]),
    ("the transition, one a commit", "transitions (assess, three recipients), alone", [("SQLite, the same statements", "the bare store, the same statements, alone", 0.7)]),
    ("the transition, 32 a commit", "transitions (assess, three recipients), in groups of 32", [("SQLite, the same statements", "the bare store, the same statements, in groups of 32", 0.7)]),
    ("a static file", "a static file", [("nginx", "a static file from nginx", 0.8)]),
    ("the start form", "the start form", [("nginx, the same bytes from a file", "the start form from nginx", 0.4)]),
    ("the declaration's form", "the declaration's form", [("nginx, the same bytes from a file", "the declaration's form from nginx", 0.4)]),
] + [("mails, %s" % how, "mails, %s" % how, [("nodemailer with an outbox", "nodemailer with an outbox, %s" % how, 1.5)])
     for away in (0, 10) for how in ("%d connection%s, %d ms away" % (n, "s"[:n > 1], away) for n in (1, 4, 16))]

# Figures that stand alone: how their rows begin, the unit, what they should be.
ALONE = [
    ("disk: ", "/s", ""),
    ("expressions ", "/s", "at least 2,000,000"),
    ("statements a transition", "", ""),
    ("start with ", "ms", "1,000,000: under 1,000"),
    ("memory with ", "MB", "1,000,000: under 50"),
    ("late by, ", "ms", "under 100"),
    ("a page meanwhile, ", "ms", ""),
    ("smtp-source ", "/s", ""),
    ("a code while ", "ms", ""),
    ("texts ", "/s", ""),
    ("pages of PDF", "/s", ""),
    ("a round of 700 people and 720 posts on the virtual clock: ", "s", ""),
    ("a round of ", "s", "under 2"),
    ("choosing, the middle", "ms", ""),
    ("choosing, 99 of 100", "ms", "under 50"),
    ("choosing, pages a second", "/s", ""),
]


def number(value):
    return "{:,.0f}".format(value) if value >= 100 else "{:,.1f}".format(value) if value >= 10 else "{:,.2f}".format(value)


def compared(rows):
    yield "| a second | Stafet | beside it | | ratio | to reach |\n|---|---|---|---|---|---|"
    for what, ours, others in COMPARED:
        for name, theirs, goal in others:
            if ours in rows and theirs in rows:
                yield "| %s | %s | %s | %s | %.2f | %s |" % (what, number(rows[ours]), name, number(rows[theirs]), rows[ours] / rows[theirs], goal or "")


def busy(rows):
    """Who was the bound."""
    yield "| over HTTP, 32 clients | a second | 99 of 100 answered within | cores busy: server | client |\n|---|---|---|---|---|"
    for name in [row[:-len(": cores of the client")] for row in rows if row.endswith(": cores of the client")]:
        server, worst = rows.get(name + ": cores of the server"), rows.get(name + ": 99 of 100 answered within")
        yield "| %s | %s | %s | %s | %.2f |" % (name.removesuffix(", 32 clients"), number(rows[name]), "%s ms" % number(worst) if worst else "", "%.2f" % server if server else "",
                                              rows[name + ": cores of the client"])


def alone(rows):
    yield "| | | to reach |\n|---|---|---|"
    left = dict(rows)
    for begins, unit, goal in ALONE:
        for name in [name for name in left if name.startswith(begins)]:
            del left[name]
            yield "| %s | %s %s | %s |" % (name, number(rows[name]), unit, goal)


def growing(rows):
    """What each costs at each size, and how much more ten times as much makes it."""
    found = {}
    for name in rows:
        match = re.fullmatch(r"growth: (.+), (\d+)", name)
        if match:
            found.setdefault(match.group(1), []).append((int(match.group(2)), rows[name]))
    yield "| ten times more | of | costs | times as much |\n|---|---|---|---|"
    for what, costs in found.items():
        costs.sort()
        yield "| %s | %s | %s us | %s |" % (what, ", ".join("{:,}".format(size) for size, _ in costs), ", ".join(number(cost) for _, cost in costs),
                                         ", ".join("%.1f" % (after[1] / before[1]) for before, after in zip(costs, costs[1:])))


def tables(rows):
    about = rows.pop("about", {})
    told = ["; ".join("%s %s" % (name, about[name]) for name in about) + "." if about else ""]
    return "\n\n".join(told + ["\n".join(table(rows)) for table in (compared, busy, alone, growing)])


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = tables(json.load(f))
    if len(sys.argv) == 2:
        print(text)
        return
    with open(sys.argv[2], encoding="utf-8") as f:
        document = f.read()
    document, found = re.subn(r"(?s)(<!-- figures -->\n).*(<!-- /figures -->)", lambda m: m.group(1) + "\n" + text + "\n\n" + m.group(2), document)
    if found != 1:
        sys.exit("%s has no place for them" % sys.argv[2])
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write(document)


main()
