"""Danish workdays, the slots of a round and distances on the earth, counted for the tests alone, without anything of Stafet."""
import datetime, math

STEP = datetime.timedelta(minutes=10)
EVENING = datetime.time(21, 0)


def easter(year):
    """Sunday after the full moon, as Meeus, Jones and Butcher have it: not the rule that the program counts by."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * l) // 433
    month = (h + l - 7 * m + 90) // 25
    return datetime.date(year, month, (h + l - 7 * m + 33 * month + 19) % 32)


def workday(day):
    moving = (-3, -2, 0, 1, 39, 49, 50) + ((26,) if day.year <= 2023 else ())
    return day.weekday() < 5 and (day - easter(day.year)).days not in moving and (day.month, day.day) not in ((1, 1), (12, 25), (12, 26))


class Grid:
    """When each slot of a round opens: from `first` to 21:00, on the following workdays from `morning` to 21:00 (S57-S61, A1-A3)."""

    def __init__(self, first, morning=datetime.time(9, 0)):
        self.slots, self.morning = [first], morning

    def opens(self, number):
        """Slot 1 is the first."""
        while len(self.slots) < number:
            at = self.slots[-1] + STEP
            if at.date() != self.slots[-1].date() or at.time() > EVENING:
                day = self.slots[-1].date() + datetime.timedelta(days=1)
                while not workday(day):
                    day += datetime.timedelta(days=1)
                at = datetime.datetime.combine(day, self.morning)
            self.slots.append(at)
        return self.slots[number - 1]


def distance(a, b):
    """Kilometres between two places (north, east), great circle."""
    (la, ea), (lb, eb) = [(math.radians(north), math.radians(east)) for north, east in (a, b)]
    half = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin((eb - ea) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def near(post, other, radius, basis):
    """Whether two posts are within the radius of each other (A17, A65). A post: places, that of the first employment and that of the second."""
    pairs = [(here, there) for here in post["places"] for there in other["places"]]
    within = [distance(here, there) <= radius for here, there in (pairs[:1] if basis == "first" else pairs)]
    return any(within) if basis == "any" else all(within)
