"""Changes to pictures are functions of the seed, and leave alone what they should."""

import numpy as np
import pytest

from graspsim.pose import augment


@pytest.mark.parametrize("seed", range(5))
def test_augmentation_keeps_the_shape_and_is_a_function_of_the_seed(seed: int) -> None:
    picture = np.random.default_rng(9).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    before = picture.copy()
    first, second = (augment.augmented(picture, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == picture.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(picture, before)


def test_only_a_share_of_the_pictures_is_changed() -> None:
    picture = np.random.default_rng(9).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    rng = np.random.default_rng(0)
    changed = [(augment.augmented(picture, rng, 0.3) != picture).any() for _ in range(400)]
    assert 0.2 < np.mean(changed) < 0.35
    assert augment.augmented(picture, rng, 0.0) is picture


def test_what_a_patch_hides_is_no_longer_visible() -> None:
    crop, visible = np.zeros((64, 64, 3), np.uint8), np.ones((16, 16), bool)
    augment.patched(crop, visible, np.random.default_rng(1))
    hidden = (crop > 0).any(axis=2)
    assert hidden.any()
    assert not visible[hidden.reshape(16, 4, 16, 4).all(axis=(1, 3))].any()


def test_a_background_is_replaced_where_no_object_is() -> None:
    picture, other = np.full((20, 30, 3), 10, np.uint8), np.full((5, 5, 3), 90, np.uint8)
    objects = np.zeros((20, 30), bool)
    objects[5:10] = True
    mixed = augment.with_background(picture, objects, other)
    assert (mixed[objects] == 10).all()
    assert (mixed[~objects] == 90).all()


def test_style_is_the_mean_colour_and_little_more() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(100, 120, (64, 64, 3), dtype=np.uint8)
    styled = augment.in_the_style_of(picture, np.full((32, 32, 3), 200, np.uint8))
    assert abs(float(styled.mean()) - 200) < 2
    assert np.corrcoef(picture.ravel(), styled.ravel())[0, 1] > 0.99
