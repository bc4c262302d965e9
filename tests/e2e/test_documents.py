"""`stafet render --to pdf`: a document as other programs read it (poppler), equal bytes for equal input, and what happens when its child process dies."""
import json, os, re, resource, shutil, signal, struct, subprocess, sys, tempfile, time, unicodedata, zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import BINARY, ROOT, run

SAMPLES = os.path.join(ROOT, "tests", "e2e", "documents")
GOALS = ["Eleven kan modtage og registrere henvendelser fra borgere, virksomheder og kolleger", "Eleven kan skrive klart og venligt", "Eleven kan planlægge eget arbejde"]
DECLARATION = {
    "site": "Skolen på Ærø", "reference": "4F2K-77QX", "apprentice_name": "Sofie Østergård", "period_end": "30. juni 2026", "education": "Kontoruddannelse",
    "workplace": "Åby Kommune", "cvr": "12345674", "supervisor_name": "Hanne Åkjær", "supervisor_email": "hanne@example.dk",
    "note": "Sofie er en glæde | at have.\nHun møder <til> *tiden*.",
    "levels": [{"label": "%s (%d)" % (GOALS[i % 3], i), "value": str(i % 4), "note": "Øvet igen i juni." if i % 3 == 0 else ""} for i in range(40)]}
LEAVE = {"site": "Værkstedet", "reference": "F-1", "name": "Bjørn", "from": "1. juli 2026", "to": "14. juli 2026", "reason": "Sommerferie", "boss": "Åse"}
AT = "2026-11-21T12:00"

folder = tempfile.mkdtemp(prefix="stafet-documents-")


def start(path, data, *more, **options):
    data_path = tempfile.mktemp(dir=folder, suffix=".json")
    json.dump(data, open(data_path, "w"))
    return subprocess.Popen([BINARY, "render", path, "--data", data_path, "--to", "pdf", "--at", AT, *more], stdout=subprocess.PIPE, **options)


def render(path, data, *more, status=0, **options):
    process = start(path, data, *more, **options)
    out = process.communicate(timeout=120)[0]
    assert process.returncode == status, (process.returncode, status, out[-300:])
    return out


def text(name, body):
    path = os.path.join(folder, name)
    open(path, "w").write("title: Titel\n---\n" + body)
    return path


def tool(name, pdf, *options, after=()):
    path = os.path.join(folder, "seen.pdf")
    open(path, "wb").write(pdf)
    done = subprocess.run([name, *options, path, *after], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr.strip(), (name, done.stderr)
    return done.stdout


def words(pdf):
    return " ".join(tool("pdftotext", pdf, "-raw", after=["-"]).split())


def structure(pdf):
    return tool("pdfinfo", pdf, "-struct-text")


def in_order(haystack, *needles):
    at = -1
    for needle in needles:
        assert needle in haystack[at + 1:], "%r is not behind its place in %s" % (needle, haystack[:2000])
        at = haystack.index(needle, at + 1)


def sound(pdf, language, title, pages):
    """What every document is."""
    info = dict(re.findall(r"^([^:\n]+):\s*(.*)$", tool("pdfinfo", pdf), re.M))
    assert info["Tagged"] == "yes" and info["Title"] == title and info["Pages"] == str(pages), info
    assert info["Page size"].endswith("(A4)") and info["JavaScript"] == "no" and info["CreationDate"].startswith("Sat Nov 21 12:00:00 2026 CET"), info
    fonts = [line for line in tool("pdffonts", pdf).splitlines()[2:]]
    assert fonts and all(re.search(r" yes yes yes +\d+ +0$", line) for line in fonts), fonts  # embedded, subset, with a map to Unicode
    assert b"/Lang (%s)" % language.encode() in pdf and b"/DisplayDocTitle true" in pdf
    assert pdf.startswith(b"%PDF-1.") and pdf.endswith(b"%%EOF\n")


def test_declaration():
    da = render(os.path.join(SAMPLES, "declaration.da.md"), DECLARATION)
    sound(da, "da", "Oplæringserklæring for Sofie Østergård", 3)
    seen = words(da)
    in_order(seen, "Skolen på Ærø", "Side 1 af 3", "Oplæringserklæring for Sofie Østergård", "Referencenummer: 4F2K-77QX · lørdag den 21. november 2026",
             "Oplysninger", "Hanne Åkjær", "Sofie er en glæde | at have. Hun møder <til> *tiden*.", "Vurdering af målene", "0 – Eleven har ikke", "Mål Niveau Bemærkning",
             "kolleger (0)", "Side 2 af 3", "Side 3 af 3", "skolens sider")
    assert seen.count("Mål Niveau Bemærkning") >= 2, "the table's header row is repeated"
    tree = structure(da)
    in_order(tree, "Document", "H1 (block)", "P (block)", "H2 (block)", "Table (block)", "TR", "TH", "TD", "Link (inline)", "L (block)", "LI (block)", "Lbl (block)",
             "LBody (block)", "H3 (block)", "BlockQuote")
    assert tree.count('"Niveau"') == 1 and "Side 1 af" not in tree, "repeated rows, heads and feet are outside of the structure"
    assert tree.count("  Table (block)") == 2 and len(re.findall(r"^ *TR$", tree, re.M)) == 5 + 41
    assert b"/URI (https://skole.example/oplaering?x=%281%29)" in da and b"/URI (mailto:hanne@example.dk)" in da
    en = render(os.path.join(SAMPLES, "declaration.en.md"), DECLARATION)
    sound(en, "en", "Declaration for Sofie Østergård", 3)
    in_order(words(en), "Page 1 of 3", "Reference number: 4F2K-77QX", "Facts", "Goal Level Remark", "Page 2 of 3")
    # The last words of a page and the first of the next: no heading stands at a page's foot, no row is divided.
    for pdf in (da, en):
        for page in range(1, 3):
            path = os.path.join(folder, "seen.pdf")
            open(path, "wb").write(pdf)
            rows = subprocess.run(["pdftotext", "-layout", "-f", str(page), "-l", str(page), path, "-"], capture_output=True, text=True).stdout.split("\n")
            body = [r.strip() for r in rows if r.strip()][:-1]
            assert not body[-1].startswith(("Oplysninger", "Vurdering", "Det næste", "Facts", "Assessment", "Mål ", "Goal ")), body[-3:]


def test_long_remark():
    """A row that is taller than the room on a page begins there and goes on; each cell is read in one piece a page."""
    remark = "".join("Sætning nummer %d står her. " % i for i in range(400))
    pdf = render(text("remark.da.md", "| | |\n|---|---|\n| Elev | Ida |\n| Bemærkninger | {{x}} |\n| Slut | Ja |\n"), {"x": remark})
    sound(pdf, "da", "Titel", 4)
    numbers = [int(n) for n in re.findall(r"nummer (\d+)", words(pdf))]
    assert numbers == list(range(400)), numbers
    first = tool("pdftotext", pdf, "-l", "1", after=["-"])
    assert "nummer 60 " in " ".join(first.split()), "the first page is used"
    assert len(re.findall(r"^ *TD$", structure(pdf), re.M)) <= 2 + 4, structure(pdf)[:3000]


def test_leave():
    for name, language, title, word in (("leave.da.md", "da", "Svar på ansøgning om ferie", "godkendt"), ("leave.en.md", "en", "Answer to a request for leave", "approved")):
        pdf = render(os.path.join(SAMPLES, name), LEAVE)
        sound(pdf, language, title, 1)
        in_order(words(pdf), "Værkstedet", title, word, "Sommerferie", "Åse")


def test_equal_bytes():
    path = os.path.join(SAMPLES, "declaration.da.md")
    one = render(path, DECLARATION)
    # Nor does it matter who asks, from where, in which language.
    other = render(path, DECLARATION, env={"HOME": folder, "LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"}, cwd=folder)
    assert one == other, "equal input gives equal bytes"
    assert one != render(path, dict(DECLARATION, cvr="87654321"))


def png(width, height, row, depth=8, colours=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_site():
    site = os.path.join(folder, "site")
    run("init", site)
    config = os.path.join(site, "stafet.yaml")
    kept = re.sub(r"^  name:.*$", "  name: Skolen ved søen\n  logo: logo.png\n  colour: '#8a1538'", open(config).read(), count=1, flags=re.M)
    open(config, "w").write(kept)
    path = text("site.da.md", "Læs [her](https://x.example).")
    sizes = []
    # The second is a small file and a huge picture: the child has no room for it, and the name is enough.
    for picture in (png(200, 80, b"\0" + b"\x8a\x15\x38" * 200), png(20000, 20000, b"\0" * 2501, 1, 0)):
        open(os.path.join(site, "logo.png"), "wb").write(picture)
        pdf = render(path, {}, "--site", site)
        sound(pdf, "da", "Titel", 1)
        in_order(words(pdf), "Skolen ved søen")
        sizes.append(len(tool("pdfimages", pdf, "-list").splitlines()) - 2)
    assert sizes == [1, 0], sizes


HOSTILE = {
    "paragraph": ("{{x}}", {"x": "Lørdag ærø ipsum dolor sit åmet " * 3200}),
    "word": ("{{x}}", {"x": "æ" * 100000}),
    "lines": ("{{x}}", {"x": "a\n" * 50000}),
    "cell": ("|a|b|\n|---|---|\n|{{x}}|{{x}}|\n|c|d|\n", {"x": "Lørdag ærø " * 9000}),
    "accents": ("{{x}}", {"x": "e" + "\u0301" * 50000}),
    "right to left": ("{{x}}", {"x": "aא" * 20000}),
    "everything": ("{{x}}", {"x": "".join(chr(c) for c in range(1, 0x3000) if not 0xD800 <= c < 0xE000) + "漢字 😀 \U0010FFFF \uFDD0 \uFFFE \U000E0041"}),
    "Markdown": ("{{x}}", {"x": "# [a](javascript:x) | ![b](c) <b> &#0; &lt; \\ ``` --- "}),
    "link": ("[{{x}}](https://x.example/'\"(\\)\\\\x%0a)", {"x": "a ' b"}),
}


def test_hostile():
    for name, (body, data) in HOSTILE.items():
        pdf = render(text("hostile.da.md", body), data)
        pages = int(re.search(r"^Pages:\s*(\d+)", tool("pdfinfo", pdf), re.M).group(1))
        sound(pdf, "da", "Titel", pages)
        if name in ("word", "lines"):
            letters = re.findall("æ" if name == "word" else r"^a$", tool("pdftotext", pdf, "-raw", after=["-"]), re.M)
            assert len(letters) == len(data["x"].replace("\n", "")), (name, len(letters))
    pdf = render(text("bidi.da.md", "{{x}}"), {"x": "faktura\u202efdp.exe\u2066\u200f\x07\x1b[2J slut"})
    assert "fakturafdp.exe[2J slut" in words(pdf), words(pdf)
    said = unicodedata.normalize("NFC", words(render(text("glyphs.da.md", "{{x}}"), {"x": "Ærøå Ωμέγα Привет"})))
    assert "Ærøå Ωμέγα Привет" in said, said


def test_refusals():
    columns = "|a" * 25 + "|\n" + "|---" * 25 + "|\n"
    for body, reason in ((columns, b"a table has more than 24 columns"),):
        out = render(text("refused.da.md", body), {}, status=1)
        assert reason in out and b"%PDF" not in out, out
    out = render(text("many.da.md", "{{x}}"), {"x": "a\n" * 110000}, status=1)
    assert re.search(rb"would have \d+ pages; 2000 are allowed", out), out
    open(os.path.join(folder, "none.da.md"), "w").write(" \n")
    assert b"expected a line of ---" in render(os.path.join(folder, "none.da.md"), {}, status=1)
    # The child's command is nobody else's.
    for given in (b"", b"x" * 1000):
        done = subprocess.run([BINARY, "draw-document"], input=given, capture_output=True, timeout=30)
        assert done.returncode == 2 and b"only for Stafet itself" in done.stdout, done


def child_of(process, wait=20):
    end = time.time() + wait
    while time.time() < end:
        found = open("/proc/%d/task/%d/children" % (process.pid, process.pid)).read().split()
        if found and b"draw-document" in open("/proc/%s/cmdline" % found[0], "rb").read():
            return int(found[0])
        time.sleep(0.002)
    raise AssertionError("no child was started")


def slow(**options):
    """Some seconds of the processor, also on a fast machine."""
    body, data = HOSTILE["right to left"]
    return start(text("slow.da.md", "\n\n".join([body] * 4)), {"x": data["x"] * 4}, **options)


def ended(process, reason):
    out = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and reason in out and b"%PDF" not in out, (process.returncode, out[-300:])


def test_child_dies():
    hung = slow()
    stopped = child_of(hung)
    end = time.time() + 10
    while not re.search(r"NoNewPrivs:\t1\nSeccomp:\t2\n", open("/proc/%d/status" % stopped).read()):
        assert time.time() < end, "the child works without its gate (tests/unit/test_gate.c)"
        time.sleep(0.002)
    os.kill(stopped, signal.SIGSTOP)
    killed = slow()
    os.kill(child_of(killed), signal.SIGKILL)
    ended(killed, b"could not be drawn: its process was ended: Killed")
    ended(slow(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 1))), b"could not be drawn: its process was ended")
    body, data = HOSTILE["paragraph"]
    small = start(text("small.da.md", body), data, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150000, 150000)))
    ended(small, b"could not be drawn: it cannot be written")
    # Its parent gone, a child goes too.
    orphan = slow()
    left = child_of(orphan)
    orphan.kill()
    orphan.communicate()
    end = time.time() + 10
    while os.path.exists("/proc/%d" % left) and open("/proc/%d/stat" % left).read().split(")")[1].split()[0] != "Z":
        assert time.time() < end, "the child outlives its parent"
        time.sleep(0.05)
    ended(hung, b"could not be drawn: it took too long")
    assert not os.path.exists("/proc/%d" % stopped)


try:
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print("ok", name)
finally:
    shutil.rmtree(folder)
