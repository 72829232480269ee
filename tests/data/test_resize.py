import numpy as np
import pytest
from PIL import Image

from semsynth.data.resize import resize_image, resize_nearest, resized_size


def test_images_are_bicubic_and_labels_nearest_as_in_pil():
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    image = Image.fromarray(pixels)
    np.testing.assert_array_equal(
        resize_image(image, (20, 30)), np.array(image.resize((30, 20), Image.Resampling.BICUBIC))
    )
    labels = pixels[:, :, 0]
    wanted = np.array(Image.fromarray(labels).resize((30, 20), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(resize_nearest(labels, (20, 30)), wanted)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_nearest_of_every_type_picks_the_same_places(dtype):
    values = np.arange(200).reshape(10, 20)
    small = resize_nearest(values.astype(dtype), (5, 7))
    assert small.dtype == dtype
    np.testing.assert_array_equal(small, resize_nearest(values.astype(np.uint8), (5, 7)))


def test_five_digit_ids_survive():
    ids = np.random.default_rng(0).choice([24000, 33001, 7], (9, 9)).astype(np.int32)
    assert set(np.unique(resize_nearest(ids, (5, 4)))) <= {24000, 33001, 7}


def test_published_load_size():
    assert resized_size(480, 640, (256, 256), "resize_and_crop", 286 / 256) == (286, 286)
    assert resized_size(480, 640, (64, 128), "resize_and_crop", 286 / 256) == (72, 143)
    assert resized_size(480, 640, (256, 256), "scale_shortside_and_crop", 286 / 256) == (286, 381)
    assert resized_size(1024, 2048, (256, 512), "fixed", 286 / 256) == (256, 512)
    assert resized_size(479, 650, (256, 256), "none", 1) == (480, 640)


def test_the_side_that_follows_the_aspect_is_rounded_down_as_released():
    assert resized_size(375, 500, (256, 256), "scale_shortside", 1) == (256, 341)  # 341.33
    assert resized_size(427, 640, (256, 256), "scale_shortside", 1) == (256, 383)  # 383.70
    assert resized_size(640, 427, (256, 256), "scale_shortside_and_crop", 286 / 256) == (428, 286)  # 428.67
    assert resized_size(427, 640, (256, 256), "scale_width", 1) == (170, 256)  # 170.80
    assert resized_size(3, 2000, (256, 256), "scale_width", 1) == (1, 256)  # 0.38, of which nothing would be left
