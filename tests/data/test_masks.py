"""Every lossless format gives back the ids or colours that were saved; what is damaged or lossy is refused by name."""

import pickle
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from semsynth.data.masks import checked_labels, read_ids, read_image, read_instances, read_mask
from semsynth.errors import DataError, MaskError

IDS = (np.arange(48 * 64).reshape(48, 64) // 7 % 12).astype(np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, (12, 3)).astype(np.uint8)


def netpbm(kind, maximum, body):
    return f"{kind}\n64 48\n{maximum}\n".encode() + body


def plain(values):
    return b" ".join(b"%d" % value for value in values.ravel()) + b"\n"


@pytest.mark.parametrize(
    ("suffix", "ids", "keywords"),
    [("png", IDS, {}), ("bmp", IDS, {}), ("tif", IDS, {"compression": "tiff_lzw"}), ("gif", IDS, {}),
     ("gif", IDS * 20, {}), ("pgm", IDS, {}), ("webp", IDS, {"lossless": True}),
     ("png", IDS.astype(np.uint16) * 999, {}), ("tif", IDS.astype(np.int32) * 99999, {}),
     ("tif", IDS.astype(np.float32), {}), ("gif", IDS // 6, {})],
)
def test_ids_come_back(suffix, ids, keywords, tmp_path):
    path = tmp_path / f"m.{suffix}"
    Image.fromarray(ids).save(path, **keywords)
    np.testing.assert_array_equal(read_ids(path), ids)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif", "ppm", "webp"])
def test_colours_come_back(suffix, tmp_path):
    path = tmp_path / f"m.{suffix}"
    image = Image.fromarray(COLOURS[IDS])
    if suffix == "gif":
        image = image.quantize(12)  # a palette in an order of its own
    image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read_mask(path).pixels, COLOURS[IDS])


def test_an_alpha_channel_is_no_part_of_a_mask(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    Image.fromarray(colours).save(tmp_path / "colours.png")
    assert (read_mask(tmp_path / "colours.png").pixels == colours[:, :, :3]).all()
    assert (read_mask(tmp_path / "colours.png").colours == colours[:, :, :3]).all()
    Image.fromarray(colours[:, :, :2]).save(tmp_path / "grey.png")
    assert (read_ids(tmp_path / "grey.png") == colours[:, :, 0]).all()


def test_the_order_of_a_gif_palette_means_nothing(tmp_path):
    image = Image.fromarray(2 - IDS % 3)
    image.putpalette(bytes([2, 2, 2, 1, 1, 1, 0, 0, 0]))
    image.save(tmp_path / "m.gif")
    np.testing.assert_array_equal(read_ids(tmp_path / "m.gif"), IDS % 3)


@pytest.mark.parametrize(
    "content",
    [netpbm("P5", 11, IDS.tobytes()), netpbm("P5", 255, IDS.tobytes()), netpbm("P2", 11, plain(IDS)),
     netpbm("P5", 300, IDS.astype(">u2").tobytes()), netpbm("P5", 65535, IDS.astype(">u2").tobytes()),
     netpbm("P2", 1000, plain(IDS))],
    ids=["11", "255", "plain 11", "300", "65535", "plain 1000"],
)
def test_a_pgm_holds_ids_whatever_its_white(content, tmp_path):
    (tmp_path / "m.pgm").write_bytes(content)
    np.testing.assert_array_equal(read_ids(tmp_path / "m.pgm"), IDS)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_of_few_bits_holds_ids(bits, tmp_path):
    """Pillow scales their shades to 255; other programs write ids so."""
    ids = IDS & (2**bits - 1)
    packed = np.packbits(np.unpackbits(ids[..., None], axis=2)[..., 8 - bits:].reshape(48, -1), axis=1)
    stream = zlib.compress(np.pad(packed, ((0, 0), (1, 0))).tobytes())
    header = struct.pack(">IIBBBBB", 64, 48, bits, 0, 0, 0, 0)
    chunks = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
              for kind, data in ((b"IHDR", header), (b"IDAT", stream), (b"IEND", b""))]
    (tmp_path / "m.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    np.testing.assert_array_equal(read_ids(tmp_path / "m.png"), ids)


@pytest.mark.parametrize(
    ("name", "keywords", "kind"),
    [("m.jpg", {"format": "JPEG"}, "JPEG"), ("m.png", {"format": "JPEG"}, "JPEG"),
     ("m.webp", {"quality": 90}, "lossy WebP"), ("m.webp", {"icc_profile": bytes(7)}, "lossy WebP"),
     ("m.webp", {"icc_profile": bytes(8)}, "lossy WebP"),
     ("m.png", {"format": "WEBP", "quality": 90}, "lossy WebP"), ("m.tif", {"compression": "jpeg"}, "TIFF with jpeg"),
     ("m.jp2", {"format": "JPEG2000"}, "JPEG2000")],
)
def test_masks_with_loss_are_refused_whatever_their_name(name, keywords, kind, tmp_path):
    path = tmp_path / name
    Image.fromarray(IDS).save(path, **keywords)
    with pytest.raises(DataError, match=rf"{path}: stored with loss \(as {kind}.*as PNG"):
        read_mask(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif", "ppm", "webp"])
@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_masks_that_are_cut_are_refused(suffix, keep, tmp_path):
    path = tmp_path / f"m.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (48, 64)).astype(np.uint8)
    Image.fromarray(noise).save(path, **({"lossless": True} if suffix == "webp" else {}))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataError, match=rf"{path}: .*replace it"):
        read_mask(path)


def test_masks_whose_stream_ends_early_are_refused(half_png, tmp_path):
    path = half_png(IDS, tmp_path / "m.png")
    assert np.asarray(Image.open(path))[24:].max() == 0  # the decoder sees nothing wrong
    for read in (read_mask, read_instances):
        with pytest.raises(DataError, match=rf"{path}: damaged: its pixel data end early \(50% are there\)"):
            read(path)


def test_a_file_that_was_whole_is_looked_at_again_once_it_has_changed(half_png, tmp_path):
    """As training reads photographs: whether each is whole is asked once for a file, not once for an epoch."""
    path = tmp_path / "m.png"
    Image.fromarray(IDS).save(path)
    read_image(path)
    half_png(IDS, path)
    with pytest.raises(DataError, match="its pixel data end early"):
        read_image(path)


def test_what_lies_elsewhere_is_read_as_a_file_is(half_png, tmp_path):
    """With its name in messages, and nothing read under it."""
    Image.fromarray(IDS).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask("m", (tmp_path / "m.png").read_bytes()).pixels, IDS)
    with pytest.raises(DataError, match="m: damaged: its pixel data end early"):
        read_mask("m", half_png(IDS, tmp_path / "m.png").read_bytes())
    Image.fromarray(IDS).save(tmp_path / "m.webp", quality=90)
    with pytest.raises(DataError, match=r"m: stored with loss \(as lossy WebP"):
        read_mask("m", (tmp_path / "m.webp").read_bytes())


def test_what_is_wrong_with_a_mask_can_be_told_in_another_process():
    with pytest.raises(MaskError) as told:
        checked_labels(IDS, 3, None, "m.png")
    assert str(told.value).startswith(f"m.png: {told.value.reason}. Correct the mask, or dataset.num_classes")
    again = pickle.loads(pickle.dumps(told.value))
    assert (str(again), again.reason) == (str(told.value), told.value.reason)
    assert str(type(again)(str(again))) == str(again)  # as torch's loaders raise what their workers have raised


@pytest.mark.parametrize("changed", [False, True])
def test_a_changed_byte_is_told_by_the_sum_where_the_decoder_reads_on(changed, tmp_path):
    """In a stream that does not end, whose own sum is never reached."""
    import struct
    import zlib

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    path, height, width = tmp_path / "m.png", *IDS.shape
    packer = zlib.compressobj(0)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), IDS], 1).tobytes()
    pixels = packer.compress(raw) + packer.flush(zlib.Z_SYNC_FLUSH)
    written = bytearray(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
                        + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    written[written.index(b"IDAT") + 200] ^= changed
    path.write_bytes(written)
    if changed:
        with pytest.raises(DataError, match=rf"{path}: damaged: the sum over its IDAT data"):
            read_mask(path)
    else:
        np.testing.assert_array_equal(read_ids(path), IDS)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(48, 64), (5, 3), (1, 1)])
def test_whole_pngs_of_any_packing_are_complete(bits, size, tmp_path):
    ids = IDS[: size[0], : size[1]] % 2
    image = Image.fromarray(ids)
    image.putpalette(bytes(range(6)))
    image.save(tmp_path / "m.png", bits=bits)
    np.testing.assert_array_equal(read_ids(tmp_path / "m.png"), ids)


@pytest.mark.parametrize("size", [(48, 64), (5, 3), (1, 1)])
def test_interlaced_pngs_are_complete(size, tmp_path):
    import struct
    import zlib

    ids, path = IDS[: size[0], : size[1]], tmp_path / "m.png"
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    parts = [ids[top::down, left::right] for top, down, left, right in passes]
    rows = [b"\0" + row.tobytes() for part in parts for row in part if row.size]

    def write(rows):
        header = struct.pack(">IIBBBBB", size[1], size[0], 8, 0, 0, 0, 1)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))))

    write(rows)
    np.testing.assert_array_equal(read_ids(path), ids)
    write(rows[:-1])
    with pytest.raises(DataError, match=r"m\.png: .*replace it"):
        read_ids(path)


def test_what_decoding_would_change_is_refused(tmp_path):
    path = tmp_path / "m.png"
    for deep in (tmp_path / "m.tif", path):
        deep.write_bytes(cv2.imencode(deep.suffix, np.dstack([IDS.astype(np.uint16)] * 3))[1].tobytes())
        with pytest.raises(DataError, match=rf"{deep}: holds 3 channels of 16 bits"):
            read_mask(deep)
    frames = [Image.fromarray(IDS), Image.fromarray(11 - IDS)]
    frames[0].save(tmp_path / "m.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"m\.gif: holds several pictures"):
        read_mask(tmp_path / "m.gif")
    Image.fromarray(IDS).convert("CMYK").save(tmp_path / "m.tif")
    with pytest.raises(DataError, match=r"m\.tif: holds CMYK values"):
        read_mask(tmp_path / "m.tif")
    Image.fromarray(IDS).save(path, format="TGA")
    with pytest.raises(DataError, match=r"m\.png: masks are read from PNG, .*, this is TGA"):
        read_mask(path)
    for values in (IDS + np.float32(0.5), np.full((4, 4), np.nan, np.float32), IDS * np.float32(1e9)):
        Image.fromarray(values).save(tmp_path / "m.tif")
        with pytest.raises(DataError, match=r"m\.tif: holds real numbers that are not whole"):
            read_mask(tmp_path / "m.tif")


@pytest.mark.parametrize("ids", [[[0, 3], [2, 1]], [[2, 3], [3, 2]], [[0, 0], [0, 0]]])
def test_labels_of_the_classes_pass(ids):
    """With the first and the last class, and without."""
    np.testing.assert_array_equal(checked_labels(np.array(ids), 4, None, "m.png"), ids)


@pytest.mark.parametrize(("ids", "first"), [
    ([[0, 3], [-1, 9]], r"label id -1 at row 1, column 0 is out of range \(ids out of range in this file: -1, 9\)"),
    ([[1, 2], [3, 4]], "label id 4 at row 1, column 1 is out of range: allowed are 0 to 3"),
    ([[1, -2], [3, 3]], "label id -2 at row 0, column 1 is out of range: allowed are 0 to 3"),
])
def test_labels_below_and_above_the_classes_are_named(ids, first):
    with pytest.raises(DataError, match=rf"m\.png: {first}"):
        checked_labels(np.array(ids), 4, None, "m.png")
