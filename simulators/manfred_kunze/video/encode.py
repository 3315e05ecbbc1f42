"""Draw and encode the video: ``python -m simulators.manfred_kunze.video.encode``.

Needs PyAV; its wheels bring the encoder. Its files are checked in, so that the simulator needs no encoder.
"""

from fractions import Fraction
from math import cos, pi, sin
from pathlib import Path
import sys

import av
from PIL import Image, ImageDraw

_HERE = Path(__file__).parent
_SIZE = (160, 120)
_RATE = 5
_FRAMES = 10
_SEGMENTS = 5
_OPTIONS = {"preset": "veryslow", "crf": "34", "profile": "baseline", "x264-params": "scenecut=0"}


def main() -> int:
    """Write the segments and the clip; return the exit code."""
    for number in range(_SEGMENTS):
        frames = range(number * _FRAMES, (number + 1) * _FRAMES)
        _encode(frames, _HERE / f"{number}.ts", {})
    _encode(range(_FRAMES * 2), _HERE / "clip.mp4", {"movflags": "faststart"})
    return 0


def _picture(turn: float) -> Image.Image:
    """Return the picture at a share of the loop: a hand that goes round, and a bar that runs."""
    picture = Image.new("RGB", _SIZE, (24, 44, 60))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 104, round(159 * turn), 119), fill=(230, 180, 60))
    draw.ellipse((40, 10, 120, 90), outline=(220, 230, 235), width=3)
    x, y = 80 + 34 * sin(2 * pi * turn), 50 - 34 * cos(2 * pi * turn)
    draw.line((80, 50, x, y), fill=(250, 90, 70), width=4)
    return picture


def _encode(numbers: range, path: Path, options: dict[str, str]) -> None:
    """Write these frames of the loop into a file, the first of them a key frame."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=_RATE, options=_OPTIONS)
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        stream.gop_size = _FRAMES
        stream.max_b_frames = 0
        for number in numbers:
            frame = av.VideoFrame.from_image(  # type: ignore[no-untyped-call]  # PyAV leaves it bare
                _picture(number / (_FRAMES * _SEGMENTS))
            )
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    sys.exit(main())
