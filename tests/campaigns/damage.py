"""Ways to damage a file, and to store a picture."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

SUMMED = ("PNG",)  # formats with sums over their data, in which every changed byte can be told


@dataclass(frozen=True)
class FewBits:
    """Ids (H,W) for a PNG of grey with two or four bits, which Pillow does not write: decoders stretch it to 255."""

    ids: np.ndarray
    bits: int

    def png(self) -> bytes:
        """The file."""
        height, width = self.ids.shape
        bits = np.unpackbits(self.ids[:, :, None].astype(np.uint8), axis=2)[:, :, 8 - self.bits:].reshape(height, -1)
        rows = np.packbits(bits, axis=1)
        raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], 1).tobytes()
        header = struct.pack(">IIBBBBB", width, height, self.bits, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, (b"IHDR", b"IDAT", b"IEND"),
                                                     (header, zlib.compress(raw), b"")))


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def stored(image: Image.Image | FewBits, form: str) -> bytes:
    """The file of a picture in one of Pillow's formats, without loss where there is a choice."""
    if isinstance(image, FewBits):
        return image.png()
    file = io.BytesIO()
    image.save(file, form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))
    return file.getvalue()


def damaged(data: bytes, form: str, random: np.random.Generator) -> tuple[str, bytes, bool]:
    """What was done to a file, the file, and whether its reader can tell."""
    how = str(random.choice(["empty", "ends early", "changed bytes", "zeros at the end", "huge header", "another file",
                             "bytes behind it"]))
    place = int(random.integers(len(data)))
    if how == "empty":
        return how, b"", True
    if how == "ends early":
        return f"{how} at {place} of {len(data)}", data[:place], False
    if how == "changed bytes":
        changed = bytearray(data)
        for at in random.integers(len(data), size=int(random.integers(1, 8))):
            changed[at] ^= int(random.integers(1, 256))
        return how, bytes(changed), False
    if how == "zeros at the end":
        return f"{how} from {place} of {len(data)}", data[:place] + bytes(len(data) - place), False
    if how == "huge header":
        return how, huge(data, form, random), False
    if how == "another file":
        return how, random.bytes(int(random.integers(1, 5000))), True
    return how, data + random.bytes(100), False


def huge(data: bytes, form: str, random: np.random.Generator) -> bytes:
    """The same file with a header that promises hundreds to millions of megapixels."""
    width, height = (int(side) for side in random.choice([12000, 30000, 60000, 2**30, 2**31 - 1], 2))
    if form == "PNG":
        return data[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]
    if form == "BMP":
        return data[:18] + struct.pack("<ii", width, height) + data[26:]
    if form == "JPEG":
        place = data.find(b"\xff\xc0")
        return data[:place + 5] + struct.pack(">HH", height % 65536, width % 65536) + data[place + 9:]
    return data
