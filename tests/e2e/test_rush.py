#!/usr/bin/python3
"""The same evening of a selection round fifty doctors, whose ten minutes are over and who have no favourites, confirm the same post at the same instant, and then what is left, all at once again.
One gets the post; the others read that another was faster and choose again; nobody's allotment is without its agreement, and nobody has two."""
# covers: S74 S77 S79 S80 S81 S82 S83
import concurrent.futures, json, os, re, shutil, sqlite3, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import plain
from stafet import *

PACKAGE = os.path.join(ROOT, "templates", "selection")
DANISH = {"Accept-Language": "da"}
DOCTORS = 50
ROUND = {"name": "2. runde 2027", "secretariat_email": "nord@videreuddannelse.example.dk", "remind_on": "2027-03-01", "withdraw_by": "2027-03-08T12:00", "notice_on": "2027-03-18",
         "preview_on": "2027-03-22", "special_at": "2027-03-30T09:00", "open_at": "2027-03-30T12:00", "day_first_slot": "nine", "radius": "50.0", "radius_basis": "first"}


def address(i):
    return "l%d@laege.example.dk" % i


def phone(i):
    return "+4520000%03d" % (100 + i)


class Rush:
    def __init__(self, folder):
        self.site, self.kept = os.path.join(folder, "site"), []
        run("init", self.site, "--with", PACKAGE)
        with open(os.path.join(PACKAGE, "round", "posts.csv"), encoding="utf-8") as f:
            head, *posts = f.read().splitlines()
        # As many as there are doctors.
        posts += [re.sub("-1;", "-2;", line, count=1) for line in posts[:DOCTORS - len(posts)]]
        self.keys = [line.split(";")[0] for line in posts]
        self.take("posts", [head] + posts)
        self.take("participants", ["id;name;email;phone;address;cpr;number;assigned;assigned_round;couple;special;graduated"] +
                  ["%d;Læge Nr %d;%s;%s;Prøvevej 1;010190-1%03d;%d;2026-09-01;2027-1;;false;2027-01-31" % (101 + i, i, address(i), phone(i), i, i + 1) for i in range(DOCTORS)])
        self.server = Server("demo", self.site, "--listen", "127.0.0.1:0")
        self.clock("2027-02-15T10:00")
        path = os.path.join(folder, "round.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(ROUND, f)
        run("start", "round", "--data", path, site=self.site)
        walk(self.server, self.server.mails_to(ROUND["secretariat_email"])[0]["links"][0], {"confirmed": "true"}, headers=DANISH)
        for when in ["2027-03-09T10:00", "2027-03-18T10:00"] + ["2027-03-30T%02d:%02d" % divmod(12 * 60 + 10 * i, 60) for i in range(DOCTORS)] + ["2027-03-30T20:40"]:
            self.clock(when)

    def take(self, register, lines):
        path = os.path.join(os.path.dirname(self.site), register + ".csv")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        run("import", "round." + register, path, site=self.site)

    def clock(self, when):
        answer = self.server.post("/demo/clock", {"set": when})
        assert answer.status == 200, (when, answer.text)

    def inbox(self):
        self.kept += json.loads(self.server.get("/demo/inbox.json?after=%d" % (self.kept[-1]["id"] if self.kept else 0)).text)
        return self.kept

    def wait(self, count, good):
        """{receiver: the last message that is so}, once that many have one."""
        end = time.time() + 20
        while True:
            found = {m["to"]: m for m in self.inbox() if good(m)}
            if len(found) >= count:
                return found
            assert time.time() < end, (len(found), count, [(m["to"], m["subject"]) for m in self.kept[-5:]])
            time.sleep(0.05)

    def rows(self, sql):
        store = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.site, "data", "stafet.db"), uri=True)
        found = store.execute(sql).fetchall()
        store.close()
        return found

    def send(self, where, page, pick=None, **typed):
        """The page's form, with the button of a post if one is picked."""
        form = next((f for f in forms(page) if set(typed) <= set(f["fields"]) and f["method"] == "post"), None) or post_form(page)
        fields = dict(fill(form, typed), **({"wanted": pick} if pick else {}))
        return self.server.post(form["action"] or where, list(fields.items()), headers=DANISH)

    def ask(self, where, key, page=None):
        """From the list of posts to the page that asks for the code: (its path, the page)."""
        page = page or self.server.follow(self.server.get(where, headers=DANISH), DANISH)
        answer = self.send(where, page, pick=key)
        assert answer.status == 303, plain(answer)[:800]
        where, page = answer.header("Location"), self.server.follow(answer, DANISH)
        assert "Er det dette forløb?" in plain(page), plain(page)[:800]
        answer = self.send(where, page)
        assert answer.status in (200, 303), plain(answer)[:800]
        where = answer.header("Location") or where
        return where, self.server.follow(answer, DANISH)


def codes(rush, who, told):
    """The code that each was texted after the first `told` messages."""
    found = rush.wait(len(who), lambda m: m["id"] > told and "er din kode" in m["text"])
    return {i: re.search(r"#(\d{6})\s*$", found[phone(i)]["text"]).group(1) for i in who}


def confirm_at_once(rush, ready, typed):
    """Each sends the code when all are ready; {who: answer}."""
    gate, answers = threading.Barrier(len(ready)), {}

    def press(i):
        gate.wait()
        answers[i] = rush.send(*ready[i], code=typed[i])

    threads = [threading.Thread(target=press, args=(i,)) for i in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_fifty_confirm_the_same_post():
    folder = tempfile.mkdtemp(prefix="stafet-rush-")
    rush = Rush(folder)
    try:
        opened = rush.wait(DOCTORS, lambda m: m["links"] and "Du kan nu vælge" in (m["subject"] or ""))
        links = {i: urllib.parse.urlsplit(opened[address(i)]["links"][0]).path for i in range(DOCTORS)}
        told = rush.inbox()[-1]["id"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            ready = dict(zip(links, pool.map(lambda i: rush.ask(links[i], "rh-1"), links)))
        answers = confirm_at_once(rush, ready, codes(rush, list(ready), told))
        won = [i for i, answer in answers.items() if answer.status == 303 and "Forløbet er dit" in plain(rush.server.follow(answer, DANISH))]
        assert len(won) == 1, "%d won: %s" % (len(won), sorted({a.status for a in answers.values()}))
        losers = [i for i in answers if i not in won]
        for i in losers:  # what happened, and the list as it is now
            text = plain(answers[i])
            assert answers[i].status == 422 and "Forløbet blev valgt af en anden, mens du var i gang. Du har ikke valgt noget endnu. Vælg et andet." in text, (answers[i].status, text[:600])
            assert 'name="wanted" value="rh-1"' not in answers[i].text and answers[i].text.count('name="wanted"') == len(rush.keys) - 1, "it is red, all others are free"
        assert rush.rows("SELECT count(*) FROM claims")[0][0] == 1 and rush.rows("SELECT count(*) FROM documents")[0][0] == 1
        # Each takes another, all at once again.
        rush.clock("2027-03-30T20:50")
        told, left = rush.inbox()[-1]["id"], [key for key in rush.keys if key != "rh-1"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            ready = dict(zip(losers, pool.map(lambda pair: rush.ask(links[pair[0]], pair[1], answers[pair[0]]), zip(losers, left))))
        for i, answer in confirm_at_once(rush, ready, codes(rush, losers, told)).items():
            assert answer.status == 303 and "Forløbet er dit" in plain(rush.server.follow(answer, DANISH)), plain(answer)[:600]
        # One post and one agreement each, and a mail with it.
        assert rush.rows("SELECT count(*), count(DISTINCT row_key), count(DISTINCT holder_id) FROM claims")[0] == (DOCTORS, DOCTORS, DOCTORS)
        assert rush.rows("SELECT count(*), count(DISTINCT instance_id), max(version) FROM documents")[0] == (DOCTORS, DOCTORS, 1)
        end = time.time() + 60
        while rush.rows("SELECT count(*) FROM documents WHERE state <> 'ready'")[0][0]:
            assert time.time() < end, "not all agreements are drawn"
            time.sleep(0.1)
        rush.wait(DOCTORS, lambda m: m["to"].endswith("@laege.example.dk") and "aftale" in (m["subject"] or ""))
        mails = [m["to"] for m in rush.inbox() if m["to"].endswith("@laege.example.dk") and "aftale" in (m["subject"] or "")]
        assert sorted(mails) == sorted(map(address, range(DOCTORS))), (len(mails), len(set(mails)))
        assert "0 faults" in run("verify", site=rush.site).stdout
    except Exception:
        print(rush.server.log_text()[-2000:])
        raise
    finally:
        rush.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main([test_fifty_confirm_the_same_post])
