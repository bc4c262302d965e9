"""docs/security.md: every requirement of levels 1 and 2 of OWASP ASVS 5.0.0 stands in it once, with a status; what it says of their number is so; every file, function and test that it
names exists; every library that is linked stands in its list."""
import collections, os, re, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Section, and the level of each of its requirements in order.
LEVELS = (
    "1.1 22; 1.2 1111122223; 1.3 112222222223; 1.4 222; 1.5 123; 2.1 122; 2.2 112; 2.3 12223; 2.4 23; 3.1 3; 3.2 113; 3.3 12223; 3.4 11222233; 3.5 11122333; "
    "3.6 3; 3.7 22333; 4.1 12233; 4.2 23333; 4.3 22; 4.4 1222; 5.1 2; 5.2 112333; 5.3 113; 5.4 222; 6.1 122; 6.2 111111112222; 6.3 11223333; 6.4 112233; "
    "6.5 22222333; 6.6 2223; 6.7 33; 6.8 2222; 7.1 222; 7.2 1111; 7.3 22; 7.4 11222; 7.5 223; 7.6 22; 8.1 1233; 8.2 1123; 8.3 133; 8.4 23; 9.1 111; "
    "9.2 1222; 10.1 22; 10.2 223; 10.3 22223; 10.4 1111122222233333; 10.5 22222; 10.6 22; 10.7 222; 11.1 2233; 11.2 22233; 11.3 11233; 11.4 1222; 11.5 23; "
    "11.6 23; 11.7 33; 12.1 12233; 12.2 11; 12.3 22223; 13.1 2333; 13.2 222223; 13.3 2233; 13.4 1222233; 14.1 22; 14.2 12223333; 14.3 122; 15.1 12233; "
    "15.2 12233; 15.3 1222222; 15.4 3333; 16.1 2; 16.2 22222; 16.3 2222; 16.4 222; 16.5 2223; 17.1 23; 17.2 22223333; 17.3 22"
)
WANTED = {"%s.%d" % (section, n) for section, levels in (pair.split() for pair in LEVELS.split("; ")) for n, level in enumerate(levels, 1) if level in "12"}
STATES = ("met", "site", "open", "n/a")
faults = []


def read(path):
    return open(os.path.join(ROOT, path), encoding="utf-8").read()


page = read("docs/security.md")
rows = re.findall(r"(?m)^\| ((?:\d+\.\d+\.\d+(?:, )?)+) \| ([^|]+) \| ([^|]+) \| (.+) \|$", page)
found = collections.Counter()
states = collections.Counter()
opens = set(re.findall(r"(?m)^\| (O\d+) \|", page))
rules = set(re.findall(r"(?m)^\| (S\d+) \|", page))
used = set()
for numbers, about, state, why in rows:
    for number in numbers.split(", "):
        found[number] += 1
        states[state] += 1
    if state not in STATES:
        faults.append("%s: the status '%s'" % (numbers, state))
    named = set(re.findall(r"\b([OS]\d+)\b", why))
    used |= named
    if state == "open" and not named & opens or state == "site" and not named & rules:
        faults.append("%s: which %s?" % (numbers, "O" if state == "open" else "S"))
    if state == "met" and "`" not in why and "this page" not in why:
        faults.append("%s: met, but by what?" % numbers)
faults += ["%s is missing" % n for n in sorted(WANTED - set(found))]
faults += ["%s is no requirement of level 1 or 2" % n for n in sorted(set(found) - WANTED)]
faults += ["%s stands there %d times" % (n, count) for n, count in found.items() if count > 1]
faults += ["%s is told nowhere" % n for n in sorted(used - opens - rules)]
faults += ["%s: which requirement is it of?" % n for n in sorted(opens - used - set(re.findall(r"(?m)^\| (O\d+) \| \(none\)", page)))]
said = re.search(r"Of (\d+) requirements (\d+) are met, (\d+) depend on the site, (\d+) are open and (\d+) do not apply", page)
counted = (len(WANTED), states["met"], states["site"], states["open"], states["n/a"])
if not said or tuple(map(int, said.groups())) != counted:
    faults.append("the numbers at the top should be %d: %d met, %d site, %d open, %d n/a" % counted)

for path, name in sorted(set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+|README\.md|Makefile)(?::(\w+))?`", page))):
    if not os.path.exists(os.path.join(ROOT, path)):
        faults.append("there is no %s" % path)
    elif name and not re.search(r"\b%s\b" % name, read(path)):
        faults.append("%s has no %s" % (path, name))
libraries = re.search(r"(?m)^LIBS := (.*)$", read("Makefile")).group(1).replace("-l", "").split()
faults += ["the library %s is not in the list" % l for l in libraries if not re.search(r"(?m)^\|.*`%s`" % re.escape(l), page)]
print("\n".join(faults) or "%d requirements: %d met, %d site, %d open, %d n/a" % counted)
sys.exit(1 if faults else 0)
