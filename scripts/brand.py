"""Draws the brand images: a watch tower whose lamp sends out signals.

Run with .venv/bin/python scripts/brand.py; writes custom_components/watchpost/brand.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

BRAND = Path(__file__).resolve().parents[1] / "custom_components" / "watchpost" / "brand"

type Colour = tuple[int, int, int, int]
type Point = tuple[float, float]

# Drawn on a square of 64 units, four times larger than needed, then scaled down.
_UNITS = 64
_OVERSAMPLING = 4
_SIGNAL: Colour = (232, 119, 34, 255)
_LAMP: Colour = (255, 200, 87, 255)
_TOWER: dict[str, Colour] = {"": (23, 62, 82, 255), "dark_": (222, 234, 240, 255)}
_CLEAR: Colour = (0, 0, 0, 0)


class Mark:
    """The mark at a given size in pixels."""

    def __init__(self, size: int, tower: Colour) -> None:
        """Start with a clear square."""
        self._size = size
        self._tower = tower
        self._scale = size * _OVERSAMPLING / _UNITS
        self._image = Image.new("RGBA", (size * _OVERSAMPLING,) * 2, _CLEAR)
        self._draw = ImageDraw.Draw(self._image)

    def drawn(self) -> Image.Image:
        """Return the picture."""
        self._signals()
        self._roof_and_cabin()
        self._legs()
        return self._image.resize((self._size, self._size), Image.Resampling.LANCZOS)

    def _signals(self) -> None:
        for radius in (19, 27):
            for middle in (0, 180):
                self._arc((32, 23), radius, middle - 36, middle + 36)

    def _roof_and_cabin(self) -> None:
        self._polygon((19, 15), (32, 4), (45, 15))
        self._polygon((22, 15), (25, 15), (25, 31), (22, 31))
        self._polygon((39, 15), (42, 15), (42, 31), (39, 31))
        self._disc((32, 22), 4.5, _LAMP)
        self._polygon((19, 30), (45, 30), (45, 34), (19, 34))

    def _legs(self) -> None:
        self._line((24, 33), (18, 60))
        self._line((40, 33), (46, 60))
        self._line((22.7, 39), (43.5, 49), width=2.4)
        self._line((41.3, 39), (20.5, 49), width=2.4)
        self._line((20, 52), (44, 52), width=2.4)

    def _polygon(self, *points: Point) -> None:
        self._draw.polygon([self._at(point) for point in points], fill=self._tower)

    def _disc(self, centre: Point, radius: float, colour: Colour) -> None:
        self._draw.ellipse(self._box(centre, radius), fill=colour)

    def _arc(self, centre: Point, radius: float, start: float, end: float) -> None:
        self._draw.arc(
            self._box(centre, radius), start, end, fill=_SIGNAL, width=round(3.4 * self._scale)
        )

    def _line(self, start: Point, end: Point, width: float = 3.6) -> None:
        self._draw.line(
            [self._at(start), self._at(end)], fill=self._tower, width=round(width * self._scale)
        )

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale

    def _box(self, centre: Point, radius: float) -> tuple[Point, Point]:
        x, y = centre
        return self._at((x - radius, y - radius)), self._at((x + radius, y + radius))


def logo(height: int, tower: Colour) -> Image.Image:
    """Return the mark with the name beside it."""
    font = ImageFont.load_default(round(height * 0.46))
    mark = Mark(height, tower).drawn()
    width = round(height * 1.1 + font.getlength("Watchpost") + height * 0.1)
    image = Image.new("RGBA", (width, height), _CLEAR)
    image.paste(mark)
    ImageDraw.Draw(image).text(
        (height * 1.1, height * 0.52), "Watchpost", font=font, fill=tower, anchor="lm"
    )
    return image


def main() -> None:
    """Write all images."""
    BRAND.mkdir(parents=True, exist_ok=True)
    for theme, tower in _TOWER.items():
        for density, factor in (("", 1), ("@2x", 2)):
            icon = Mark(256 * factor, tower).drawn()
            icon.save(BRAND / f"{theme}icon{density}.png", optimize=True)
            logo(128 * factor, tower).save(BRAND / f"{theme}logo{density}.png", optimize=True)


if __name__ == "__main__":
    main()
