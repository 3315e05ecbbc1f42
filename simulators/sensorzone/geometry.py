"""Places on a site: metres on the ground, degrees on the map, and how long two movers are close.

A place is (x, y): metres east and north of a site's south-western corner.
"""

from collections.abc import Iterator
from math import cos, hypot, radians, sqrt

type Place = tuple[float, float]
type Position = tuple[float, float]

_METRES_A_DEGREE = 111_320.0
_CLOSE_GAP = 3.0


def position(corner: Position, place: Place) -> Position:
    """Return (latitude, longitude) of a place on the site with that corner, to about 10 cm."""
    latitude, longitude = corner
    east = _METRES_A_DEGREE * cos(radians(latitude))
    return (
        round(latitude + place[1] / _METRES_A_DEGREE, 6),
        round(longitude + place[0] / east, 6),
    )


def distance(one: Place, other: Place) -> float:
    """Return the metres between two places."""
    return hypot(other[0] - one[0], other[1] - one[1])


def towards(start: Place, goal: Place, metres: float) -> Place:
    """Return where somebody is who went so far from `start` straight towards `goal`."""
    whole = distance(start, goal)
    if whole <= metres:
        return goal
    return between(start, goal, metres / whole)


def between(start: Place, end: Place, share: float) -> Place:
    """Return the place at a share of the way from `start` to `end`."""
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def close(one: tuple[Place, Place], other: tuple[Place, Place], reach: float) -> Place | None:
    """Return from which to which share of a step two movers are within `reach`, if they are.

    Both go straight and evenly from their first place to their second in the same time.
    """
    x, y = other[0][0] - one[0][0], other[0][1] - one[0][1]
    u = other[1][0] - one[1][0] - x
    v = other[1][1] - one[1][1] - y
    a, b, c = u * u + v * v, x * u + y * v, x * x + y * y - reach * reach
    if a == 0:
        return (0.0, 1.0) if c <= 0 else None
    inside = b * b - a * c
    if inside <= 0:
        return None
    root = sqrt(inside)
    first, last = max(0.0, (-b - root) / a), min(1.0, (-b + root) / a)
    return (first, last) if first < last else None


def joined(stays: Iterator[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield times, oldest first, with those in one that (nearly) touch."""
    start = end = None
    for begin, finish in stays:
        if start is None or end is None:
            start, end = begin, finish
        elif begin - end <= _CLOSE_GAP:
            end = finish
        else:
            yield start, end
            start, end = begin, finish
    if start is not None and end is not None:
        yield start, end


def ring(corner: Position, length: float, width: float) -> list[list[float]]:
    """Return the closed GeoJSON ring ([longitude, latitude]) around a site of that size."""
    corners = (
        (0, 0),
        (length, 0),
        (length, width * 0.7),
        (length * 0.8, width),
        (0, width),
        (0, 0),
    )
    margin = 10
    places = ((x + (margin if x else -margin), y + (margin if y else -margin)) for x, y in corners)
    return [[lon, lat] for lat, lon in (position(corner, place) for place in places)]


def bow_tie(outline: list[list[float]]) -> list[list[float]]:
    """Return the ring with two corners swapped, so that its sides cross."""
    return [outline[0], outline[2], outline[1], *outline[3:]]
