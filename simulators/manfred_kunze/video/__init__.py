"""Provide a short video in H.264: endless segments in MPEG-TS, and a clip in MP4.

`encode.py` draws and encodes it, and writes the files beside it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from .mpegts import counted, restamped

SECONDS = 2
CLOCK = 90_000

_HERE = Path(__file__).parent
_SEGMENTS = tuple(path.read_bytes() for path in sorted(_HERE.glob("*.ts")))
_CLIP = (_HERE / "clip.mp4").read_bytes()
_PACKETS = tuple(counted(segment) for segment in _SEGMENTS)


def segment(number: int) -> bytes:
    """Return the n-th segment of an endless video, from 0 on, with continuous times and counters."""
    rounds, place = divmod(number, len(_SEGMENTS))
    before = dict(_sum(_PACKETS[:place] + _PACKETS * rounds))
    return restamped(_SEGMENTS[place], rounds * len(_SEGMENTS) * SECONDS * CLOCK, before)


def clip(mark: bytes) -> bytes:
    """Return a clip of a few seconds, made distinct by `mark`."""
    return _CLIP + (len(mark) + 8).to_bytes(4) + b"free" + mark


def _sum(counts: tuple[Mapping[int, int], ...]) -> Iterator[tuple[int, int]]:
    for stream in {one for count in counts for one in count}:
        yield stream, sum(count.get(stream, 0) for count in counts)
