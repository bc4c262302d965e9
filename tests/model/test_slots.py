"""slot() against a count of its own: every slot of a round of 700, the oracle of the requirements, holidays, daylight saving, and rounds drawn at random."""
import json, os, random, subprocess, sys, tempfile
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from grid import workday

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, "build", "stafet")
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
ORACLE = {1: "2024-04-02T12:00", 2: "2024-04-02T12:10", 3: "2024-04-02T12:20", 55: "2024-04-02T21:00", 56: "2024-04-03T09:00", 128: "2024-04-03T21:00",
          129: "2024-04-04T09:00", 201: "2024-04-04T21:00", 202: "2024-04-05T09:00", 274: "2024-04-05T21:00", 275: "2024-04-08T09:00", 347: "2024-04-08T21:00",
          700: "2024-04-15T19:00"}
ORACLE_FROM_NOON = {55: "2024-04-02T21:00", 56: "2024-04-03T12:00", 110: "2024-04-03T21:00", 111: "2024-04-04T12:00", 220: "2024-04-05T21:00",
                    221: "2024-04-08T12:00", 700: "2024-04-18T18:30"}


def count_slots(first, step, start, until, most):
    """One after the other, as a person with a calendar would."""
    slots, at = [], first
    while len(slots) < most:
        slots.append(at)
        at += step
        if at.date() != slots[-1].date() or at.time() > until:
            day = slots[-1].date() + timedelta(1)
            while not workday(day):
                day += timedelta(1)
            at = datetime.combine(day, start)
    return slots


def ask(form, numbers):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as data:
        json.dump({"numbers": list(numbers)}, data)
        data.flush()
        return json.loads(subprocess.run([BINARY, "eval", "numbers.map(n, %s)" % form, "--data", data.name], check=True, capture_output=True, text=True).stdout)


def compare(first, minutes, start, until, most=700):
    form = "slot(n, datetime('%s'), %dmin, '%s', '%s')" % (first.isoformat(timespec="minutes"), minutes, start.strftime("%H:%M"), until.strftime("%H:%M"))
    counted = count_slots(first, timedelta(minutes=minutes), start, until, most)
    told = ask(form, range(1, most + 1))
    wrong = [(n + 1, t, c) for n, (t, c) in enumerate(zip(told, counted)) if t != c.isoformat(timespec="minutes")]
    assert len(told) == most and not wrong, (form, wrong[:3])
    return form, counted


def test_oracle():
    for start, oracle in ((time(9), ORACLE), (time(12), ORACLE_FROM_NOON)):
        form, counted = compare(datetime(2024, 4, 2, 12), 10, start, time(21))
        for n, opens in oracle.items():
            assert counted[n - 1].isoformat(timespec="minutes") == opens, n
            assert ask(form, [n]) == [opens], n


def test_holidays():
    _, slots = compare(datetime(2024, 5, 7, 12), 10, time(9), time(21))  # Ascension Day, Whit Monday
    days = {slot.date() for slot in slots}
    assert date(2024, 5, 9) not in days and date(2024, 5, 20) not in days and {date(2024, 5, 8), date(2024, 5, 10), date(2024, 5, 21)} <= days
    assert date(2023, 5, 5) not in {slot.date() for slot in compare(datetime(2023, 5, 3, 12), 10, time(9), time(21))[1]}  # store bededag, the last one
    assert date(2024, 4, 26) in {slot.date() for slot in compare(datetime(2024, 4, 24, 12), 10, time(9), time(21))[1]}  # where it would have been
    assert date(2024, 12, 25) not in {slot.date() for slot in compare(datetime(2024, 12, 20, 12), 10, time(9), time(21))[1]}


def test_daylight_saving():
    assert ask("instant(slot(n, datetime('2024-04-02T12:00'), 10min, '09:00', '21:00'))", [1]) == ["2024-04-02T10:00:00.000Z"]
    for first in (datetime(2026, 3, 26, 12), datetime(2025, 10, 23, 12)):  # over the last Sunday of March, of October
        form, counted = compare(first, 10, time(9), time(21))
        utc = [slot.replace(tzinfo=COPENHAGEN).astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:00.000Z") for slot in counted]
        assert ask("instant(%s)" % form, range(1, 701)) == utc


def test_rounds_at_random():
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    print("SEED=%d" % seed)
    draw = random.Random(seed)
    for _ in range(60):
        start = draw.randrange(0, 20 * 60)
        until = draw.randrange(start, 24 * 60)
        clock = lambda minute: time(minute // 60, minute % 60)
        first = datetime.combine(date(2020, 1, 1) + timedelta(draw.randrange(5000)), clock(draw.randrange(0, until + 1)))
        compare(first, draw.choice((1, 5, 7, 10, 20, 45, 60, 600)), clock(start), clock(until), 400)


def main():
    for test in (test_oracle, test_holidays, test_daylight_saving, test_rounds_at_random):
        test()
        print("ok", test.__name__)


if __name__ == "__main__":
    sys.exit(main())
