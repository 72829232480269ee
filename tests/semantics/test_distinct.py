"""How windows of codes are packed, decoded by hand."""

import pytest
import torch

from semsynth.semantics.distinct import WORD, Windows


@pytest.mark.parametrize(("side", "bits", "words"), [(3, 1, 1), (3, 6, 1), (3, 7, 2), (3, 20, 3), (5, 2, 1), (5, 4, 2),
                                                     (5, 6, 3), (5, 9, 5), (5, 12, 5)])
def test_every_code_of_a_window_lies_in_bits_of_its_own(side, bits, words):
    """Row by row, as many rows in a word of 60 bits as it holds; all codes can be read back."""
    n, h, w = 2, 4, 3
    padded = torch.randint(0, 2 ** bits, (n, h + side - 1, w + side - 1))
    padded[0, :side, :side] = 2 ** bits - 1  # the largest window
    windows = Windows(padded, side, bits)
    found, rows = windows.words(), windows.rows()
    together = WORD // (side * bits)  # rows in a word
    assert (len(found), windows.pixels) == (words, n * h * w)
    assert all(int(word.max()) < 2 ** min(WORD, together * side * bits) for word in found)
    for pixel in range(n * h * w):
        y, x = pixel // w % h, pixel % w
        window = padded[pixel // (h * w), y:y + side, x:x + side].tolist()
        for i, row in enumerate(window):
            packed = int(found[i // together][pixel]) >> (i % together * side * bits)
            assert [packed >> (j * bits) & 2 ** bits - 1 for j in range(side)] == row
            assert int(rows[pixel, i]) == sum(code << (j * bits) for j, code in enumerate(row))
