"""Every requirement D1 to D70 of the declaration and S1 to S144 of the selection is named by a scenario's or test's `covers:`, and the tables of the packages say so truly: each proof that they
name exists and names the requirement."""
import glob, os, re, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLES = [("D", 70, os.path.join("templates", "declaration", "README.md")), ("S", 144, os.path.join("templates", "selection", "requirements.md"))]
faults = []


def read(path):
    return open(os.path.join(ROOT, path), encoding="utf-8").read()


def covered(path):
    """`covers: [D1, D2]` of a scenario, `# covers: D1 D2` or `// covers: D1 D2` of a test."""
    lines = re.findall(r"(?m)^(?:covers: \[|(?:#|//) covers: )([A-Z0-9, ]+)\]?$", read(path))
    return {name for line in lines for name in re.findall(r"[A-Z]\d+", line)}


paths = [os.path.relpath(p, ROOT) for pattern in ("templates/*/scenarios/*.yaml", "templates/*/*/scenarios/*.yaml", "tests/e2e/*.py", "tests/model/*.py", "tests/browser/*.mjs") for p in glob.glob(os.path.join(ROOT, pattern))]
proofs = {path: covered(path) for path in paths}
for letter, count, table in TABLES:
    wanted = ["%s%d" % (letter, n) for n in range(1, count + 1)]
    for name in wanted:
        if not any(name in names for names in proofs.values()):
            faults.append("%s is named by no scenario and no test" % name)
    rows = re.findall(r"(?m)^\| (%s\d+) \| (.+?) \| (.+?) \|$" % letter, read(table))
    if [row[0] for row in rows] != wanted:
        faults.append("the table in %s has the rows %s" % (table, " ".join(row[0] for row in rows)))
    for name, where, proof in rows:
        named = re.findall(r"`([^`]+)`", proof)
        if not named:
            faults.append("%s: no proof" % name)
        for path in named:
            path = path if path.startswith(("tests/", "templates/")) else os.path.join(os.path.dirname(table), path)
            if path not in proofs:
                faults.append("%s: there is no %s" % (name, path))
            elif name not in proofs[path]:
                faults.append("%s: %s does not cover it" % (name, path))
print("\n".join(faults) or "%d requirements, %d files that cover some" % (sum(t[1] for t in TABLES), sum(1 for names in proofs.values() if names)))
sys.exit(1 if faults else 0)
