"""The style sheet as it is served: contrast of every pair of colours that meet, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11), and nothing from elsewhere."""
import os, re, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import Server, main

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


main([test_measure_can_fail, test_contrast])
