"""Two spam filters for tests, with the rules that they come with and without a network: SpamAssassin and rspamd.

Each is a child process with a folder of its own in /tmp; judge() says what a mail costs: (points, {rule: points}). What a filter says of a mail that has come from
nowhere is the same for all of them, so rspamd's points only mean something beside those of another mail."""
import http.client, json, os, shutil, socket, subprocess, tempfile, threading, time

OFF = ("rbl", "fuzzy_check", "phishing", "greylist", "ratelimit", "history_redis", "neural", "replies", "asn", "mx_check", "reputation", "surbl", "classifier-bayes", "dmarc", "arc",
       "dkim_signing")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Filter:
    """A folder, a process, and that it answers."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix="stafet-%s-" % name)
        os.chmod(self.folder, 0o777)
        self.log = open(os.path.join(self.folder, "output"), "wb")
        self.process = self.start()

    def ready(self, seconds=150):
        """When the first mail has been judged: the rules are compiled until then."""
        end = time.time() + seconds
        while True:
            try:
                return self.judge(b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nx\r\n")
            except (OSError, http.client.HTTPException, ValueError):
                assert self.process.poll() is None and time.time() < end, open(self.log.name, errors="replace").read()[-3000:]
                time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class SpamAssassin(Filter):
    """Its Perl library, without spamd: that would bring a system logger along. A path in, a line of points out."""
    LOOP = """
use Mail::SpamAssassin; $| = 1;
my $filter = Mail::SpamAssassin->new({local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => '/dev/null', userstate_dir => $ARGV[0]});
while (my $path = <STDIN>) {
    chomp $path; open(my $file, '<', $path) or die; local $/; my $text = <$file>; $/ = "\\n";
    my $status = $filter->check($filter->parse($text));
    printf("%s %s\\n", $status->get_score(), $status->get_names_of_tests_hit_with_scores());
    $status->finish();
}
"""

    def __init__(self, name):
        self.lock = threading.Lock()
        super().__init__(name)

    def start(self):
        return subprocess.Popen(["perl", "-T", "-e", self.LOOP, self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, cwd="/tmp")

    def judge(self, mail):
        path = os.path.join(self.folder, "mail")
        with self.lock:
            with open(path, "wb") as f:
                f.write(mail)
            self.process.stdin.write(path.encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline().decode()
        if not line:
            raise OSError("SpamAssassin has ended")
        score, _, rules = line.strip().partition(" ")
        rules = {rule: float(points) for rule, _, points in (r.partition("=") for r in rules.split(",") if "=" in r)}
        # One random token in some thousands looks like an address of Bitcoin to it: 26 to 35 letters and digits in a row, the first 1 or 3.
        return float(score) - rules.pop("PDS_BTC_ID", 0), rules


class Rspamd(Filter):
    def start(self):
        self.port = free_port()
        conf, local = os.path.join(self.folder, "conf"), os.path.join(self.folder, "conf", "local.d")
        shutil.copytree("/etc/rspamd", conf)
        os.makedirs(local, exist_ok=True)
        # The resolver is nobody: every question to it fails at once.
        files = {name + ".conf": "enabled = false;\n" for name in OFF}
        files.update({
            "options.inc": 'filters = "chartable,dkim,regexp";\ndns { nameserver = ["127.0.0.1:1:1"]; timeout = 0.05s; retransmits = 1; }\ndisable_monitoring = true;\ndisable_hyperscan = true;\npidfile = "%s/pid";\n' % self.folder,
            "logging.inc": 'type = "file";\nfilename = "%s/rspamd.log";\n' % self.folder,
            "worker-normal.inc": 'bind_socket = "127.0.0.1:%d";\ncount = 1;\n' % self.port,
            "worker-controller.inc": 'bind_socket = "127.0.0.1:%d";\nsecure_ip = "127.0.0.1";\n' % free_port(),
            "worker-proxy.inc": "enabled = false;\n",
            "worker-fuzzy.inc": "enabled = false;\n",
        })
        for name, text in files.items():
            with open(os.path.join(local, name), "w") as f:
                f.write(text)
        for name in ("db", "run", "log"):
            os.mkdir(os.path.join(self.folder, name))
        user = []
        if os.getuid() == 0:
            user = ["-u", "_rspamd", "-g", "_rspamd"]
            subprocess.run(["chown", "-R", "_rspamd:_rspamd", self.folder], check=True)
        names = {"CONFDIR": "conf", "LOCAL_CONFDIR": "conf", "DBDIR": "db", "RUNDIR": "run", "LOGDIR": "log"}
        settings = ["--var=%s=%s/%s" % (k, self.folder, v) for k, v in names.items()]
        return subprocess.Popen(["/usr/bin/rspamd", "-c", conf + "/rspamd.conf", *settings, "-f", *user], stdout=self.log, stderr=self.log, cwd="/tmp")

    def judge(self, mail):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/checkv2", body=mail)
            answer = connection.getresponse()
            result = json.loads(answer.read())
        finally:
            connection.close()
        rules = {name: s["score"] for name, s in result.get("symbols", {}).items() if s.get("score")}
        if "score" not in result:
            raise ValueError(str(result)[:200])
        # Danish letters beside ASCII ones are a mixed charset to it: no message of ours can help that.
        return result["score"] - rules.pop("R_MIXED_CHARSET", 0), rules
