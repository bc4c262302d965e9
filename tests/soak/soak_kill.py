#!/usr/bin/python3
"""The kill test for half an hour: soak_kill.py [SECONDS]. Longer lives between the kills, so that the store grows and checkpoints happen under load."""
import os, random, shutil, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from load import Load, Mailbox, check_store, drain, kill_rounds, leave_site, press_again
from stafet import Peer, Server, main, run

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1800.0
PART = 300.0  # between two looks at the whole store
SEED = os.environ.get("SEED", str(random.randrange(1 << 30)))


def soak_kill():
    print("SEED=%s, %d s" % (SEED, SECONDS))
    random.seed(SEED)
    peer = Peer("smtp_peer.py")
    mailbox = Mailbox(peer.folder)
    site, port = leave_site(peer)
    load = Load("127.0.0.1:%d" % port, mailbox, think=0.05)
    end, kills = time.time() + SECONDS, 0
    try:
        while time.time() < end:
            kills += kill_rounds(site, load, min(PART, end - time.time()), 20.0, begun=kills > 0)
            assert "0 faults" in run("verify", site=site).stdout
            print("%d s: %d kills, %d confirmed answers, %d mails" % (SECONDS - (end - time.time()), kills, len(load.confirmed), len(mailbox.rows)), flush=True)
        server = Server("serve", site)
        load.up.set()
        load.end()
        again = press_again(server, load, 1000)
        assert server.stop() == 0
        drain(site, 120)
        print("%d kills, %d pressed again; %s" % (kills, again, check_store(site, load, mailbox)))
    finally:
        peer.stop()
        shutil.rmtree(os.path.dirname(site), ignore_errors=True)


main([soak_kill])
