#!/usr/bin/python3
"""Pools over real HTTP: fifty people claim the one ladder at the same instant. On the package tests/packages/on-loan."""
import html, json, os, re, shutil, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stafet import *

PEOPLE = 50
PACKAGE = os.path.join(ROOT, "tests", "packages", "on-loan")


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def join(server, site, folder, number):
    """A member; path of the card."""
    address = "m%d@example.dk" % number
    data = os.path.join(folder, "member.json")
    with open(data, "w", encoding="utf-8") as f:
        json.dump({"member_name": "Medlem %d" % number, "member_email": address}, f)
    run("start", "on-loan", "--data", data, site=site)
    walk(server, server.mails_to(address)[0]["links"][0], {"agreed": "true"})
    end = time.time() + 10
    while len(server.mails_to(address)) < 2 and time.time() < end:
        time.sleep(0.05)
    return urllib.parse.urlsplit(server.mails_to(address)[1]["links"][0]).path


def choose(server, page, where, key):
    """The row's button; the page that asks whether it shall be so, and its path."""
    hidden = [(n, v) for n, f in post_form(page)["fields"].items() if f["kind"] == "hidden" for v in f["values"]]
    answer = server.post(post_form(page)["action"] or where, hidden + [("wanted", key)])
    assert answer.status == 303, words(answer)[:500]
    return server.follow(answer), answer.header("Location")


def begin(server, card):
    """From the card to the last page before the claim."""
    answer = server.post(card, {"act": "borrow"})
    assert answer.status == 303, words(answer)[:500]
    return choose(server, server.follow(answer), answer.header("Location"), "ladder")


def claim_at_once(server, ready):
    """Each sends its form when all are ready; the answers."""
    answers, gate = [None] * len(ready), threading.Barrier(len(ready))

    def press(i):
        page, where = ready[i]
        fields = fill(post_form(page), {})
        gate.wait()
        answers[i] = server.post(post_form(page)["action"] or where, fields)

    threads = [threading.Thread(target=press, args=(i,)) for i in range(len(ready))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_fifty_claim_the_same_row():
    folder = tempfile.mkdtemp(prefix="stafet-pools-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", PACKAGE)
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        cards = [join(server, site, folder, i) for i in range(PEOPLE)]
        answers = claim_at_once(server, [begin(server, card) for card in cards])
        won = [i for i, answer in enumerate(answers) if answer.status in (302, 303)]
        assert len(won) == 1, "%d won: %s" % (len(won), sorted({a.status for a in answers}))
        for i, answer in enumerate(answers):
            if i in won:
                assert "Lånt" in words(server.follow(answer))
                continue
            # Who was faster, and what is left to choose.
            text = words(answer)
            assert answer.status == 422, answer.status
            assert "lånt af en anden imens" in text and "Ladder Udlånt" in text and "Drill Ledig" in text, text[:1500]
        listed = run("list", "on-loan", site=site).stdout
        assert listed.count("member") >= PEOPLE, listed[:500]
        assert "0 faults" in run("verify", site=site).stdout
        # Whoever lost takes something else with the same link.
        loser = next(i for i in range(PEOPLE) if i not in won)
        page, where = choose(server, answers[loser], None, "drill")
        again = server.post(post_form(page)["action"] or where, fill(post_form(page), {}))
        assert "Lånt" in words(server.follow(again)), words(again)[:500]
    except Exception:
        print(server.log_text()[-2000:])
        raise
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_whoever_has_all_they_may_have_reads_so():
    """Nobody was faster, and the saw is free: the page does not say otherwise."""
    folder = tempfile.mkdtemp(prefix="stafet-pools-")
    site = os.path.join(folder, "site")
    run("init", site, "--with", PACKAGE)
    server = Server("demo", site, "--listen", "127.0.0.1:0")
    try:
        card = join(server, site, folder, 1)
        for key in ("ladder", "drill", "saw"):
            answer = server.post(card, {"act": "borrow"})
            page, where = choose(server, server.follow(answer), answer.header("Location"), key)
            answer = server.post(post_form(page)["action"] or where, fill(post_form(page), {}))
            assert answer.status == (422 if key == "saw" else 303), (key, answer.status)
        text = html.unescape(words(answer))
        assert "Der blev ikke ændret noget Saw: Sagen har allerede så mange, som den må have" in text and "Saw Ledig" in text, text[:1500]
        assert "ikke ledigt" not in text and "af en anden" not in text, text[:1500]
    except Exception:
        print(server.log_text()[-2000:])
        raise
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


main([test_fifty_claim_the_same_row, test_whoever_has_all_they_may_have_reads_so])
