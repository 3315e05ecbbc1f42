"""Boundaries of worksites as GeoJSON polygons."""

from itertools import pairwise

from ...client.decode import Row, to_number

type Corner = tuple[float, float]

# A closed triangle has four corners; the maximum bounds the comparison of every side with every other.
_MIN_CORNERS, _MAX_CORNERS = 4, 500


def is_simple(boundary: Row | None) -> bool | None:
    """Return whether no two sides of a polygon cross; None if it is not a polygon."""
    if boundary is None or str(boundary.get("type")).lower() != "polygon":
        return None
    rings = boundary.get("coordinates")
    outer = rings[0] if isinstance(rings, list) and rings else None
    corners = [_corner(item) for item in outer] if isinstance(outer, list) else []
    ring = [corner for corner in corners if corner is not None]
    if len(ring) != len(corners) or not _MIN_CORNERS <= len(ring) <= _MAX_CORNERS:
        return None
    sides = list(pairwise(ring))
    last = len(sides) - 1
    return not any(
        _cross(*sides[first], *sides[second])
        for first in range(len(sides))
        for second in range(first + 2, len(sides))
        if not (first == 0 and second == last)
    )


def _corner(item: object) -> Corner | None:
    if not isinstance(item, list) or len(item) < 2:
        return None
    longitude, latitude = to_number(item[0]), to_number(item[1])
    return None if longitude is None or latitude is None else (longitude, latitude)


def _cross(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Corner, b: Corner, c: Corner) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
