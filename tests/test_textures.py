"""Textures: every name in the registry is swept, so a new one needs no new test."""

import cv2
import numpy as np
import pytest

from graspsim.errors import SpecError, UnknownNameError
from graspsim.registry import names
from graspsim.render.textures import make_texture
from graspsim.scene import Texture

COLORS = ((0.9, 0.1, 0.1), (0.1, 0.8, 0.2), (0.1, 0.2, 0.9))
KINDS = names("texture")
PATTERNED = [kind for kind in KINDS if kind != "flat"]


def make(kind, frequency=3, seed=0, colors=COLORS, size=128, image=None):
    return make_texture(Texture(kind, colors, frequency, seed, image), size)


@pytest.mark.parametrize("size", [64, 100, 129])
@pytest.mark.parametrize("kind", KINDS)
def test_a_texture_is_a_square_srgb_image_of_the_size_asked_for(kind, size):
    image = make(kind, size=size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize("kind", KINDS)
def test_size_defaults_to_256(kind):
    assert make_texture(Texture(kind, COLORS, 2, 0)).shape == (256, 256, 3)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_the_seam_is_no_rougher_than_what_is_inside(kind, axis):
    for frequency, seed in [(1, 0), (1, 1), (3, 2), (5, 3), (8, 4)]:
        image = np.moveaxis(make(kind, frequency, seed), axis, 0).astype(float)
        steps = np.abs(np.roll(image, -1, axis=0) - image).mean(axis=(1, 2))  # one per pair of lines; the last wraps
        # An edge of the pattern may lie on the seam; none is rougher there than the roughest inside.
        assert steps[-1] <= 1.25 * steps[:-1].max() + 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_pattern_goes_on_across_the_seam_as_it_does_inside(kind):
    """Over many seeds the wrap-around step must be as rough as the others, not merely as the roughest."""
    at_seam, inside = 0.0, 0.0
    for seed in range(40):
        image = make(kind, 2, seed, size=64).astype(float)
        for axis in (0, 1):
            steps = np.abs(np.roll(image, -1, axis=axis) - image).mean(axis=(1 - axis, 2))
            at_seam, inside = at_seam + steps[-1], inside + steps[:-1].mean()
    assert at_seam <= 1.6 * inside


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes(kind):
    assert make(kind, seed=5).tobytes() == make(kind, seed=5).tobytes()


@pytest.mark.parametrize("kind", PATTERNED)
def test_another_seed_gives_another_picture(kind):
    pictures = {make(kind, seed=seed).tobytes() for seed in range(8)}
    assert len(pictures) == 8


@pytest.mark.parametrize("kind", PATTERNED)
def test_frequency_makes_the_pattern_finer(kind):
    def roughness(frequency):
        images = [make(kind, frequency, seed).astype(float) for seed in range(4)]
        return np.mean([np.abs(np.diff(image, axis=axis)).mean() for image in images for axis in (0, 1)])

    assert roughness(6) > 1.3 * roughness(2)


@pytest.mark.parametrize("frequency", [1, 2, 7, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_is_a_mixture_of_the_colors(kind, frequency):
    image = make(kind, frequency).reshape(-1, 3) / 255
    shares = np.linalg.solve(np.array(COLORS).T, image.T)
    assert shares.min() > -0.02
    assert shares.sum(axis=0) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kind", PATTERNED)
def test_every_color_given_appears(kind):
    image = np.concatenate([make(kind, 3, seed) for seed in range(8)]).reshape(-1, 3).astype(float)
    for color in COLORS:
        distance = np.abs(image - 255 * np.array(color)).max(axis=1)
        assert distance.min() < 80, color


def test_flat_is_the_first_color():
    assert (make("flat") == np.round(255 * np.array(COLORS[0]))).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["checker", "stripes", "cells"])
def test_hard_edges_are_ramped_so_that_no_step_is_full(kind, seed):
    black, white = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    for colors in [(black, white, black), (black, white, white)]:
        pixels = make(kind, 1, seed, colors, size=256)[..., 0].astype(int)
        assert np.ptp(pixels) > 100
        for axis in (0, 1):
            assert np.abs(np.diff(pixels, axis=axis)).max() <= 0.85 * 255


def test_an_unknown_kind_gives_the_nearest_match():
    with pytest.raises(UnknownNameError, match="Did you mean 'checker'"):
        make("cheker")


def test_an_image_file_is_read_as_rgb_and_stretched_to_the_square(tmp_path):
    bgr = np.zeros((20, 50, 3), np.uint8)
    bgr[:, :25, 2] = 200  # red on the left
    bgr[:, 25:, 0] = 100  # blue on the right
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), bgr)
    image = make("image", size=32, image=str(path))
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8
    assert image[32, 5].tolist() == [200, 0, 0]
    assert image[32, 60].tolist() == [0, 0, 100]


@pytest.mark.parametrize("content", [None, b"", b"not an image"])
def test_an_unreadable_image_is_named(tmp_path, content):
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError, match=r"broken\.png"):
        make("image", image=str(path))


def test_an_image_texture_without_a_path_is_refused():
    with pytest.raises(SpecError, match="got None"):
        make("image")
