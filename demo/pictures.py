"""Pictures of what the demo's sellers offer, drawn here: plain shapes on plain ground, nobody's photographs."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw

_DRAWN, _SMALLER = 2400, 3  # Drawn larger than it is used, so that edges are smooth.

Colour = tuple[int, int, int]
WHITE, INK = (255, 255, 255), (45, 40, 62)


@dataclass(frozen=True, slots=True)
class Palette:
    """Ground, the lighter disc on it, and what the motif is drawn in."""

    ground: Colour
    disc: Colour
    main: Colour
    second: Colour


WATER = Palette((205, 228, 240), (228, 241, 248), (38, 112, 158), (118, 182, 214))
LABORATORY = Palette((226, 222, 243), (241, 238, 250), (98, 72, 170), (166, 147, 217))
COFFEE = Palette((236, 222, 206), (246, 238, 228), (110, 66, 38), (187, 139, 98))
TEA = Palette((218, 232, 200), (236, 244, 224), (82, 120, 44), (152, 186, 102))
WORKSHOP = Palette((213, 230, 220), (232, 243, 236), (34, 104, 78), (128, 182, 155))
INSTRUMENT = Palette((250, 229, 196), (253, 242, 224), (196, 116, 20), (235, 178, 90))

Pen = ImageDraw.ImageDraw


def _box(pen: Pen, left: int, top: int, right: int, bottom: int, fill: Colour, radius: int = 60) -> None:
    pen.rounded_rectangle((left, top, right, bottom), radius, fill=fill)


def _drop(pen: Pen, p: Palette) -> None:
    pen.polygon([(1200, 480), (1590, 1230), (810, 1230)], fill=p.main)
    pen.ellipse((760, 1000, 1640, 1880), fill=p.main)
    pen.arc((920, 1150, 1480, 1720), 70, 150, fill=p.second, width=60)


def _molecule(pen: Pen, p: Palette) -> None:
    ends = [(720, 860), (1680, 760), (1560, 1680), (840, 1640)]
    for end in ends:
        pen.line([(1200, 1220), end], fill=p.second, width=70)
    for (x, y), size in zip(ends, (170, 210, 150, 190), strict=True):
        pen.ellipse((x - size, y - size, x + size, y + size), fill=p.second)
    pen.ellipse((900, 920, 1500, 1520), fill=p.main)


def _kit(pen: Pen, p: Palette) -> None:
    _box(pen, 1050, 620, 1350, 900, p.second)
    _box(pen, 1130, 700, 1270, 900, p.disc, 30)
    _box(pen, 600, 840, 1800, 1740, p.main)
    _box(pen, 1130, 1060, 1270, 1520, WHITE, 30)
    _box(pen, 970, 1220, 1430, 1360, WHITE, 30)


def _cup(pen: Pen, p: Palette) -> None:
    pen.ellipse((1440, 980, 1860, 1400), outline=p.main, width=90)
    _box(pen, 720, 880, 1580, 1640, p.main, 260)
    _box(pen, 720, 880, 1580, 1200, p.main, 40)
    pen.ellipse((720, 800, 1580, 960), fill=p.second)
    _box(pen, 620, 1700, 1680, 1780, p.second, 40)
    for x in (960, 1150, 1340):
        pen.arc((x - 60, 480, x + 60, 740), 90, 270, fill=p.second, width=34)


def _bag(pen: Pen, p: Palette) -> None:
    pen.polygon([(780, 700), (1620, 700), (1720, 1800), (680, 1800)], fill=p.main)
    _box(pen, 760, 580, 1640, 760, p.second, 40)
    pen.ellipse((950, 1080, 1450, 1580), fill=p.disc)
    pen.ellipse((1060, 1130, 1340, 1530), fill=p.main)
    pen.arc((1130, 1150, 1270, 1340), 90, 270, fill=p.disc, width=24)
    pen.arc((1130, 1320, 1270, 1510), 270, 90, fill=p.disc, width=24)


def _cups(pen: Pen, p: Palette) -> None:
    for number, x in enumerate((640, 1060, 1480)):
        _box(pen, x, 1040, x + 320, 1480, p.main if number != 1 else p.second, 120)
        pen.ellipse((x, 980, x + 320, 1100), fill=p.second if number != 1 else p.main)
    _box(pen, 540, 1540, 1900, 1620, p.main, 40)


def _bottle(pen: Pen, p: Palette) -> None:
    _box(pen, 1080, 480, 1320, 760, p.second, 40)
    _box(pen, 940, 720, 1460, 1860, p.main, 180)
    _box(pen, 940, 1120, 1460, 1520, p.disc, 0)


def _slice(pen: Pen, p: Palette) -> None:
    pen.polygon([(560, 1200), (1500, 820), (1840, 1200)], fill=p.second)
    _box(pen, 560, 1200, 1840, 1640, p.main, 40)
    _box(pen, 560, 1390, 1840, 1450, p.disc, 0)


def _biscuit(pen: Pen, p: Palette) -> None:
    pen.ellipse((680, 700, 1720, 1740), fill=p.second)
    for x, y in ((980, 980), (1340, 920), (1440, 1320), (1080, 1420), (1210, 1170)):
        pen.ellipse((x - 90, y - 50, x + 90, y + 50), fill=p.main)


def _rice_ball(pen: Pen, p: Palette) -> None:
    pen.polygon([(1200, 560), (1820, 1700), (580, 1700)], fill=WHITE)
    _box(pen, 960, 1240, 1440, 1720, p.main, 30)


def _phone(pen: Pen, p: Palette) -> None:
    _box(pen, 820, 500, 1580, 1880, p.main, 120)
    _box(pen, 890, 620, 1510, 1720, p.disc, 40)
    _box(pen, 1100, 1770, 1300, 1810, p.second, 20)
    pen.line([(1020, 760), (1210, 1080), (1120, 1200), (1390, 1560)], fill=p.second, width=26, joint="curve")


def _bicycle(pen: Pen, p: Palette) -> None:
    for x in (760, 1640):
        pen.ellipse((x - 330, 1100, x + 330, 1760), outline=p.main, width=64)
        pen.ellipse((x - 50, 1380, x + 50, 1480), fill=p.second)
    frame = [(760, 1430), (1010, 940), (1520, 940), (1180, 1430), (760, 1430)]
    pen.line(frame, fill=p.second, width=58, joint="curve")
    pen.line([(1010, 940), (1180, 1430)], fill=p.second, width=58)
    pen.line([(1640, 1430), (1490, 800), (1620, 760)], fill=p.second, width=58, joint="curve")
    pen.line([(900, 860), (1110, 860)], fill=p.main, width=70)


def _toaster(pen: Pen, p: Palette) -> None:
    for x in (900, 1240):
        _box(pen, x, 560, x + 280, 1100, p.second, 110)
    _box(pen, 620, 900, 1780, 1660, p.main, 180)
    _box(pen, 1560, 1080, 1640, 1400, p.disc, 40)
    _box(pen, 760, 1660, 940, 1740, INK, 20)
    _box(pen, 1460, 1660, 1640, 1740, INK, 20)


def _meter(pen: Pen, p: Palette) -> None:
    _box(pen, 800, 460, 1600, 1900, p.main, 140)
    _box(pen, 900, 580, 1500, 920, p.disc, 40)
    for number, x in enumerate((960, 1090, 1220, 1350)):
        _box(pen, x, 650, x + 90, 850, INK if number else p.second, 20)
    pen.ellipse((940, 1060, 1460, 1580), fill=p.second)
    pen.line([(1200, 1320), (1340, 1150)], fill=INK, width=56)
    for x in (1000, 1200, 1400):
        pen.ellipse((x - 50, 1690, x + 50, 1790), fill=INK)


def _certificate(pen: Pen, p: Palette) -> None:
    _box(pen, 640, 560, 1760, 1720, WHITE, 50)
    _box(pen, 640, 560, 1760, 700, p.main, 50)
    for y, right in ((860, 1600), (1000, 1600), (1140, 1380)):
        _box(pen, 800, y, right, y + 50, p.second, 25)
    pen.polygon([(1400, 1480), (1300, 1860), (1440, 1780), (1580, 1860), (1520, 1480)], fill=p.second)
    pen.ellipse((1260, 1260, 1640, 1640), fill=p.main)


Motif = Callable[[Pen, Palette], None]

MOTIFS: dict[str, tuple[tuple[str, Motif, Palette], ...]] = {  # By the item's title; what is seen, and how it is drawn.
    "Drinking water analysis, 24 parameters": (("A drop of water", _drop, WATER), ("A report", _certificate, WATER)),
    "Heavy metals in toys, EN 71-3": (("A model of a molecule", _molecule, LABORATORY),),
    "Lead in drinking water": (("A drop of water", _drop, LABORATORY),),
    "Sampling kit for water": (("A sampling case", _kit, WATER), ("A drop of water", _drop, WATER)),
    "Hand-drip coffee": (("A cup of coffee", _cup, COFFEE),),
    "Roasted beans, 200 g": (("A bag of coffee beans", _bag, COFFEE), ("A cup of coffee", _cup, COFFEE)),
    "Cupping for two, one hour": (("Three cups side by side", _cups, COFFEE),),
    "Matcha latte": (("A cup of green tea with milk", _cup, TEA),),
    "Cold brew, bottled": (("A bottle of coffee", _bottle, COFFEE),),
    "Black sesame cheesecake": (("A slice of cake", _slice, COFFEE),),
    "Almond biscuit": (("A biscuit with almonds", _biscuit, COFFEE),),
    "Salmon rice ball": (("A rice ball in seaweed", _rice_ball, TEA),),
    "Phone screen replacement": (("A phone with a cracked screen", _phone, WORKSHOP),),
    "Bicycle full service": (("A bicycle", _bicycle, WORKSHOP),),
    "Refurbished toaster": (("A toaster with two slices", _toaster, WORKSHOP),),
    "Digital multimeter, true RMS": (("A multimeter", _meter, INSTRUMENT),),
    "Multimeter calibration with certificate": (
        ("A certificate with a seal", _certificate, INSTRUMENT),
        ("A multimeter", _meter, INSTRUMENT),
    ),
    "Revisão completa de bicicleta": (("A bicycle", _bicycle, INSTRUMENT),),
}


@cache
def _written(motif: Motif, palette: Palette) -> bytes:
    large = Image.new("RGB", (_DRAWN, _DRAWN), palette.ground)
    pen = ImageDraw.Draw(large)
    pen.ellipse((300, 300, 2100, 2100), fill=palette.disc)
    motif(pen, palette)
    written = io.BytesIO()
    large.reduce(_SMALLER).save(written, "PNG", compress_level=1)
    return written.getvalue()


def draw(motif: Motif, palette: Palette) -> io.BytesIO:
    """Return a picture as a file such as a seller would bring."""
    return io.BytesIO(_written(motif, palette))
