import numpy as np
import pytest

from graspsim.color import linear_from_srgb, srgb_from_linear
from graspsim.scene import Sensor
from graspsim.sensors import apply_to_depth, apply_to_rgb

FOCAL_PX = 600.0
BASELINE_M = 0.075
FULL = Sensor(
    exposure_ev=0.3,
    white_balance=(1.05, 1.0, 0.95),
    blur_px=0.8,
    shot_noise=0.02,
    read_noise=0.005,
    depth_disparity_step_px=0.125,
    depth_noise_px=0.1,
    depth_edge_loss_px=2.0,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def gray(linear, height=200, width=200):
    return np.full((height, width, 3), np.rint(255 * srgb_from_linear(linear)), np.uint8)


def linear(rgb):
    return linear_from_srgb(rgb / 255)


def plane(depth_m, height=100, width=100):
    return np.full((height, width), depth_m, np.float32)


def box_before_wall(near_m=0.6, far_m=0.9):
    depth_m = plane(far_m)
    depth_m[30:70, 30:70] = near_m
    return depth_m


def depth_of(depth_m, seed=0, **switches):
    return apply_to_depth(depth_m, Sensor(**switches), FOCAL_PX, rng(seed))


# Colour


def test_the_default_sensor_leaves_every_byte_of_a_picture():
    rgb = rng().integers(0, 256, (48, 64, 3), dtype=np.uint8)
    assert np.array_equal(apply_to_rgb(rgb, Sensor(), rng()), rgb)


def test_decoding_and_encoding_alone_change_no_byte():
    rgb = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert np.array_equal(apply_to_rgb(rgb, Sensor(exposure_ev=1e-6), rng()), rgb)


@pytest.mark.parametrize("level", [0.05, 0.2, 0.45])
def test_one_stop_more_doubles_the_light(level):
    before = linear(gray(level))
    after = linear(apply_to_rgb(gray(level), Sensor(exposure_ev=1.0), rng()))
    assert after.mean() == pytest.approx(2 * before.mean(), rel=0.01)


def test_light_beyond_white_is_clipped():
    assert (apply_to_rgb(gray(0.7), Sensor(exposure_ev=1.0), rng()) == 255).all()


def test_white_balance_scales_each_channel_by_its_gain():
    gains = (1.2, 1.0, 0.8)
    after = linear(apply_to_rgb(gray(0.4), Sensor(white_balance=gains), rng())).mean(axis=(0, 1))
    assert after == pytest.approx(np.array(gains) * linear(gray(0.4)).mean(), rel=0.01)


@pytest.mark.parametrize("level", [0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize(("shot", "read"), [(0.03, 0.0), (0.0, 0.02), (0.03, 0.02)])
def test_noise_follows_the_linear_camera_model(level, shot, read):
    noisy = linear(apply_to_rgb(gray(level), Sensor(shot_noise=shot, read_noise=read), rng()))
    actual_level = linear(gray(level)).mean()
    assert noisy.mean() == pytest.approx(actual_level, rel=0.01)
    assert noisy.std() == pytest.approx(np.sqrt(shot**2 * actual_level + read**2), rel=0.05)


def test_noise_is_independent_between_pixels_and_channels():
    noise = linear(apply_to_rgb(gray(0.4), Sensor(read_noise=0.05), rng())) - 0.4
    neighbors = [noise[:, 1:].ravel(), noise[:, :-1].ravel()], [noise[..., 0].ravel(), noise[..., 1].ravel()]
    for pair in neighbors:
        assert abs(np.corrcoef(pair)[0, 1]) < 0.02


def test_blur_keeps_the_mean_light():
    level = rng().uniform(0.05, 0.9, (60, 80, 3))
    rgb = np.rint(255 * srgb_from_linear(level)).astype(np.uint8)
    blurred = apply_to_rgb(rgb, Sensor(blur_px=2.0), rng())
    assert linear(blurred).mean() == pytest.approx(linear(rgb).mean(), rel=0.002)
    assert linear(blurred).std() < 0.3 * linear(rgb).std()


def test_a_step_is_blurred_by_the_standard_deviation_stated():
    rgb = np.zeros((20, 80, 3), np.uint8)
    rgb[:, 40:] = 255
    profile = linear(apply_to_rgb(rgb, Sensor(blur_px=3.0), rng()))[10, :, 0]
    spread, offset = np.diff(profile), np.arange(79) - 39
    assert np.sqrt((spread * offset**2).sum()) == pytest.approx(3.0, rel=0.05)


def test_each_switch_of_the_picture_leaves_the_draws_of_the_others():
    rgb = gray(0.4)
    both = linear(apply_to_rgb(rgb, Sensor(shot_noise=0.03, read_noise=0.02), rng())) - linear(rgb)
    for alone in ({"shot_noise": 0.03}, {"read_noise": 0.02}, {"read_noise": 0.02, "exposure_ev": 0.5}):
        sensor = Sensor(**alone)
        noise = linear(apply_to_rgb(rgb, sensor, rng())) - linear(rgb) * 2**sensor.exposure_ev
        assert np.corrcoef(both.ravel(), noise.ravel())[0, 1] > 0.99


def test_what_is_switched_on_in_the_picture_leaves_the_depth_noise():
    measured = []
    for sensor in (Sensor(depth_noise_px=0.2), Sensor(depth_noise_px=0.2, shot_noise=0.02, blur_px=1.0)):
        generator = rng()
        apply_to_rgb(gray(0.4), sensor, generator)
        measured.append(apply_to_depth(plane(0.8), sensor, FOCAL_PX, generator))
    assert np.array_equal(*measured)


# Depth


def test_the_default_sensor_leaves_every_bit_of_a_depth_image():
    depth_m = rng().uniform(0.0, 3.0, (48, 64)).astype(np.float32)
    assert depth_of(depth_m).tobytes() == depth_m.tobytes()


@pytest.mark.parametrize("depth_m", [0.5, 1.0, 2.0])
def test_depth_comes_in_steps_that_grow_with_the_square_of_the_distance(depth_m):
    step_px = 0.125
    ramp = np.linspace(0.9 * depth_m, 1.1 * depth_m, 40_000, dtype=np.float32).reshape(200, 200)
    levels = np.unique(depth_of(ramp, depth_disparity_step_px=step_px))
    middle = np.searchsorted(levels, depth_m)
    step_m = (levels[middle + 1] - levels[middle - 1]) / 2
    assert step_m == pytest.approx(depth_m**2 * step_px / (FOCAL_PX * BASELINE_M), rel=0.03)
    nearest = FOCAL_PX * BASELINE_M / levels / step_px
    assert nearest == pytest.approx(np.rint(nearest), abs=1e-3)


@pytest.mark.parametrize("depth_m", [0.5, 1.0, 2.0])
def test_depth_noise_grows_with_the_square_of_the_distance(depth_m):
    measured = depth_of(plane(depth_m, 200, 200), depth_noise_px=0.1)
    assert measured.std() == pytest.approx(depth_m**2 * 0.1 / (FOCAL_PX * BASELINE_M), rel=0.05)
    assert measured.mean() == pytest.approx(depth_m, rel=0.002)


def test_each_switch_of_the_depth_leaves_the_others():
    depth_m = box_before_wall()
    switches = {"depth_noise_px": 0.1, "depth_disparity_step_px": 0.01, "depth_edge_loss_px": 2.0}
    everything = depth_of(depth_m, **switches)
    kept = everything > 0
    noise_and_step = depth_of(depth_m, **{**switches, "depth_edge_loss_px": 0.0})
    assert np.array_equal(everything[kept], noise_and_step[kept])
    assert np.array_equal(kept, depth_of(depth_m, depth_edge_loss_px=2.0) > 0)
    noise_and_loss = depth_of(depth_m, **{**switches, "depth_disparity_step_px": 0.0})
    half_step_m = 0.9**2 * 0.005 / (FOCAL_PX * BASELINE_M)
    assert np.abs(everything - noise_and_loss).max() < 1.1 * half_step_m


@pytest.mark.parametrize("width_px", [1.0, 2.0, 4.0])
def test_depth_is_lost_in_a_band_of_the_width_given_behind_an_edge(width_px):
    depth_m = box_before_wall()
    lost = depth_of(depth_m, depth_edge_loss_px=width_px) == 0
    row, column = np.mgrid[:100, :100] + 0.0
    outside = np.hypot(
        np.maximum(np.maximum(30 - row, row - 69), 0), np.maximum(np.maximum(30 - column, column - 69), 0)
    )
    assert np.array_equal(lost, (outside > 0) & (outside <= width_px))


def test_what_edge_loss_keeps_is_untouched():
    depth_m = box_before_wall()
    measured = depth_of(depth_m, depth_edge_loss_px=3.0)
    assert np.array_equal(measured[measured > 0], depth_m[measured > 0])


def test_a_slanted_surface_is_no_edge():
    ramp = np.tile(np.linspace(0.6, 0.9, 100, dtype=np.float32), (100, 1))
    assert np.array_equal(depth_of(ramp, depth_edge_loss_px=5.0), ramp)


def test_a_step_too_low_to_hide_anything_is_no_edge():
    hidden_px = FOCAL_PX * BASELINE_M * (1 / 0.6 - 1 / 0.605)
    assert hidden_px < 1
    assert (depth_of(box_before_wall(0.6, 0.605), depth_edge_loss_px=5.0) > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_nothing_seen_stays_nothing_seen(seed):
    depth_m = box_before_wall()
    depth_m[:, :40] = 0
    measured = apply_to_depth(depth_m, FULL, FOCAL_PX, rng(seed))
    assert (measured[:, :40] == 0).all()
    assert np.isfinite(measured).all()
    assert (measured >= 0).all()


def test_disparity_that_rounds_to_nothing_is_lost():
    assert (depth_of(plane(50.0), depth_disparity_step_px=2.0) == 0).all()


# Both


def test_inputs_are_not_modified():
    rgb, depth_m = rng().integers(0, 256, (50, 70, 3), dtype=np.uint8), box_before_wall()
    rgb_before, depth_before = rgb.copy(), depth_m.copy()
    rgb.flags.writeable = depth_m.flags.writeable = False
    apply_to_rgb(rgb, FULL, rng())
    apply_to_depth(depth_m, FULL, FOCAL_PX, rng())
    assert np.array_equal(rgb, rgb_before)
    assert np.array_equal(depth_m, depth_before)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    rgb, depth_m = gray(0.4, 50, 70), box_before_wall()
    for apply in (
        lambda seed: apply_to_rgb(rgb, FULL, rng(seed)),
        lambda seed: apply_to_depth(depth_m, FULL, FOCAL_PX, rng(seed)),
    ):
        assert apply(1).tobytes() == apply(1).tobytes()
        assert apply(1).tobytes() != apply(2).tobytes()


def test_shape_and_type_are_kept():
    rgb = apply_to_rgb(gray(0.4, 37, 53), FULL, rng())
    depth_m = apply_to_depth(plane(0.7, 37, 53), FULL, FOCAL_PX, rng())
    assert (rgb.shape, rgb.dtype) == ((37, 53, 3), np.uint8)
    assert (depth_m.shape, depth_m.dtype) == ((37, 53), np.float32)
