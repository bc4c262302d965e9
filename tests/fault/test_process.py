#!/usr/bin/python3
"""Every child that is started, every allocation of one, every thread; and the opening of the store, new or after a kill: it opens, or says why not, and loses nothing."""
import os, sys
from errno import EAGAIN, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from story import KILL, LOSS
from loop import Fault, loop
from stafet import main


def faults(stage):
    return [
        Fault("spawn", "", 2, EAGAIN), Fault("spawn", "", 2, ENOMEM, 3), Fault("spawn", "", 2, KILL), Fault("memory-file", "", 4, ENFILE), Fault("process-file", "", 2, EMFILE),
        Fault("memory", "", 45000, ENOMEM), Fault("memory", "", 45000, ENOMEM, 1 << 30),
        Fault("thread", "", 12, EAGAIN, 1, "term", "opening"), Fault("open", "", 60, EMFILE, 1, "term", "opening"), Fault("read", "", 120, EIO, 1, "term", "opening"),
        Fault("map", "", 4, ENOMEM, 1, "term", "opening"), Fault("truncate", "", 3, EIO, 1, "term", "opening"), Fault("write", "", 60, ENOSPC, 1, "power", "opening"),
        Fault("write", "", 60, KILL, 1, "power", "opening"), Fault("sync", "", 4, EIO, 1, "power", "opening"), Fault("sync", "", 4, LOSS, 1, "term", "opening"),
    ]


def test_every_child_and_the_opening():
    loop(faults)


main([test_every_child_and_the_opening])
