"""kill -9 at random instants under sixteen clients: whatever was confirmed is there, once, and every mail arrives.

KILL_SECONDS (24) bounds the rounds, SEED repeats a run's random choices as far as the scheduler allows."""
import os, random, shutil, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from load import Load, Mailbox, check_store, drain, kill_rounds, leave_site, press_again
from stafet import Peer, Server, main

SECONDS = float(os.environ.get("KILL_SECONDS", "24"))
SEED = os.environ.get("SEED", str(random.randrange(1 << 30)))


def test_kill():
    print("SEED=%s" % SEED)
    random.seed(SEED)
    peer = Peer("smtp_peer.py")
    mailbox = Mailbox(peer.folder)
    site, port = leave_site(peer)
    try:
        load = Load("127.0.0.1:%d" % port, mailbox)
        kills = kill_rounds(site, load, SECONDS, 3.0, 14)
        server = Server("serve", site)
        load.up.set()
        load.end()
        again = press_again(server, load)
        assert server.stop() == 0
        os.unlink(server.log.name)
        drain(site)
        print("%d kills, %d pressed again; %s" % (kills, again, check_store(site, load, mailbox)))
        assert len(load.confirmed) > 50, "too little happened to prove anything"
    finally:
        peer.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(os.path.dirname(site), ignore_errors=True)
        else:
            print("kept", site)


main([test_kill])
