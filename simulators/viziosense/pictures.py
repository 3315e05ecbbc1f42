"""Pictures that a camera would have taken, drawn with Pillow.

A parking lot with numbered places, or open ground with what is counted there. The time that is
written into a picture is the simulated one at which it was taken.
"""

from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

from simulators.random_source import between, fraction, mix

WIDTH, HEIGHT = 960, 540
_MARGIN, _BAR = 24, 40
_DRAWN = 60
_PAINT = (
    (178, 44, 44),
    (52, 86, 150),
    (214, 214, 208),
    (40, 44, 48),
    (196, 160, 60),
    (70, 120, 84),
)
_ASPHALT, _LINES, _GROUND = (84, 88, 92), (226, 226, 220), (150, 146, 136)
_BOXES = {"car": (80, 220, 90), "truck": (255, 170, 40), "person": (90, 190, 255)}
_LINE = (255, 230, 60)
_OTHER_BOX = (255, 90, 200)

type Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """One thing in a picture. `spot`: the number of the place it stands in, None on open ground."""

    cls: str
    seed: int
    spot: int | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene in front of a camera. spots: the names of the numbered places, in order. lines: of virtual ones."""

    title: str
    time: str
    spots: tuple[str, ...]
    lines: tuple[str, ...]
    seen: tuple[DetectedObject, ...]


def draw(scene: Scene, *, annotated: bool, kind: str = "JPEG") -> bytes:
    """Return the picture of a scene; the annotated one has boxes around what was detected."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _ASPHALT if scene.spots else _GROUND)
    pen = ImageDraw.Draw(image)
    boxes = _spots(len(scene.spots))
    for name, box in zip(scene.spots, boxes, strict=False):
        _draw_spot(pen, box, name)
    for thing in scene.seen:
        if thing.spot is not None and thing.spot >= len(boxes):
            continue
        room = _within(boxes[thing.spot]) if thing.spot is not None else _somewhere(thing)
        _draw_thing(pen, room, thing)
        if annotated:
            _draw_box(pen, room, thing)
    if annotated:
        _draw_lines(pen, scene.lines)
    _draw_bar(pen, scene, annotated=annotated)
    out = BytesIO()
    image.save(out, kind, **({"quality": 80} if kind != "PNG" else {}))
    return out.getvalue()


def _spots(number: int) -> list[Box]:
    """Return where the places are; of very many only the first ones fit."""
    number = min(number, _DRAWN)
    if not number:
        return []
    columns = ceil(sqrt(number * 2.4))
    rows = ceil(number / columns)
    width = (WIDTH - 2 * _MARGIN) / columns
    height = (HEIGHT - _BAR - 2 * _MARGIN) / rows
    return [
        (
            _MARGIN + n % columns * width,
            _BAR + _MARGIN + n // columns * height,
            _MARGIN + (n % columns + 1) * width,
            _BAR + _MARGIN + (n // columns + 1) * height,
        )
        for n in range(number)
    ]


def _within(box: Box) -> Box:
    left, top, right, bottom = box
    return left + 12, top + 26, right - 12, bottom - 8


def _somewhere(thing: DetectedObject) -> Box:
    width, height = (14, 34) if thing.cls == "person" else (90, 44)
    left = between(_MARGIN, WIDTH - _MARGIN - width, thing.seed, 1)
    top = between(_BAR + _MARGIN, HEIGHT - _MARGIN - height, thing.seed, 2)
    return left, top, left + width, top + height


def _draw_spot(pen: ImageDraw.ImageDraw, box: Box, name: str) -> None:
    pen.rectangle(box, outline=_LINES, width=3)
    pen.text((box[0] + 8, box[1] + 6), name[:12], fill=_LINES, font=ImageFont.load_default(15))


def _draw_thing(pen: ImageDraw.ImageDraw, box: Box, thing: DetectedObject) -> None:
    left, top, right, bottom = box
    paint = _PAINT[mix(thing.seed, 3) % len(_PAINT)]
    if thing.cls == "person":
        pen.ellipse((left + 2, top, right - 2, top + 10), fill=(222, 184, 150))
        pen.rounded_rectangle((left, top + 11, right, bottom), radius=5, fill=paint)
        return
    pen.rounded_rectangle(box, radius=12, fill=paint, outline=(20, 20, 22), width=2)
    share = 0.3 if thing.cls == "truck" else 0.62
    glass = left + (right - left) * 0.2, top + (bottom - top) * (1 - share) / 2
    pen.rounded_rectangle(
        (*glass, right - (right - left) * 0.2, bottom - (bottom - top) * (1 - share) / 2),
        radius=7,
        fill=(28, 34, 40),
    )


def _draw_box(pen: ImageDraw.ImageDraw, box: Box, thing: DetectedObject) -> None:
    colour = _BOXES.get(thing.cls, _OTHER_BOX)
    pen.rectangle(box, outline=colour, width=3)
    label = f"{thing.cls} {0.7 + 0.29 * fraction(thing.seed, 4):.2f}"
    font = ImageFont.load_default(13)
    corner = box[0] + 2, box[3] - 18
    pen.rectangle(pen.textbbox(corner, label, font=font), fill=(0, 0, 0))
    pen.text(corner, label, fill=colour, font=font)


def _draw_lines(pen: ImageDraw.ImageDraw, names: tuple[str, ...]) -> None:
    for n, name in enumerate(names, start=1):
        across = WIDTH * n / (len(names) + 1)
        pen.line((across, _BAR, across, HEIGHT), fill=_LINE, width=4)
        pen.text((across + 8, _BAR + 8), name, fill=_LINE, font=ImageFont.load_default(15))


def _draw_bar(pen: ImageDraw.ImageDraw, scene: Scene, *, annotated: bool) -> None:
    pen.rectangle((0, 0, WIDTH, _BAR), fill=(16, 18, 20))
    font = ImageFont.load_default(20)
    left = f"{scene.title}{'  |  detected: ' + str(len(scene.seen)) if annotated else ''}"
    pen.text((12, 8), left, fill=(240, 240, 240), font=font)
    pen.text((WIDTH - 12, 8), scene.time, fill=(255, 210, 90), font=font, anchor="ra")
