"""Procedural textures that tile without a seam, and image files in their place.

Every pattern is `name(colors, frequency, size, rng)`: three sRGB colours in [0, 1], how often it repeats across the
unit square, the side in pixels, and a generator that is the only source of variety. It returns (size, size, 3) uint8
sRGB. It tiles because it is built from nothing but waves of whole numbers of cycles, spectra on whole frequencies, and
grids of cells that wrap around. Hard edges are ramped over a pixel: magnified, a staircase would show.
"""

from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtr

from graspsim.errors import SpecError
from graspsim.images import IMAGE_ENDINGS
from graspsim.jit import compiled
from graspsim.registry import load
from graspsim.scene import RGB, Texture

Colors = tuple[RGB, RGB, RGB]
Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

_EDGE_PX = 1.25  # width over which a hard edge is ramped


def make_texture(texture: Texture, size: int = 256) -> Image:
    """Return a texture as (h, w, 3) uint8 sRGB: `size` pixels square, or twice that for an image file.

    An image file is stretched to the whole unit square, whatever its aspect ratio and the texture's frequency.

    Raises:
        UnknownNameError: if there is no such kind of texture.
        SpecError: if the image file cannot be read.
    """
    if texture.kind == "image":
        return _read_image(texture.image, 2 * size)
    pattern = cast(Callable[[Colors, int, int, np.random.Generator], Image], load("texture", texture.kind))
    return pattern(texture.colors, texture.frequency, size, np.random.default_rng(texture.seed))


def flat(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return the first colour everywhere, as (size, size, 3) uint8 sRGB."""
    zero = np.zeros((size, size), np.float32)
    return _blend(colors, zero, zero)


def checker(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return tiles of the first two colours, upright or on edge, some with grout of the third, as `flat` does."""
    on_edge = bool(rng.random() < 0.3)
    shift_x, shift_y = rng.random(2)
    grout = max(0.0, rng.uniform(-0.06, 0.08))
    waves = ((frequency, frequency), (frequency, -frequency)) if on_edge else ((frequency, 0), (0, frequency))
    across = _triangle_wave(_phase(*waves[0], size) + np.float32(shift_x))
    along = _triangle_wave(_phase(*waves[1], size) + np.float32(shift_y))
    # A triangle wave climbs by 4 per period, so `slope` of it lie under one pixel.
    slope = 4 * float(np.hypot(*waves[0])) / size
    ramp = 2 / (slope * _EDGE_PX)
    tiles = 0.5 - 0.5 * np.clip(across * ramp, -1, 1) * np.clip(along * ramp, -1, 1)
    lines = np.zeros_like(tiles)
    if grout > 0.0:
        lines = _line(np.minimum(np.abs(across), np.abs(along)) * np.float32(1 / slope), max(2 * grout / slope, 0.6))
    return _blend(colors, tiles * (1 - lines), lines)


def stripes(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return bands of the three colours along a random one of four directions, as (size, size, 3) uint8 sRGB."""
    wave_x, wave_y = _direction(rng)
    first_end, second_end, _ = np.cumsum(rng.dirichlet((4.0, 4.0, 4.0))).tolist()
    phase = _phase(frequency * wave_x, frequency * wave_y, size) + np.float32(rng.random())
    period_px = float(size / (frequency * np.hypot(wave_x, wave_y)))
    second = _band(phase, 0.0, first_end, period_px)
    return _blend(colors, second, _band(phase, first_end, second_end, period_px))


def gradient(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return the three colours flowing into each other in soft waves, as (size, size, 3) uint8 sRGB."""
    wave_x, wave_y = _direction(rng)
    shift, bend_shift = rng.random(2)
    bend = rng.uniform(0.0, 0.18)
    # Bent by a slower wave across it: straight bands of equal width are what real surfaces never show.
    crossing = _phase(-wave_y or 1, wave_x, size) + np.float32(bend_shift)
    phase = _phase(frequency * wave_x, frequency * wave_y, size) + np.float32(shift)
    phase += np.float32(bend) * np.sin(2 * np.pi * crossing, dtype=np.float32)
    # Each colour leads in a third of the period and is gone from another, so that all three are seen pure.
    shares = [np.maximum(0.5 + np.cos(2 * np.pi * (phase - np.float32(i / 3))), 0) for i in range(3)]
    total = shares[0] + shares[1] + shares[2]
    return _blend(colors, shares[1] / total, shares[2] / total)


def noise(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return clouds that run from the first over the second to the third colour, as (size, size, 3) uint8 sRGB."""
    slope = rng.uniform(1.4, 3.0)
    level = ndtr(_field(frequency, frequency, size, rng, slope=slope))
    return _blend(colors, 1 - np.abs(2 * level - 1), np.clip(2 * level - 1, 0, 1))


def cells(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return a mosaic between the first two colours with joints of the third, as (size, size, 3) uint8 sRGB.

    After Worley, "A cellular texture basis function", SIGGRAPH 1996.
    """
    count = min(2 * frequency, size // 4)
    edge_px, owner = _voronoi(count, size, rng)
    share = rng.beta(0.5, 0.5, count * count).astype(np.float32)
    joint_px = max(rng.uniform(0.01, 0.08) * size / count, 0.6)
    joints = _line(edge_px, joint_px)
    return _blend(colors, share[owner] * (1 - joints), joints)


def wood(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return a sawn board: growth rings from the first to the second colour, pores of the third, as `flat` does."""
    rings = min(3 * frequency, size // 8)
    wander = rng.uniform(0.15, 0.6) * rings / frequency
    phase = _phase(rings, 0, size) + np.float32(wander) * _field(frequency, 0.2 * frequency + 0.2, size, rng, slope=4.0)
    phase -= np.floor(phase)
    # Early wood darkens slowly into late wood, which ends at once where the next spring begins.
    drop = max(0.12, 2 * _EDGE_PX * rings / size)
    late = np.minimum((phase / np.float32(1 - drop)) ** 2, (1 - phase) / np.float32(drop))
    fibres = _field(24 * frequency, 1.5 * frequency, size, rng, slope=1.5)
    pores = np.clip((fibres - 0.9) * 0.45, 0, 0.7) * (1 - 0.5 * late)
    late = np.clip(late + 0.07 * fibres, 0, 1)
    image = _blend(colors, late * (1 - pores), pores)
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if rng.random() < 0.5 else image


def marble(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return stone clouded from the first to the second colour, with veins of the third, as (size, size, 3) uint8 sRGB.

    Veins are the zeros of a wave distorted by turbulence, after Perlin, "An image synthesizer", SIGGRAPH 1985.
    """
    wave_x, wave_y = _direction(rng)
    turbulence = rng.uniform(0.15, 0.4)
    width_px = rng.uniform(0.006, 0.016) * size / frequency
    cloud = _field(frequency, frequency, size, rng, slope=2.4)
    warp = _field(frequency, frequency, size, rng, slope=2.8)
    bands = _triangle_wave(_phase(frequency * wave_x, frequency * wave_y, size) + np.float32(turbulence) * warp)
    # A vein swells and thins out along its way, down to nothing.
    veins = _vein(bands, width_px) * np.clip(0.75 + 0.6 * cloud, 0.1, 1)
    hairlines = _vein(warp + 0.5 * cloud, 0.4 * width_px) * np.clip(0.3 - 0.5 * cloud, 0, 0.7)
    third = np.maximum(veins, hairlines)
    return _blend(colors, np.clip(0.35 + 0.45 * cloud, 0, 1) * (1 - third), third)


def speckle(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return terrazzo: chips of the second and third colour, large and small, in the first; (size, size, 3) uint8."""
    count = min(4 * frequency, size // 5)
    edge_px, owner = _voronoi(count, size, rng)
    # The margin shrinks each cell to a chip; past the cell's half width the chip is gone.
    margin_px = np.maximum(size / count * rng.uniform(0.04, 0.5, count * count), 0.6).astype(np.float32)
    share = (rng.random(count * count) < 0.4).astype(np.float32)
    chips = np.clip((edge_px - margin_px[owner]) / _EDGE_PX + np.float32(0.5), 0, 1)
    third = share[owner] * chips
    second = chips - third
    grain = 2.4 * _field(16 * frequency, 16 * frequency, size, rng, slope=2.0)
    second += np.clip(grain - 4, 0, 0.8) * (1 - chips)
    third += np.clip(-grain - 4, 0, 0.8) * (1 - chips)
    return _blend(colors, second, third)


def _blend(colors: Colors, second: Plane, third: Plane) -> Image:
    """Mix the colours; `second` and `third` (h, w) are the shares of two of them, and the first gets the rest."""
    image = np.empty((*second.shape, 3), dtype=np.uint8)
    _mix((255 * np.array(colors)).astype(np.float32), second.astype(np.float32), third.astype(np.float32), image)
    return image


@compiled
def _mix(colors: NDArray[np.float32], second: Plane, third: Plane, image: Image) -> None:
    low, high, half = np.float32(0), np.float32(255), np.float32(0.5)
    for c in range(3):
        first_value = colors[0, c] + half
        to_second, to_third = colors[1, c] - colors[0, c], colors[2, c] - colors[0, c]
        for y in range(second.shape[0]):
            for x in range(second.shape[1]):
                value = first_value + second[y, x] * to_second + third[y, x] * to_third
                image[y, x, c] = np.uint8(min(max(value, low), high))


def _phase(cycles_x: int, cycles_y: int, size: int) -> Plane:
    """Return (size, size) phases, in cycles, of a plane wave that fits the unit square a whole number of times."""
    center = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    return cast(Plane, cycles_x * center[None, :] + cycles_y * center[:, None])


def _direction(rng: np.random.Generator) -> tuple[int, int]:
    """Return one of the four directions in which a periodic wave keeps about the wavelength that was asked for."""
    wave_x, wave_y = ((1, 0), (0, 1), (1, 1), (1, -1))[rng.integers(4)]
    return wave_x, wave_y


def _triangle_wave(phase: Plane) -> Plane:
    """Return a wave of period 1 that runs straight from -1 to 1 and back."""
    return cast(Plane, 4 * np.abs(phase - np.floor(phase) - np.float32(0.5)) - 1)


def _line(distance_px: Plane, half_width_px: float) -> Plane:
    """Return the coverage of a line, given the distance from its middle."""
    return cast(Plane, np.clip((half_width_px - distance_px) / _EDGE_PX + np.float32(0.5), 0, 1))


def _band(phase: Plane, start: float, end: float, period_px: float) -> Plane:
    """Return the coverage of the part of each period from `start` to `end`."""
    half = (end - start) / 2
    offset = phase - np.float32(start + half)
    return _line(np.abs(offset - np.rint(offset)) * np.float32(period_px), half * period_px)


def _vein(field: Plane, width_px: float) -> Plane:
    """Return how strongly a vein shows along the field's zeros, softly, `width_px` to either side."""
    # Dividing by the slope turns the field's value into a distance, so that steep places do not thin the vein out.
    down = np.roll(field, -1, axis=0) - field
    right = np.roll(field, -1, axis=1) - field
    distance_px = np.abs(field) / np.sqrt(down * down + right * right + np.float32(1e-6))
    return np.exp(-distance_px / np.float32(max(width_px, 0.7)))


def _field(cycles_x: float, cycles_y: float, size: int, rng: np.random.Generator, *, slope: float) -> Plane:
    """Return a (size, size) periodic Gaussian field of mean 0 and standard deviation 1.

    Its amplitude spectrum peaks about the given cycles per unit and falls off with the power -`slope` above them. The
    discrete Fourier transform makes it periodic, and unlike lattice noise it has no grid that shows.
    """
    wave_x = np.arange(size // 2 + 1, dtype=np.float32) / np.float32(cycles_x)
    wave_y = fft.fftfreq(size, 1 / size).astype(np.float32) / np.float32(cycles_y)
    squared = wave_y[:, None] ** 2 + wave_x[None, :] ** 2
    amplitude = np.sqrt(squared) * (1 + squared) ** np.float32(-(slope + 1) / 2)
    white = rng.standard_normal((*amplitude.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    field = fft.irfft2(white * amplitude, s=(size, size))
    return cast(Plane, field / field.std())


def _voronoi(count: int, size: int, rng: np.random.Generator) -> tuple[Plane, NDArray[np.intp]]:
    """Divide the unit square among count² scattered points, periodically.

    Returns each pixel's distance from the nearest border and the number of the cell that owns it, both (size, size).
    """
    wrapped = np.arange(-1, count + 1) % count
    # Points keep clear of their square's rim: then the nearest two are practically always in the 3 × 3 squares around.
    jitter = rng.uniform(0.1, 0.9, (2, count, count)).astype(np.float32)[:, wrapped][:, :, wrapped]
    edge_px, owner = _search_points(jitter, wrapped[:, None] * count + wrapped[None, :], size)
    # Rolled at random: the unit square's rim, a border between squares, would else be one between cells too often.
    shift = rng.integers(size, size=2)
    return np.roll(edge_px, shift, (0, 1)), np.roll(owner, shift, (0, 1))


@compiled
def _search_points(jitter: Plane, numbers: NDArray[np.intp], size: int) -> tuple[Plane, NDArray[np.intp]]:
    """Find each pixel's nearest point and border among the 3 × 3 squares around it, as `_voronoi` returns them.

    `jitter` (2, n + 2, n + 2) is x and y in each square and `numbers` (n + 2, n + 2) its cell; both are wrapped by one.
    """
    squares_per_px, half = np.float32(len(numbers) - 2) / np.float32(size), np.float32(0.5)
    edge_px, owner = np.empty((size, size), np.float32), np.empty((size, size), np.intp)
    to_x, to_y = np.empty(9, np.float32), np.empty(9, np.float32)
    for v in range(size):
        y = (np.float32(v) + half) * squares_per_px
        for u in range(size):
            x = (np.float32(u) + half) * squares_per_px
            nearest, own = np.float32(np.inf), 0
            for i in range(9):
                row, column = int(y) + i // 3, int(x) + i % 3
                to_x[i] = np.float32(column - 1) + jitter[0, row, column] - x
                to_y[i] = np.float32(row - 1) + jitter[1, row, column] - y
                squared = to_x[i] * to_x[i] + to_y[i] * to_y[i]
                if squared < nearest:
                    nearest, own = squared, i
            # The border with a neighbour is the two points' bisector, at a distance of (d² - d₀²) / (2 |p - p₀|).
            edge = np.float32(np.inf)
            for i in range(9):
                if i != own:
                    rise = to_x[i] * to_x[i] + to_y[i] * to_y[i] - nearest
                    gap_x, gap_y = to_x[i] - to_x[own], to_y[i] - to_y[own]
                    edge = min(edge, rise * rise / (gap_x * gap_x + gap_y * gap_y))
            edge_px[v, u] = half * np.sqrt(edge) / squares_per_px
            owner[v, u] = numbers[int(y) + own // 3, int(x) + own % 3]
    return edge_px, owner


def _read_image(path: str | None, size: int) -> Image:
    if path is None:
        raise SpecError("A texture of kind 'image' needs the path of an image file; got None.")
    try:
        # From memory, because cv2.imread prints warnings of its own.
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise SpecError(f"The image {path!r} cannot be read: {error}.") from error
    if image is None:
        raise SpecError(f"The image {path!r} cannot be decoded; allowed endings: {', '.join(IMAGE_ENDINGS)}.")
    return cast(Image, cv2.cvtColor(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB))
