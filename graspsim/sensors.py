"""The camera model, applied last and to the images only: labels stay exact.

Colour follows the light through a camera: exposure and white balance, the lens's blur and the sensor's noise act on
linear light, and only then is the picture clipped and encoded as sRGB. Depth is that of a stereo or structured-light
pair, whose errors are simple in disparity and grow with the square of the distance in depth.
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from graspsim.color import SRGB_DECODE, srgb_from_linear
from graspsim.jit import compiled
from graspsim.scene import Sensor

# 65536 steps, so that even in the dark, where sRGB is steepest, a step is a twentieth of a byte.
_SRGB_ENCODE: NDArray[np.uint8] = np.rint(255 * srgb_from_linear(np.arange(65536) / 65535)).astype(np.uint8)
# A 16-bit draw picks one: normal to a part in 10^5 of its standard deviation, and four times as fast as an exact draw.
_NORMAL_QUANTILES: NDArray[np.float32] = ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


def apply_to_rgb(rgb: NDArray[np.uint8], sensor: Sensor, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture as the camera would deliver it.

    In linear light, with 1 for full white: every channel is scaled by 2^exposure_ev and its white-balance gain, blurred
    by a Gaussian of standard deviation `blur_px`, and gets normal noise of the variance

        σ² = shot_noise² · light + read_noise²

    which is the linear camera model of EMVA 1288 (release 4.0, section 2) relative to saturation: photons arrive as a
    Poisson process, so shot_noise² is one over the number of electrons at full white; the rest does not depend on the
    light. Both kinds scale one and the same normal draw, so that switching either off leaves the other's as it was.

    Args:
        rgb: (h, w, 3) sRGB; it is not modified, and is itself returned where the sensor changes nothing.
        sensor: the camera's errors.
        rng: one number is drawn from it, whatever is switched on.

    Returns:
        (h, w, 3) sRGB.
    """
    noise_rng = _child(rng)
    gains = 2.0**sensor.exposure_ev * np.array(sensor.white_balance, np.float32)
    is_noisy = sensor.shot_noise > 0 or sensor.read_noise > 0
    if not is_noisy and sensor.blur_px == 0 and np.all(gains == 1):
        return rgb
    light = cast(NDArray[np.float32], cv2.LUT(rgb, SRGB_DECODE[:, None, None] * gains))
    if sensor.blur_px > 0:
        # Mirrored at the rim, pixel for pixel: this border alone keeps the picture's total light.
        cv2.GaussianBlur(light, (0, 0), sensor.blur_px, dst=light, borderType=cv2.BORDER_REFLECT)
    if is_noisy:
        draws = noise_rng.integers(0, 2**16, size=rgb.size, dtype=np.uint16)
        shot_variance, read_variance = np.float32(sensor.shot_noise**2), np.float32(sensor.read_noise**2)
    else:
        draws = np.full(rgb.size, 2**15, dtype=np.uint16)
        shot_variance = read_variance = np.float32(0)
    picture = np.empty_like(rgb)
    _expose(light.ravel(), draws, _NORMAL_QUANTILES, shot_variance, read_variance, _SRGB_ENCODE, picture.reshape(-1))
    return picture


def apply_to_depth(
    depth_m: NDArray[np.float32], sensor: Sensor, focal_px: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the depth as a stereo pair of the sensor's baseline would measure it; 0 where it measures nothing.

    Depth z has the disparity d = focal_px · baseline / z. Noise of `depth_noise_px` is added to it and the sum is
    rounded to multiples of `depth_disparity_step_px`, hence in depth, with Δd for either of the two,

        Δz = z² · Δd / (focal_px · baseline)

    as Khoshelham and Oude Elberink found for the Kinect ("Accuracy and resolution of Kinect depth data", Sensors 2012)
    and Keselman et al. for stereo ("Intel RealSense stereoscopic depth cameras", CVPR workshops 2017). Pixels whose
    disparity comes out at 0 or less are lost.

    An edge is where disparity falls by more than one pixel from a pixel to its neighbour: the two then change places in
    the second camera's picture, which is to say that something behind the edge is hidden from it. Pixels within
    `depth_edge_loss_px` of an edge are lost on its far side only: a stereo shadow falls on what is behind. It is drawn
    all around, not towards one side, because the matching windows that straddle an edge fail on every side of it.

    Args:
        depth_m: (h, w), 0 for nothing seen; it is not modified, and is itself returned where nothing is switched on.
        sensor: the camera's errors.
        focal_px: horizontal focal length.
        rng: one number is drawn from it, whatever is switched on.

    Returns:
        (h, w) float32.
    """
    noise_rng = _child(rng)
    step_px, noise_px, loss_px = sensor.depth_disparity_step_px, sensor.depth_noise_px, sensor.depth_edge_loss_px
    if step_px == 0 and noise_px == 0 and loss_px == 0:
        return depth_m
    focal_baseline = np.float32(focal_px * sensor.depth_baseline_m)
    seen = depth_m > 0
    disparity = _divided(focal_baseline, depth_m, seen)
    measured_m = depth_m.copy()
    if step_px > 0 or noise_px > 0:
        measured = disparity
        if noise_px > 0:
            measured = measured + noise_px * noise_rng.standard_normal(depth_m.shape, dtype=np.float32)
        if step_px > 0:
            measured = np.rint(measured / step_px) * step_px
        measured_m = _divided(focal_baseline, measured, seen & (measured > 0))
    if loss_px > 0:
        measured_m[_behind_edges(disparity, loss_px)] = 0
    return measured_m


@compiled
def _expose(
    light: NDArray[np.float32],
    draws: NDArray[np.uint16],
    quantiles: NDArray[np.float32],
    shot_variance: np.float32,
    read_variance: np.float32,
    encode: NDArray[np.uint8],
    picture: NDArray[np.uint8],
) -> None:
    """Write light (n,) with its noise to the picture (n,), through a table of 2^16 steps."""
    full, half, zero = np.float32(65535), np.float32(0.5), np.float32(0)
    for i in range(light.size):
        noise = np.sqrt(shot_variance * light[i] + read_variance) * quantiles[draws[i]]
        picture[i] = encode[int(min(max((light[i] + noise) * full + half, zero), full))]


def _child(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator of its own for one purpose, so that however much it yields, `rng` has moved on by the same."""
    return np.random.Generator(np.random.SFC64(rng.integers(2**63)))


def _divided(numerator: np.float32, values: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return numerator / values where allowed, and 0 elsewhere."""
    with np.errstate(divide="ignore"):
        return cast(NDArray[np.float32], np.where(where, numerator / values, np.float32(0)))


def _behind_edges(disparity: NDArray[np.float32], width_px: float) -> NDArray[np.bool_]:
    """Return which pixels lie behind an edge, no more than `width_px` from the nearer surface's last pixel."""
    lowest_neighbor = cv2.erode(disparity, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    rim = np.where(disparity - lowest_neighbor > 1, disparity, np.float32(0))
    offset = np.arange(-int(width_px), int(width_px) + 1)
    disc = (offset[:, None] ** 2 + offset[None, :] ** 2 <= width_px**2).astype(np.uint8)
    return cv2.dilate(rim, disc) - disparity > 1
