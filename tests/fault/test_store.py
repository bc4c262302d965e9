#!/usr/bin/python3
"""Every call to the disk that holds the store fails once, or several in a row, or the process is killed in it; then it ends well, by kill -9, or with a power cut."""
import os, sys
from errno import EIO, EMFILE, ENOMEM, ENOSPC

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from story import HALF, KILL, LOSS
from loop import Fault, loop
from stafet import main


def faults(stage):
    return [
        Fault("write", ".db-wal", 480, EIO), Fault("write", ".db-wal", 480, ENOSPC, 12, "power"), Fault("write", ".db-wal", 480, HALF, 1, "power"),
        Fault("write", ".db-wal", 480, KILL),
        Fault("sync", ".db-wal", 28, EIO, 1, "power"), Fault("sync", ".db-wal", 28, EIO, 5), Fault("sync", ".db-wal", 28, KILL, 1, "power"), Fault("sync", ".db-wal", 28, LOSS),
        Fault("read", ".db", 200, EIO), Fault("read", ".db-wal", 200, EIO, 1, "kill"), Fault("read", "", 450, EIO, 12),
        Fault("map", ".db-shm", 3, ENOMEM), Fault("open", ".db-wal", 1, EMFILE, 3),
        Fault("write", ".db", 1500, EIO, 1, "term", "checkpoint"), Fault("write", ".db", 1500, KILL, 1, "power", "checkpoint"),
        Fault("sync", ".db", 2, EIO, 1, "term", "checkpoint"), Fault("sync", ".db", 2, EIO, 1, "power", "checkpoint"), Fault("sync", ".db", 2, LOSS, 1, "term", "checkpoint"),
    ]


def test_every_call_to_the_disk():
    loop(faults)


main([test_every_call_to_the_disk])
