"""Reading QR codes as phones do: what we show, drawn by one library and decoded by another, neither of them ours."""

import json
from urllib.parse import unquote

import pypdfium2
import typst
import zxingcpp

DATA_URI = "data:image/svg+xml;"
POINTS_TO_PIXELS = 4


def read_qr(svg: str) -> str:
    """Return the text in a QR code, from the SVG picture or data URI that a page shows."""
    if svg.startswith(DATA_URI):
        svg = unquote(svg.partition(",")[2])
    page = '#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'
    return read_qr_in_pdf(typst.compile(page.encode(), sys_inputs={"svg": svg}, ignore_system_fonts=True))


def read_qr_in_pdf(pdf: bytes) -> str:
    """Return the text in the only QR code on the last page of a PDF."""
    return _only_code(pdf).text


def text_of_pdf(pdf: bytes) -> str:
    """Return what can be read on all pages of a PDF."""
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def sheets_of_pdf(pdf: bytes) -> list[tuple[int, int]]:
    """Return width and height of each page, in millimetres."""
    return [tuple(round(points * 25.4 / 72) for points in page.get_size()) for page in pypdfium2.PdfDocument(pdf)]


def read_qr_in_png(png: bytes) -> zxingcpp.Barcode:
    """Return the only QR code in a PNG picture, with what ZXing says of how it is drawn."""
    page = "#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(json(bytes(sys.inputs.png))), width: 200pt)"
    pdf = typst.compile(page.encode(), sys_inputs={"png": json.dumps(list(png))}, ignore_system_fonts=True)
    return _only_code(pdf)


def _only_code(pdf: bytes) -> zxingcpp.Barcode:
    document = pypdfium2.PdfDocument(pdf)
    drawn = document[len(document) - 1].render(scale=POINTS_TO_PIXELS, grayscale=True)
    pixels = memoryview(bytes(drawn.buffer)).cast("B", (drawn.height, drawn.stride))
    (code,) = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormat.QRCode)
    return code
