"""The style sheet as it is served: contrast of every pair of colours that meet, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11), and nothing from elsewhere."""
import os, re, shutil, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import BINARY, Server, main, make_site

TEXT, PART = 4.5, 3.0
GROUNDS = ["desk", "paper", "tint"]
PAIRS = [(text, ground, TEXT) for text in ("ink", "soft", "brand-text") for ground in GROUNDS]
PAIRS += [("wrong", "paper", TEXT), ("wrong", "wrong-ground", TEXT), ("ink", "wrong-ground", TEXT), ("late", "late-ground", TEXT), ("good", "good-ground", TEXT), ("ink", "good-ground", TEXT)]
PAIRS += [("brand-ink", "brand", TEXT), ("paper", "brand-text", TEXT), ("paper", "wrong", TEXT)]
PAIRS += [(part, ground, PART) for part in ("edge", "focus", "brand-text") for ground in GROUNDS]
PAIRS += [("wrong", "tint", PART), ("edge", "wrong-ground", PART), ("focus", "wrong-ground", PART), ("focus", "late-ground", PART), ("focus", "good-ground", PART), ("brand-text", "good-ground", PART)]


def luminance(colour):
    assert re.fullmatch("#[0-9a-f]{6}", colour), colour
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def schemes(css):
    """The tokens by scheme; what comes later in the file counts."""
    light, dark = {}, {}
    for at, block in re.findall(r"(@media screen and \(prefers-color-scheme: dark\) \{\s*)?:root \{([^}]*)\}", css):
        (dark if at else light).update(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    return {"light": light, "dark": {**light, **dark}}


def style_of(server):
    page = server.get("/")
    path = re.search(r'<link rel="stylesheet" href="([^"]+)">', page.text).group(1)
    answer = server.get(path)
    assert answer.status == 200 and answer.header("Content-Type") == "text/css; charset=utf-8"
    assert "immutable" in answer.header("Cache-Control")
    return answer.text


def measure(css):
    worst = 99
    for scheme, tokens in schemes(css).items():
        for one, other, least in PAIRS:
            found = contrast(tokens[one], tokens[other])
            worst = min(worst, found / least)
            assert found >= least, "%s: %s on %s is %.2f, needs %.1f" % (scheme, one, other, found, least)
    return worst


def test_measure_can_fail():
    assert abs(contrast("#000000", "#ffffff") - 21) < 0.01
    assert abs(contrast("#767676", "#ffffff") - 4.54) < 0.01
    pale = ":root { --ink: #999999; --desk: #ffffff; }"
    try:
        measure(pale)
    except AssertionError as e:
        assert "ink on desk is 2.85" in str(e), e
    else:
        raise AssertionError("pale text passes")


def test_contrast():
    server = Server("demo", "--listen", "127.0.0.1:0")
    try:
        css = style_of(server)
        measure(css)
        outside = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
        assert not re.search(r"url\(|@import|@font-face|https?:", outside), "the style sheet asks for something else"
        # A colour is named once, as a token: whatever else uses one cannot be measured.
        rules = re.sub(r":root \{[^}]*\}", "", outside)
        loose = set(re.findall(r"#[0-9a-f]{3,8}\b", rules)) - {"#000", "#fff"}
        assert not loose, loose
        for need in ("prefers-reduced-motion", "forced-colors: active", "@media print", ":focus-visible", "hyphens: auto"):
            assert need in outside, need
    finally:
        assert server.stop() == 0
        os.unlink(server.log.name)


MAIL = "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:9\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script><rect width="9" height="9"/></svg>'


class Site:
    """A served site with these lines under site:; files are put beside its stafet.yaml."""

    def __init__(self, lines, files=()):
        self.folder, _ = make_site([], MAIL)
        path = os.path.join(self.folder, "stafet.yaml")
        text = open(path, encoding="utf-8").read().replace("site:\n", "site:\n" + "".join("  %s\n" % line for line in lines), 1)
        open(path, "w", encoding="utf-8").write(text)
        for name, data in files:
            open(os.path.join(self.folder, name), "wb").write(data)

    def __enter__(self):
        self.server = Server("serve", self.folder)
        return self.server

    def __exit__(self, *trace):
        assert self.server.stop() == 0
        os.unlink(self.server.log.name)
        self.remove()

    def check(self):
        done = subprocess.run([BINARY, "check", self.folder], capture_output=True, text=True, timeout=60)
        self.remove()
        return done.returncode, done.stdout

    def remove(self):
        shutil.rmtree(os.path.dirname(self.folder), ignore_errors=True)


def test_colours_of_a_site():
    """Whatever colour a site names, everything painted with it can be read; what can be read as it is stays as it is."""
    kept = {"#234f9d", "#7a1f3d", "#000000"}
    for colour in ("#234f9d", "#7a1f3d", "#000000", "#ffffff", "#ffd400", "#00ff00", "#ff0000", "#777777", "#8a8a8a", "#f1ede4", "#242B2D", "#00aaff"):
        with Site(["colour: '%s'" % colour]) as server:
            css = style_of(server)
            measure(css)
            light = schemes(css)["light"]
            assert light["brand"] == colour.lower() and (light["brand-text"] == colour) == (colour in kept or colour == "#242b2d"), (colour, light)
    code, said = Site(["colour: '#12'"]).check()
    assert code == 1 and "stafet.yaml:3:12: colour: expected a colour of six digits" in said, said


def test_logo():
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 50
    for name, data, kind in (("mark.svg", SVG.encode(), "image/svg+xml"), ("mark.bin", png, "image/png")):
        with Site(["logo: %s" % name], [(name, data)]) as server:
            page = server.get("/").text
            path = re.search(r'<img src="(/assets/[0-9a-f]{16}/logo\.(?:svg|png))" alt="">', page).group(1)
            assert '<link rel="icon" href="%s">' % path in page
            answer = server.get(path)
            assert answer.status == 200 and answer.body == data and answer.header("Content-Type") == kind
            policy = answer.header("Content-Security-Policy")
            assert "default-src 'none'" in policy and policy.endswith("; sandbox") and "script-src" not in policy, policy
            assert answer.header("X-Content-Type-Options") == "nosniff" and "immutable" in answer.header("Cache-Control")
            assert server.get(re.sub("[0-9a-f]{16}", "0" * 16, path)).status == 404
    with Site([]) as server:
        page = server.get("/").text
        assert "<img" not in page
        icon = server.get(re.search(r'<link rel="icon" href="([^"]+)">', page).group(1))
        assert icon.status == 200 and icon.header("Content-Type") == "image/svg+xml" and "#0b5e56" in icon.text
    for data, why in ((b"<html></html>", "expected a picture in PNG or SVG"), (b"<svg" + b" " * 200000, "too large"), (b"", "expected a picture")):
        code, said = Site(["logo: mark.svg"], [("mark.svg", data)]).check()
        assert code == 1 and "stafet.yaml:3:9: logo: " in said and why in said and "100 kB" in said, said


def test_contact_in_each_language():
    with Site([]) as server:
        for language, text in (("da", "Brug for hjælp? Skriv til support@example.dk"), ("en", "Need help? Write to support@example.dk")):
            for path in ("/", "/nowhere", "/l/x"):
                page = server.get(path, headers={"Accept-Language": language}).text
                assert text in page, (language, path)


def test_errors_say_what_to_do():
    large = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(1 << 30)}
    cases = [("GET", "/nowhere", None, {}, 404, "Siden findes ikke", "The page does not exist"),
             ("POST", "/", "a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 405, "Siden kan ikke bruges på den måde", "The page cannot be used in that way"),
             ("DELETE", "/", None, {}, 405, "Siden kan ikke bruges på den måde", "The page cannot be used in that way"),
             ("POST", "/l/x", None, large, 413, "Det fylder for meget", "It is too large"),
             ("POST", "/l/x", "{}", {"Content-Type": "application/json"}, 415, "Det kan vi ikke tage imod", "We cannot take this"),
             ("POST", "/l/x", "a=%zz", {"Content-Type": "application/x-www-form-urlencoded"}, 400, "Vi kunne ikke læse det", "We could not read it"),
             ("POST", "/home/otplogin", "a=b", {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}, 403, "Svaret er ikke taget imod", "The answer was not accepted")]
    with Site([]) as server:
        for method, path, body, headers, status, danish, english in cases:
            for language, title, home, help in (("da", danish, "Til forsiden", "Brug for hjælp? Skriv til"), ("en", english, "To the front page", "Need help? Write to")):
                answer = server.request(method, path, body=body, headers=dict(headers, **{"Accept-Language": language}))
                assert answer.status == status, (path, answer.status)
                assert "<h1>%s</h1>" % title in answer.text and "<title>%s – " % title in answer.text, (status, answer.text)
                assert '<a class="button quiet" href="/">%s</a>' % home in answer.text and help in answer.text and '<html lang="%s">' % language in answer.text


# covers: D67 D68 D69 D70
def test_the_page_of_help_is_the_site_s_own():
    site, _ = make_site([], "mail:\n  from_address: a@example.dk\n  relay: smtp://127.0.0.1:1\n")
    try:
        with open(os.path.join(site, "help.da.md"), "w", encoding="utf-8") as f:
            f.write("# Film\n\nFilmen er på vej!\n\n[Fagets egen side](https://fag.example.dk)\n\n# Hjælp\n\nTeknik: 71 00 00 00. Mål: 70 00 00 00. <b>nej</b>\n")
        server = Server("serve", site)
        try:
            page, english = server.get("/help"), server.get("/help?lang=en")
            assert page.status == 200 and "<h1>Hjælp</h1>" in page.text and "<h2>Film</h2>" in page.text and 'href="https://fag.example.dk"' in page.text, page.text
            assert "71 00 00 00" in page.text and "<b>" not in page.text and "You have got a mail" in english.text
            assert '<a href="/help">Hjælp</a>' in server.get("/").text
        finally:
            server.stop()
        path = os.path.join(site, "stafet.yaml")
        text = open(path, encoding="utf-8").read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r"  help: .*\n", "", text))
        server = Server("serve", site)
        try:
            assert server.get("/help").status == 404 and "/help" not in server.get("/").text
        finally:
            server.stop()
    finally:
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)


main([value for name, value in list(globals().items()) if name.startswith("test_")])
