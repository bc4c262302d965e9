"""The model of the writer and its queue: spin goes through every order of its threads and finds no fault, and finds each fault that is put in.
Each function that the model names exists."""
import concurrent.futures, os, re, subprocess, sys, tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
MODEL = os.path.join(FOLDER, "writer.pml")
REQUESTS = ()  # two connections, three requests
BACKUP = ("-DCONNECTIONS=1", "-DBACKUPS=1")  # a connection, the mailer, a backup
BACKUPS = ("-DCONNECTIONS=1", "-DBACKUPS=2")
# What spin says of each fault; "end" is somebody who waits for ever.
FAULTS = {
    "COMMIT": (REQUESTS, r"durable\[.*==1"),  # the result of COMMIT is not looked at
    "TOGETHER": (REQUESTS, r"durable\["),  # a batch that was committed is run one by one as well
    "NEXT": (REQUESTS, r"x_freed"),  # a job is touched after it was done
    "SLEEP": (BACKUP, r"end"),  # the writer looks whether there is work, and then sleeps, without the lock
    "CLOSING": (BACKUP, r"end"),  # the writer ends while jobs wait
    "BETWEEN": (BACKUPS, r"w_freed"),  # writer_close does not wait for who is in writer_between
    "HOLDER": (REQUESTS, r"x_freed|holders"),  # the writer holds no exchange
    "WAKE": (REQUESTS, r"unwoken|x_freed"),  # an answer that is too late wakes the connection again
    "SUSPEND": (REQUESTS, r"unwoken|sleeping|end"),  # the connection is put to sleep after its job was handed over
    "SUSPENDED": (REQUESTS, r"sleeping|p_freed"),  # it is counted as awake before it is
    "HOLD": (REQUESTS, r"sleeping"),  # a connection is put to sleep although the portal closes
    "PORTAL": (REQUESTS, r"sleeping|p_freed"),  # portal_close waits for no job
}


def explore(options, effort="-O0"):
    """What spin says: the fault, or None, and how many states there were."""
    with tempfile.TemporaryDirectory(prefix="stafet-model-") as folder:
        subprocess.run(["spin", "-a", *options, MODEL], cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        subprocess.run(["gcc", effort, "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], cwd=folder, check=True)
        said = subprocess.run(["./pan", "-m100000", "-w22"], cwd=folder, check=True, capture_output=True, text=True).stdout
    fault = re.search(r"pan:1: (.*)", said)
    states = int(re.search(r"(\d+) states, stored", said).group(1))
    assert "max search depth too small" not in said and ("errors: 0" in said) == (fault is None), said
    return fault and fault.group(1), states


def names():
    """Functions that the model says it stands for, and that the program does not have."""
    model = open(MODEL, encoding="utf-8").read()
    code = "".join(open(os.path.join(ROOT, path), encoding="utf-8").read() for path in (
        "engine/workflow/writer.c", "otp-portal/exchange.c", "otp-portal/patrol.c", "otp-portal/portal.c"))
    comments = " ".join(re.findall(r"/\*(.*?)\*/", model, re.S))
    wanted = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", comments)) | set(re.findall(r"inline (\w+)", model)) - {"end_transaction", "run_alone"}
    return sorted(name for name in wanted if not re.search(r"\b%s\b" % name, code))


def main():
    faults = ["the model names %s, which is nowhere" % name for name in names()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        good = {options: pool.submit(explore, options, "-O1") for options in (REQUESTS, BACKUP)}
        broken = {name: pool.submit(explore, (*options, "-DBREAK_" + name)) for name, (options, _) in FAULTS.items()}
        for options, result in good.items():
            fault, states = result.result()
            print("ok  " if fault is None else "FAIL", " ".join(options) or "requests", states, "states", fault or "")
            faults += [fault] if fault else []
        for name, result in broken.items():
            fault, states = result.result()
            found = fault is not None and re.search(FAULTS[name][1], fault.replace(" ", ""))
            print("ok  " if found else "FAIL", "BREAK_" + name, "found after", states, "states:", fault)
            faults += [] if found else ["BREAK_%s: %s" % (name, fault)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
