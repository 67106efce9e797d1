"""Procedural textures that tile without a seam, and image files in their place.

Every pattern is `name(colors, frequency, size, rng)`: three sRGB colours in [0, 1], how often it repeats across the
unit square, the side in pixels, and a generator that is the only source of variety. It returns (size, size, 3) uint8
sRGB. What makes a pattern periodic is that it is built from nothing but waves with whole numbers of cycles, spectra on
the whole-number frequencies, and grids of cells that wrap around. Hard edges are ramped over about a pixel, since a
texture is magnified wherever a surface is near and a staircase would then show.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtr

from graspsim.errors import SpecError
from graspsim.registry import load
from graspsim.scene import RGB, Texture

Colors = tuple[RGB, RGB, RGB]
Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
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


def list_images(folder: str | Path) -> tuple[str, ...]:
    """Return the paths of the image files directly in a folder, sorted.

    Raises:
        SpecError: if the folder does not exist or holds no image file.
    """
    allowed = ", ".join(IMAGE_ENDINGS)
    if not Path(folder).is_dir():
        raise SpecError(f"There is no folder {str(folder)!r} to take images ({allowed}) from.")
    images = sorted(str(path) for path in Path(folder).iterdir() if path.suffix.lower() in IMAGE_ENDINGS)
    if not images:
        raise SpecError(f"The folder {str(folder)!r} holds no image; allowed endings: {allowed}.")
    return tuple(images)


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
    if grout == 0.0:
        return _blend(colors, tiles, np.zeros_like(tiles))
    half_width_px = max(2 * float(grout) / slope, 0.6)
    lines = _line(np.minimum(np.abs(across), np.abs(along)) / np.float32(slope), half_width_px)
    return _blend(colors, tiles * (1 - lines), lines)


def stripes(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return bands of the three colours along a random one of four directions, as (size, size, 3) uint8 sRGB."""
    wave_x, wave_y = _direction(rng)
    shift = rng.random()
    ends = np.cumsum(rng.dirichlet((4.0, 4.0, 4.0)))[:2]
    phase = _phase(frequency * wave_x, frequency * wave_y, size) + np.float32(shift)
    pixels = np.float32(size / (frequency * np.hypot(wave_x, wave_y)))  # in one period
    second = _band(phase, 0.0, float(ends[0]), pixels)
    third = _band(phase, float(ends[0]), float(ends[1]), pixels)
    return _blend(colors, second, third)


def gradient(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return the three colours flowing into each other in soft waves, as (size, size, 3) uint8 sRGB."""
    wave_x, wave_y = _direction(rng)
    shift, bend_shift = rng.random(2)
    bend = rng.uniform(0.0, 0.18)
    # Bent by a slower wave across it: straight bands of equal width are what real surfaces never show.
    crossing = _phase(-wave_y or 1, wave_x, size) + np.float32(bend_shift)
    phase = _phase(frequency * wave_x, frequency * wave_y, size) + np.float32(shift)
    phase += np.float32(bend) * np.sin(2 * np.pi * crossing, dtype=np.float32)
    # Each colour's share is a raised cosine: they sum to 1 and are nowhere kinked.
    shares = [(1 + 2 * np.cos(2 * np.pi * (phase - np.float32(i / 3)), dtype=np.float32)) / 3 for i in range(3)]
    shares = [np.clip(share * 1.5, 0, None) for share in shares]
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
    veins = _vein(bands, np.float32(width_px)) * np.clip(0.75 + 0.6 * cloud, 0.1, 1)
    hairlines = _vein(warp + 0.5 * cloud, np.float32(0.4 * width_px)) * np.clip(0.3 - 0.5 * cloud, 0, 0.7)
    third = np.maximum(veins, hairlines)
    return _blend(colors, ndtr(1.4 * cloud - 0.4) * (1 - third), third)


def speckle(colors: Colors, frequency: int, size: int, rng: np.random.Generator) -> Image:
    """Return terrazzo: chips of the second and third colour, large and small, in the first; (size, size, 3) uint8."""
    count = min(4 * frequency, size // 5)
    edge_px, owner = _voronoi(count, size, rng)
    cell_px = size / count
    # The margin shrinks each cell to a chip; past the cell's half width the chip is gone.
    margin_px = np.maximum(cell_px * rng.uniform(0.04, 0.5, count * count), 0.6).astype(np.float32)
    share = (rng.random(count * count) < 0.4).astype(np.float32)
    chips = np.clip((edge_px - margin_px[owner]) / _EDGE_PX + np.float32(0.5), 0, 1)
    third = share[owner] * chips
    second = chips - third
    grain = _field(16 * frequency, 16 * frequency, size, rng, slope=2.0) * (1 - chips)
    second += np.clip(2.4 * (grain - np.float32(1.7)), 0, 0.8)
    third += np.clip(2.4 * (-grain - np.float32(1.7)), 0, 0.8)
    return _blend(colors, second, third)


def _blend(colors: Colors, second: Plane, third: Plane) -> Image:
    """Mix the colours; `second` and `third` (h, w) are the shares of two of them, and the first gets the rest."""
    first_rgb, second_rgb, third_rgb = 255 * np.array(colors)
    matrix = np.stack([second_rgb - first_rgb, third_rgb - first_rgb, first_rgb], axis=1).astype(np.float32)  # (3, 3)
    shares = cv2.merge([second.astype(np.float32, copy=False), third.astype(np.float32, copy=False)])
    return cast(Image, cv2.convertScaleAbs(cv2.transform(shares, matrix)))


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


def _band(phase: Plane, start: float, end: float, pixels: np.float32) -> Plane:
    """Return the coverage of the part of each period from `start` to `end`; a period is so many pixels long."""
    half = (end - start) / 2
    offset = phase - np.float32(start + half)
    return _line(np.abs(offset - np.rint(offset)) * pixels, half * float(pixels))


def _vein(field: Plane, width_px: np.float32) -> Plane:
    """Return how strongly a vein shows along the field's zeros, softly, `width_px` to either side."""
    # Dividing by the slope turns the field's value into a distance, so that steep places do not thin the vein out.
    down = np.roll(field, -1, axis=0) - field
    right = np.roll(field, -1, axis=1) - field
    distance_px = np.abs(field) / np.sqrt(down * down + right * right + np.float32(1e-6))
    return np.exp(-distance_px / max(width_px, np.float32(0.7)))


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

    Returns each pixel's distance in pixels from the nearest border between two cells, and the number of the cell that
    owns it, both (size, size).
    """
    wrapped = np.arange(-1, count + 1) % count
    # Points keep clear of their square's rim: then the nearest two are practically always in the 3 × 3 squares around.
    jitter = rng.uniform(0.1, 0.9, (2, count, count)).astype(np.float32)[:, wrapped][:, :, wrapped]
    numbers = wrapped[:, None] * count + wrapped[None, :]
    return cast(tuple[Plane, NDArray[np.intp]], _search_points(jitter, numbers, size))


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _search_points(jitter: Plane, numbers: NDArray[np.intp], size: int) -> tuple[Plane, NDArray[np.intp]]:
    """Find each pixel's nearest two points among the 3 × 3 squares around it.

    `jitter` (2, n + 2, n + 2) is the points' x and y in their squares, and `numbers` (n + 2, n + 2) the cells' numbers,
    both on the grid of squares wrapped by one. Returns what `_voronoi` does.
    """
    squares_per_px = np.float32(len(numbers) - 2) / np.float32(size)
    half, infinity = np.float32(0.5), np.float32(np.inf)
    edge_px = np.empty((size, size), np.float32)
    owner = np.empty((size, size), np.intp)
    for v in range(size):
        y = (np.float32(v) + half) * squares_per_px
        for u in range(size):
            x = (np.float32(u) + half) * squares_per_px
            nearest = second = infinity
            nearest_x = nearest_y = second_x = second_y = np.float32(0)
            number = 0
            for row in range(int(y), int(y) + 3):
                for column in range(int(x), int(x) + 3):
                    to_x = np.float32(column - 1) + jitter[0, row, column] - x
                    to_y = np.float32(row - 1) + jitter[1, row, column] - y
                    squared = to_x * to_x + to_y * to_y
                    if squared < nearest:
                        second, second_x, second_y = nearest, nearest_x, nearest_y
                        nearest, nearest_x, nearest_y = squared, to_x, to_y
                        number = numbers[row, column]
                    elif squared < second:
                        second, second_x, second_y = squared, to_x, to_y
            # The border is the two points' bisector: its distance is (d₂² - d₁²) / (2 |p₂ - p₁|).
            gap = np.sqrt((second_x - nearest_x) ** 2 + (second_y - nearest_y) ** 2)
            edge_px[v, u] = (second - nearest) / (2 * gap * squares_per_px)
            owner[v, u] = number
    return edge_px, owner


def _read_image(path: str | None, size: int) -> Image:
    if path is None:
        raise SpecError("A texture of kind 'image' needs the path of an image file; got None.")
    try:
        # Decoded from memory, because cv2.imread prints warnings of its own for what is not an image.
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise SpecError(f"The image {path!r} cannot be read: {error}.") from error
    if image is None:
        raise SpecError(f"The image {path!r} cannot be decoded; allowed endings: {', '.join(IMAGE_ENDINGS)}.")
    return cast(Image, cv2.cvtColor(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB))
