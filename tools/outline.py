#!/usr/bin/python3
"""Writes the outline of a country as the map of a catalogue reads it, a polygon a line, from a file of world-atlas (Natural Earth as TopoJSON).

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    tools/outline.py package/countries-10m.json Denmark 7.5 54.4 15.5 58 > outline.txt

The four numbers are west, south, east, north: what lies outside is left out. Points that lie within 800 m of the line through their neighbours are left out, too (Douglas and Peucker), and islands of
less than 15 square kilometres."""
import json, math, sys

KM = 111.2  # of a degree of latitude
TOLERANCE, SMALLEST = 0.8, 15.0


def ring_of(topology, arcs):
    points = []
    scale, move = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in arcs:
        x = y = 0
        line = []
        for dx, dy in topology["arcs"][arc if arc >= 0 else ~arc]:
            x, y = x + dx, y + dy
            line.append((x * scale[0] + move[0], y * scale[1] + move[1]))
        line = line if arc >= 0 else line[::-1]
        points += line[1:] if points else line
    return points


def flat(point, lat):
    return point[0] * KM * math.cos(math.radians(lat)), point[1] * KM


def area(ring):
    p = [flat(q, ring[0][1]) for q in ring]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(p, p[1:]))) / 2


def distance(p, a, b):
    p, a, b = (flat(q, p[1]) for q in (p, a, b))
    length = math.hypot(b[0] - a[0], b[1] - a[1])
    if length == 0:
        return math.hypot(p[0] - a[0], p[1] - a[1])
    return abs((b[0] - a[0]) * (a[1] - p[1]) - (a[0] - p[0]) * (b[1] - a[1])) / length


def simplify(line):
    if len(line) < 3:
        return line
    far = max(range(1, len(line) - 1), key=lambda i: distance(line[i], line[0], line[-1]))
    if distance(line[far], line[0], line[-1]) < TOLERANCE:
        return [line[0], line[-1]]
    return simplify(line[:far + 1])[:-1] + simplify(line[far:])


def main(path, country, west, south, east, north):
    topology = json.load(open(path))
    (found,) = [g for g in topology["objects"]["countries"]["geometries"] if g["properties"]["name"] == country]
    polygons = found["arcs"] if found["type"] == "MultiPolygon" else [found["arcs"]]
    print("# %s. Made with Natural Earth (public domain, naturalearthdata.com), by tools/outline.py from world-atlas 2.0.2 (ISC), %s." % (country, path.split("/")[-1]))
    print("# A polygon a line: lon lat, lon lat, ... in degrees.")
    rings = [ring_of(topology, polygon[0]) for polygon in polygons]
    for ring in sorted(rings, key=area, reverse=True):
        inside = all(west <= x <= east and south <= y <= north for x, y in ring)
        if not inside or area(ring) < SMALLEST:
            continue
        half = len(ring) // 2
        line = simplify(ring[:half + 1])[:-1] + simplify(ring[half:])
        print(", ".join("%.3f %.3f" % point for point in line[:-1]))


main(sys.argv[1], sys.argv[2], *(float(v) for v in sys.argv[3:7]))
