#!/usr/bin/python3
"""make bench, the hours in which a round of the shipped selection is decided: everybody looks at the list of posts again every ten seconds, over a connection that stays open,
while some choose with link and texted code, the last of them all in one second and two for each post. Agreements are drawn and mails sent meanwhile. What was claimed is
counted afterwards. argv: folder of the built programs, the JSON file of the parts before, which is added to. COUNT below 700: a tenth of the people, for a moment."""
import collections, datetime, html, http.client, http.server, json, os, re, sqlite3, subprocess, sys, threading, time, urllib.parse

from measured import COUNT, READY, ROOT, Scratch, Server, Sink, free_port, program, report, run, save

sys.path.append(os.path.join(ROOT, "tests", "e2e"))
import stafet  # a day is the site's day

WHOLE = COUNT >= 700
PEOPLE, SECONDS, BURST = (700, 15, 20) if WHOLE else (70, 4, 4)
POSTS = PEOPLE + PEOPLE // 35
EVERY = 10       # seconds after which somebody looks again
CLAIMS = 4       # a second
GOAL = 50        # ms
TRIES, AHEAD = 2, 2
BEGUN = 6        # days ago
PACKAGE = os.path.join(ROOT, "templates", "selection")
DUE = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased', 'begun')"


def day(ahead):
    return (datetime.date.today() + datetime.timedelta(days=ahead)).isoformat()


def phone(i):
    return "+4520%06d" % (100000 + i)


# Everybody has special consideration: the only time in which all may choose at once lasts until the others begin.
ROUND = {"name": "2. runde", "secretariat_email": "nord@videreuddannelse.example.dk", "remind_on": day(-5), "withdraw_by": day(-4) + "T12:00", "notice_on": day(-3), "preview_on": day(-2),
         "special_at": day(-1) + "T09:00", "open_at": day(7) + "T12:00", "day_first_slot": "nine", "radius": "50.0", "radius_basis": "first"}


class Gateway:
    """Takes texts, and keeps the codes that are in them."""

    def __enter__(self):
        self.codes, self.came = {}, threading.Condition()
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.take("+%s" % told["recipients"][0]["msisdn"], told["message"])
                body = b'{"ids": [1]}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self, number, text):
        code = re.search(r"#(\d{6})\s*$", text)
        with self.came:
            if code:
                self.codes[number] = code.group(1)
            self.came.notify_all()

    def code(self, number):
        with self.came:
            if not self.came.wait_for(lambda: number in self.codes, 20):
                sys.exit("no code to %s" % number)
            return self.codes[number]


class Market:
    """A site in the middle of a round, served."""

    def __init__(self, folder, sink, gateway):
        self.folder, self.gateway, self.site = folder, gateway, os.path.join(folder, "site")
        run(program("stafet"), "init", self.site, "--with", PACKAGE)
        self.configure(free_port(), sink, gateway)
        self.take("staff", None)
        self.take("posts", self.posts())
        self.take("participants", ["id;name;email;phone;address;cpr;number;assigned;assigned_round;couple;special;graduated"] + [
            "%d;Læge Nr %d;l%d@laege.example.dk;%s;Prøvevej 1;010190-%04d;%d;%s;;;true;%s" % (i, i, i, phone(i), i, i + 1, day(-200), day(-100)) for i in range(PEOPLE)])
        start = os.path.join(folder, "round.json")
        with open(start, "w", encoding="utf-8") as f:
            json.dump(ROUND, f)
        told = run(program("bench-choose"), self.site, start, BEGUN).decode().split("\n")[:-1]
        with sqlite3.connect(os.path.join(self.site, "data", "stafet.db")) as db:  # what went out while it was filled
            db.execute("UPDATE outbox SET state = 'sent', sent_at = created_at WHERE state = 'queued'")
            db.execute("UPDATE register_rows SET valid_from = valid_from - ?", ((BEGUN + 1) * 86400000,))  # who acted stood there then
            phones = dict(db.execute("SELECT id, json_extract(data, '$.phone') FROM instances WHERE workflow = 'choice'"))
        db.close()
        self.people = [Person(self, i, token, phones[int(instance)]) for i, (instance, token) in enumerate(line.split() for line in told)]
        if len(self.people) != PEOPLE:
            sys.exit("%d may choose" % len(self.people))
        self.server = Server([program("stafet"), "serve", self.site], folder, READY)
        self.host = "127.0.0.1:%d" % self.server.port

    def configure(self, port, sink, gateway):
        path, token = os.path.join(self.site, "stafet.yaml"), os.path.join(self.folder, "token")
        with open(token, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("secret\n")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        text = text[:text.index("mail:")].replace("127.0.0.1:8080", "127.0.0.1:%d" % port).replace("site:\n", "site:\n  trusted_proxies: [127.0.0.1]\n", 1)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "mail:\n  from_address: stafet@example.dk\n  relay: smtp://127.0.0.1:%d\n  tls: off\n" % sink.port)
            f.write("sms:\n  gateway: gatewayapi\n  url: http://127.0.0.1:%d/\n  from: Valg\n  token_file: %s\n" % (gateway.port, token))

    def posts(self):
        """The shipped ones, each as often as it takes."""
        with open(os.path.join(PACKAGE, "round", "posts.csv"), encoding="utf-8") as f:
            head, *shipped = f.read().splitlines()
        voluntary = head.split(";").index("voluntary")
        shipped = [line for line in shipped if line.split(";")[voluntary] == "false"]
        found = [re.sub(r"^[^;]*", "s%d" % i, shipped[i % len(shipped)]) for i in range(POSTS)]
        self.keys = ["s%d" % i for i in range(POSTS)]
        return [head] + found

    def take(self, register, lines):
        path = os.path.join(PACKAGE, "round", register + ".csv")
        if lines:
            path = os.path.join(self.folder, register + ".csv")
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
        run(program("stafet"), "import", "round." + register, path, "--site", self.site)

    def count(self, sql):
        with sqlite3.connect("file:%s?mode=ro" % os.path.join(self.site, "data", "stafet.db"), uri=True) as db:
            found = db.execute(sql).fetchone()
        db.close()
        return found


class Person:
    """Somebody with a link, who chooses as a browser does it."""

    def __init__(self, market, i, token, number):
        self.market, self.path, self.number, self.network = market, "/l/" + token, number, "10.1.%d.%d" % (i >> 8, i & 255)

    def request(self, method, path, body=b"", more=""):
        host = self.market.host
        return ("%s %s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nX-Forwarded-For: %s\r\nAccept-Language: da\r\n%s\r\n" % (method, path, host, host, self.network, more)).encode() + body

    def ask(self, method, path, fields=None):
        headers = {"X-Forwarded-For": self.network, "Accept-Language": "da", "Origin": "http://" + self.market.host, **({"Content-Type": "application/x-www-form-urlencoded"} if fields else {})}
        since = time.monotonic()
        self.connection.request(method, path, urllib.parse.urlencode(fields) if fields else None, headers)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        self.took = (time.monotonic() - since) * 1000
        return answer.status, answer.getheader("Location"), body

    def expect(self, wanted, answer):
        if answer[0] != wanted:
            sys.exit("%d instead of %d: %s" % (answer[0], wanted, re.sub(r"<[^>]*>|\s+", " ", answer[2])[:600]))
        return answer

    def hidden(self, page, step):
        """The hidden fields of the form with that step."""
        form = next(form for form in re.findall(r'(?s)<form method="post".*?</form>', page) if '"step" value="%s"' % step in form)
        return {name: html.unescape(value) for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)}

    def prepare(self, key):
        """As far as the page that asks for the code, which has come."""
        self.connection = http.client.HTTPConnection(self.market.host, timeout=30)
        page = self.expect(200, self.ask("GET", self.path))[2]
        where = self.expect(303, self.ask("POST", self.path, {**self.hidden(page, "1"), "wanted": key}))[1]
        page = self.expect(200, self.ask("GET", where))[2]
        where = self.expect(303, self.ask("POST", self.path, self.hidden(page, "check")))[1]
        page = self.expect(200, self.ask("GET", where))[2]
        self.ready = {**self.hidden(page, "code"), "code": self.market.gateway.code(self.number)}

    def press(self):
        """Whether the post is theirs, and how long that took."""
        status, where, body = self.ask("POST", self.path, self.ready)
        if status not in (303, 422) or (status == 422 and "valgt af en anden" not in body):
            sys.exit("a claim: %d %s" % (status, re.sub(r"<[^>]*>|\s+", " ", body)[:600]))
        self.connection.close()
        return status == 303, self.took


class Claims:
    """Steadily, and at the end all at once, two for each post."""

    def __init__(self, market, people, since):
        steady = len(people) - BURST
        self.told, self.faults = [], []
        last = since + steady / CLAIMS + 1
        keys = market.keys[:steady] + [market.keys[steady + i // 2] for i in range(BURST)]
        due = [since + i / CLAIMS for i in range(steady)] + [last + i / BURST for i in range(BURST)]
        # Those of the end have their codes before.
        ready = [at - AHEAD for at in due[:steady]] + [last - 2 * AHEAD + i / BURST for i in range(BURST)]
        self.threads = [threading.Thread(target=self.live, args=it) for it in zip(people, keys, ready, due)]
        self.wins = steady + BURST // 2

    def live(self, person, key, ready, due):
        try:
            time.sleep(max(0, ready - time.monotonic()))
            person.prepare(key)
            time.sleep(max(0, due - time.monotonic()))
            self.told.append(person.press())
        except BaseException as problem:
            self.faults.append(problem)

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        if self.faults:
            sys.exit("%d claims failed: %s" % (len(self.faults), self.faults[0]))
        won = sum(win for win, _ in self.told)
        if won != self.wins:
            sys.exit("%d of %d got a post, %d should" % (won, len(self.told), self.wins))
        return sorted(took for _, took in self.told)


Looked = collections.namedtuple("Looked", "seconds middle worst wrong client")


def look(market, people, connections, rate, seconds, meanwhile=lambda: None):
    """Each in turn asks for their own page: (pages a second, what bench-post tells, cores of the server)."""
    path = os.path.join(market.folder, "requests")
    count = int(rate * seconds)
    with open(path, "wb") as f:
        for i in range(count):
            request = people[i % len(people)].request("GET", people[i % len(people)].path)
            f.write(b"%d\n" % len(request) + request)
    before = market.server.seconds()
    sender = subprocess.Popen([program("bench-post"), str(market.server.port), str(connections), path, "200", "0" if connections < PEOPLE else str(rate)], stdout=subprocess.PIPE)
    try:
        meanwhile()
        told, _ = sender.communicate(timeout=120)
    finally:
        sender.kill()
        sender.wait()
    if sender.returncode != 0:
        sys.exit("bench-post: exit %d" % sender.returncode)
    looked = Looked(*map(float, told.split()))
    if looked.wrong:
        sys.exit("%d pages were none" % looked.wrong)
    return count / looked.seconds, looked, (market.server.seconds() - before) / looked.seconds


def choosing(market, people, claimers):
    name = "%d clients, %d a second" % (PEOPLE, PEOPLE // EVERY)
    took = []
    claims = Claims(market, claimers, time.monotonic() + AHEAD + 0.5)
    _, looked, server = look(market, people, PEOPLE, PEOPLE / EVERY, SECONDS + 2 * AHEAD, lambda: took.extend(claims.run()))
    report("choosing, the middle: a page, %s" % name, looked.middle, "ms", 1)
    report("choosing, 99 of 100: a page, %s" % name, looked.worst, "ms", 1)
    claimed = "a claim, %d a second, then %d in one" % (CLAIMS, BURST)
    report("choosing, the middle: %s" % claimed, took[len(took) // 2], "ms", 1)
    report("choosing, 99 of 100: %s" % claimed, took[len(took) * 99 // 100], "ms", 1)
    print("(cores busy meanwhile: server %.2f, client %.2f)" % (server, looked.client / looked.seconds))
    return claims.wins


def settle(market):
    """Until the mails are sent and the agreements drawn."""
    end = time.monotonic() + 60
    while market.count(DUE)[0] + market.count("SELECT count(*) FROM documents WHERE state IN ('waiting', 'drawing')")[0] > 0 and time.monotonic() < end:
        time.sleep(0.1)


def most(market, people):
    """How many pages there are a second when nothing else is done, and how many with everybody's connection while 99 of 100 come in time."""
    name = "the list of a round's posts, 32 clients"
    look(market, people, 32, PEOPLE, 1)
    speed, looked, server = look(market, people, 32, PEOPLE, TRIES)
    report(name, speed)
    report("%s: 99 of 100 answered within" % name, looked.worst, "ms", 1)
    report("%s: cores of the server" % name, server, "", 2)
    report("%s: cores of the client" % name, looked.client / looked.seconds, "", 2)
    for part in (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1):
        if look(market, people, PEOPLE, speed * part, TRIES)[1].worst < GOAL:
            report("choosing, pages a second to %d clients, 99 of 100 within %d ms" % (PEOPLE, GOAL), speed * part)
            return


with Scratch() as folder, Sink() as sink, Gateway() as gateway:
    market = Market(folder, sink, gateway)
    try:
        claimers = market.people[:CLAIMS * (SECONDS - 5 if WHOLE else 1) + BURST]
        people = market.people[len(claimers):]
        wins = choosing(market, people, claimers)
        settle(market)
        most(market, people)
    finally:
        market.server.stop()
    told = market.count("SELECT count(*), count(DISTINCT row_key), count(DISTINCT holder_id), (SELECT count(*) FROM documents WHERE state = 'ready') FROM claims")
    if told != (wins,) * 4:
        sys.exit("%d claims succeeded, and the store has %s (claims, posts, people, agreements)" % (wins, told))
    run(program("stafet"), "verify", "--site", market.site)
save()
