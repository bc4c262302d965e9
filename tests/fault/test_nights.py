#!/usr/bin/python3
"""The two nights in which Danish clocks are changed, on the real program: timers by the wall clock before, in and after them, with a restart inside the night, and with the server's clock set from
one side of the change to the other and back. What is expected is computed by Python's zoneinfo; of public holidays by the table below."""
import datetime, json, os, shutil, signal, sys, time, zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from story import SHIM, Order
from mailing import Office, write
from stafet import Server, free_port, main, run

ZONE = zoneinfo.ZoneInfo("Europe/Copenhagen")
HOLIDAYS = [datetime.date(2027, 3, 25), datetime.date(2027, 3, 26), datetime.date(2027, 3, 28), datetime.date(2027, 3, 29)]  # Easter is in the night of spring
DAY = datetime.timedelta(days=1)
TOGETHER = datetime.timedelta(seconds=3)
LATE = 20  # seconds that the machine may be busy with others
WORKFLOW = """\
workflow: night
start: {by: office, form: order}
initial: open
roles: {office: {contact: office}}
data:
  office: {type: email}
  moment: {type: datetime}
  day: {type: date}
  count: {type: int, default: 0}
forms:
  order: {fields: [office, moment, day]}
states:
  open:
    after:
      - {every: 1d, times: 4, name: daily, actions: [{set: {count: count + 1}}]}
      - {every: 1d, time: "02:30", times: 4, name: nightly, actions: [{set: {count: count + 1}}]}
      - {every: 12h, times: 7, name: halves, actions: [{set: {count: count + 1}}]}
      - {every: 1 workday, time: "02:30", times: 3, name: workdays, actions: [{set: {count: count + 1}}]}
      - {in: 24h, name: elapsed, actions: [{set: {count: count + 1}}]}
      - {in: 23h, time: "02:30", name: after-hours, actions: [{set: {count: count + 1}}]}
      - {in: 2 workdays, name: deadline, actions: [{set: {count: count + 1}}]}
      - {at: moment, name: moment, actions: [{set: {count: count + 1}}]}
      - {at: "moment + 1d", name: day-after, actions: [{set: {count: count + 1}}]}
      - {at: "moment + 1h", name: hour-after, actions: [{set: {count: count + 1}}]}
      - {at: day, name: midnight, actions: [{set: {count: count + 1}}]}
      - {at: day, time: "02:30", name: at-time, actions: [{set: {count: count + 1}}]}
      - {at: "at(day, '03:00')", name: three, actions: [{set: {count: count + 1}}]}
      - {in: 40d, name: end, priority: 90, target: over}
  over: {final: true}
"""
NAMES = ["daily", "nightly", "halves", "workdays", "elapsed", "after-hours", "deadline", "moment", "day-after", "hour-after", "midnight", "at-time", "three", "end"]
TEXTS = """\
title: Nat
intro: Nat
roles: {office: Kontor}
fields: {office: {label: Kontor}, moment: {label: Tid}, day: {label: Dag}}
forms:
  order: {title: Nat, submit: Send, receipt: {title: Sendt, text: Tak}}
states: {open: Aaben, over: Slut}
events: {%s}
""" % ", ".join("%s: %s" % (name, name) for name in NAMES)


def instant(local):
    """Of a time on Danish clocks: in the gap of spring the next valid time, in the repeated hour of autumn the first."""
    while True:
        at = local.replace(tzinfo=ZONE, fold=0).astimezone(datetime.timezone.utc)
        if at.astimezone(ZONE).replace(tzinfo=None) == local:
            return at
        local = (local + datetime.timedelta(minutes=1)).replace(second=0, microsecond=0)


def local_of(at):
    return at.astimezone(ZONE).replace(tzinfo=None)


def elapsed(at, hours):
    return at + datetime.timedelta(hours=hours)


def workdays_after(day, count):
    while count:
        day += DAY
        count -= day.weekday() < 5 and day not in HOLIDAYS
    return day


def expected(entered, moment, day):
    """What happens when: (instant, event), of an instance whose only state was entered then."""
    at, half_past_two = local_of(entered), datetime.time(2, 30)
    said = [("daily", instant(at + n * DAY)) for n in range(1, 5)]
    said += [("nightly", instant(datetime.datetime.combine(at.date() + n * DAY, half_past_two))) for n in range(1, 5)]
    said += [("halves", elapsed(entered, 12 * n)) for n in range(1, 8)]
    said += [("workdays", instant(datetime.datetime.combine(workdays_after(at.date(), n), half_past_two))) for n in range(1, 4)]
    said += [("elapsed", elapsed(entered, 24)), ("deadline", instant(datetime.datetime.combine(workdays_after(at.date(), 2), at.time())))]
    nights = [instant(datetime.datetime.combine(at.date() + n * DAY, half_past_two)) for n in range(3)]
    said += [("after-hours", min(night for night in nights if night >= elapsed(entered, 23)))]
    said += [("moment", instant(moment)), ("day-after", instant(local_of(instant(moment)) + DAY)), ("hour-after", instant(local_of(elapsed(instant(moment), 1))))]
    said += [("midnight", instant(datetime.datetime.combine(day, datetime.time()))), ("at-time", instant(datetime.datetime.combine(day, half_past_two))),
             ("three", instant(datetime.datetime.combine(day, datetime.time(3))))]
    return sorted((when, event) for event, when in said)


def apart(instants):
    """The first of those that lie together: what was entered at 02:30 and some milliseconds, and 02:30."""
    last = None
    for at in sorted(instants):
        if not last or at - last > TOGETHER:
            last = at
            yield at


class Night(Office):
    """A site whose clock the test moves; nothing is mailed."""

    def __init__(self):
        super().__init__(free_port())
        package = os.path.join(self.folder, "mailing")
        shutil.rmtree(package)
        write(os.path.join(package, "workflow.yaml"), WORKFLOW)
        for language in ("da", "en"):
            write(os.path.join(package, "texts", language + ".yaml"), TEXTS)
        self.order_file = Order(self.folder)

    def set_clock(self, at):
        self.order_file.set_clock(int(at.timestamp() - time.time()))

    def start(self):
        self.server = Server("serve", self.site, env=dict(os.environ, LD_PRELOAD=SHIM, STAFET_FAULT=self.order_file.path))

    def again(self, sig=signal.SIGTERM):
        self.stop(sig)
        self.start()

    def ask(self, moment, day):
        """Whatever is written first, what was due before comes before it; so another instance wakes the writer."""
        path = os.path.join(self.folder, "night.json")
        write(path, json.dumps({"office": "office@example.dk", "moment": moment.isoformat(), "day": day.isoformat()}))
        run("start", "night", "--data", path, site=self.site)

    def happened(self, number=1):
        """What happened to that instance, in its order."""
        rows = self.query("SELECT at, event FROM history WHERE instance_id = ? AND kind = 'timer' ORDER BY seq", number)
        return [(datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc), event) for at, event in rows]

    def entered(self):
        ms = self.query("SELECT entered_at FROM instances WHERE id = 1")[0][0]
        return datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc) + datetime.timedelta(milliseconds=ms % 1000)

    def wait_for(self, count):
        end = time.time() + LATE
        while len(self.happened()) < count and time.time() < end:
            time.sleep(0.02)
        return self.happened()


def check(site, wanted, count):
    """The first so many have happened, each at its instant, none early; and no more."""
    found = site.wait_for(count)
    assert sorted(event for _, event in found) == sorted(event for _, event in wanted[:count]), (found, wanted[:count])
    left = list(found)
    for when, event in wanted[:count]:
        at = next(at for at, name in left if name == event)
        left.remove((at, event))
        assert when <= at, (event, "is early", local_of(when), local_of(at))
        assert at <= when + datetime.timedelta(seconds=LATE), (event, "is late", local_of(when), local_of(at))


def check_due(site, wanted):
    """The instants in the store, to the millisecond: the first of each timer that is set."""
    due = {name: datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc) + datetime.timedelta(milliseconds=ms % 1000)
           for name, ms in site.query("SELECT name, due_at FROM timers WHERE instance_id = 1 AND name <> 'end'")}
    first = {}
    for when, event in wanted:
        first.setdefault(event, when)
    assert due == first, {name: (str(local_of(due[name])) if name in due else None, str(local_of(first[name])) if name in first else None)
                          for name in due.keys() | first.keys() if due.get(name) != first.get(name)}


def night_of(day, restart_at, leaps):
    """From half past two of the day before, past the night, to the end. restart_at: instants at which the server is stopped and started, the second time killed.
    leaps: (at, to): the clock is set from the one to the other, and back."""
    moment = datetime.datetime.combine(day, datetime.time(2, 30))
    with Night() as site:
        site.set_clock(instant(moment - DAY))
        site.start()
        site.ask(moment, day)
        wanted = expected(site.entered(), moment, day)
        check_due(site, wanted)
        stops = sorted({(when, "due") for when in apart(when for when, _ in wanted)} | {(at, "restart") for at in restart_at} | {(at, "leap") for at, _ in leaps})
        for at, what in stops:
            count = sum(when <= at + TOGETHER for when, _ in wanted)
            if what == "due":
                # Not before: a second earlier it is still waiting, whoever looks.
                site.set_clock(at - datetime.timedelta(seconds=1))
                site.ask(moment, day)
                check(site, wanted, count)
            else:
                site.set_clock(at)
                if what == "restart":
                    site.again(signal.SIGKILL if at == restart_at[-1] else signal.SIGTERM)
                else:
                    for other in (dict(leaps)[at], at):
                        site.set_clock(other)
                        site.ask(moment, day)
                check(site, wanted, count)
            check_due(site, wanted[count:])
        check(site, wanted, len(wanted))
        assert site.query("SELECT json_extract(data, '$.count') FROM instances WHERE id = 1") == [(len(wanted),)]
        site.set_clock(stops[-1][0] + 40 * DAY)
        site.ask(moment, day)
        assert site.wait_for(len(wanted) + 1)[-1][1] == "end"
        site.stop()
        assert ", 0 faults" in run("verify", site=site.site).stdout


def utc(*words):
    return datetime.datetime(*words, tzinfo=datetime.timezone.utc)


def test_the_night_of_spring():
    """28 March 2027: from 02:00 the clocks go on to 03:00, so there is no 02:30; what is due then is due at 03:00. Two hours that the clock of the machine leaps back bring nothing twice."""
    assert local_of(instant(datetime.datetime(2027, 3, 28, 2, 30))) == datetime.datetime(2027, 3, 28, 3, 0)
    night_of(datetime.date(2027, 3, 28), [utc(2027, 3, 28, 0, 45), utc(2027, 3, 28, 1, 20)], [(utc(2027, 3, 28, 1, 10), utc(2027, 3, 28, 0, 10))])


def test_the_night_of_autumn():
    """25 October 2026: 02:00 to 03:00 come twice; 02:30 is the first of them. The server is restarted before and within the second, and its clock is set back from the second to the first."""
    assert instant(datetime.datetime(2026, 10, 25, 2, 30)) == utc(2026, 10, 25, 0, 30)
    night_of(datetime.date(2026, 10, 25), [utc(2026, 10, 25, 0, 15), utc(2026, 10, 25, 1, 15)], [(utc(2026, 10, 25, 1, 40), utc(2026, 10, 25, 0, 20))])


main([test_the_night_of_spring, test_the_night_of_autumn])
