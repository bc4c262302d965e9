#!/usr/bin/python3
"""Every call to the relay, the gateway, the mailbox and the browser fails, ends early, comes in halves, or the process is killed in it."""
import os, sys
from errno import ECONNREFUSED, ECONNRESET, EMFILE, ENETUNREACH, EPIPE

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from story import END, HALF, KILL
from loop import Fault, loop
from stafet import main


def faults(stage):
    relay, gateway, mailbox, browser = ":%d" % stage.smtp.port, ":%d" % stage.sms.port, ":%d" % stage.imap_port, "@%d" % stage.port
    return [
        Fault("connect", relay, 2, ECONNREFUSED), Fault("send", relay, 24, EPIPE), Fault("send", relay, 24, ECONNRESET, 3, "kill"), Fault("send", relay, 24, KILL),
        Fault("recv", relay, 48, ECONNRESET), Fault("recv", relay, 48, END), Fault("recv", relay, 48, HALF, 40), Fault("recv", relay, 48, KILL),
        Fault("connect", gateway, 1, ENETUNREACH, 2), Fault("send", gateway, 1, ECONNRESET), Fault("send", gateway, 1, KILL),
        Fault("recv", gateway, 1, END), Fault("recv", gateway, 1, ECONNRESET), Fault("recv", gateway, 1, KILL),
        Fault("connect", mailbox, 1, ECONNREFUSED, 2, "term", "opening"), Fault("send", mailbox, 8, EPIPE), Fault("recv", mailbox, 18, ECONNRESET), Fault("recv", mailbox, 18, END),
        Fault("recv", mailbox, 18, HALF, 40), Fault("recv", mailbox, 18, KILL),
        Fault("recv", browser, 40, ECONNRESET), Fault("send", browser, 20, EPIPE), Fault("send", browser, 20, KILL), Fault("socket", "", 4, EMFILE, 2),
    ]


def test_every_call_to_the_network():
    loop(faults)


main([test_every_call_to_the_network])
