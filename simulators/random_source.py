"""Draw pseudo-random numbers without state: the same arguments give the same number."""

_MASK = (1 << 64) - 1
_UNIT = 1.0 / (1 << 64)


def mix(seed: int, place: int, salt: int = 0) -> int:
    """Return 64 well-mixed bits for a seed, a place in its sequence and a purpose (splitmix64)."""
    x = (seed * 0x9E3779B97F4A7C15 + place * 0xD1B54A32D192ED03 + salt * 0x8CB92BA72F3D8DD7) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def fraction(seed: int, place: int, salt: int = 0) -> float:
    """Return a number in [0, 1)."""
    return mix(seed, place, salt) * _UNIT


def between(lower: float, upper: float, seed: int, place: int, salt: int = 0) -> float:
    """Return a number in [least, most)."""
    return lower + (upper - lower) * fraction(seed, place, salt)
