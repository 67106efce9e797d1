"""Heads of hammers and what joins them to handles. The handle lies along x, the head's striking axis along y."""

import numpy as np

from graspsim.assembly import assembled
from graspsim.geometry import rotation_about, transform
from graspsim.models import ObjectModel, Slot
from graspsim.shapes import symmetry_group
from graspsim.solids import Solid, rounded_box, turned

from ._sheets import bar, bent, curve, plan

STEEL, WOOD = Slot("steel head", 7.8), Slot("wooden handle", 0.65)
RUBBER, FIBRE = Slot("rubber head", 1.2), Slot("fibreglass handle", 1.9)
X = np.array([1.0, 0, 0])
# z to y, and for the claw x to -y, y to z and z to -x, where the handle is.
ALONG_Y = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
BACKWARD = np.array([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]])
EYE = 0.065
"""How far the axis of a head lies from the handle's end, over the length."""


def hammer(kind: str, length_m: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    """Return a claw hammer, a ball-peen hammer or a mallet."""
    size = length_m * head_ratio
    symmetries = symmetry_group(rotation_about(X, np.pi)) if kind == "mallet" else symmetry_group()
    head, slot = {"claw_hammer": _claw, "ball_hammer": _ball, "mallet": _mallet}[kind](size, rng)
    # A mallet's head reaches further than the eye; the handle then ends inside it.
    overhang = max(0.0, *(solid.mesh.vertices[:, 0].max() - EYE * size for solid in head))
    end = length_m - overhang
    at = transform(translation=(end - EYE * size, 0, 0))
    slots = (slot, (WOOD, FIBRE)[rng.integers(2)])
    eye = 0.032 * size
    solids = [*((solid.moved(at), 0) for solid in head), (_handle(end, 0.05 * grip_ratio * length_m, eye, rng), 1)]
    return assembled(kind, solids, symmetries, slots)


def _handle(length: float, half: float, eye: float, rng: np.random.Generator) -> Solid:
    """Return a handle whose end is small enough for the eye of a head."""
    butt, slim, cap = rng.uniform(0.95, 1.15), rng.uniform(0.65, 0.8), 0.02 * length
    shape = curve(
        length * np.array([0, 0.06, 0.3, 0.6, 0.85, 1]), [butt * half, butt * half, half, slim * half, eye, eye]
    )
    deep = rng.uniform(0.72, 0.85)
    return bar(np.linspace(cap, length, 13), shape, lambda x: 2 * deep * shape(x), caps=((cap, 3), (0, 0)))


def _face(size: float, start: float) -> list[tuple[float, float]]:
    """Return rows (r, z) of a striking face whose neck leaves the head at a height."""
    r, end = 0.062 * size, 0.2 * size
    return [(0.036 * size, start), (0.036 * size, 0.085 * size), (r, 0.11 * size), (r, end - 0.1 * r), (0.88 * r, end)]


def _claw(size: float, rng: np.random.Generator) -> tuple[list[Solid], Slot]:
    eye = rounded_box((0.12 * size, 0.13 * size, 0.105 * size), 0.02 * size, 2)
    face = _face(size, 0.0)
    poll = turned([(0, 0), *face, (0, face[-1][1])], 32).moved(transform(ALONG_Y))
    reach, drop = 0.22 * size, rng.uniform(0.07, 0.1) * size
    thick = curve(reach * np.array([0, 0.25, 1]), size * np.array([0.085, 0.06, 0.014]))
    half = curve(reach * np.array([0, 0.4, 1]), size * np.array([0.042, 0.052, 0.056]))
    x = reach * np.array([0, 0.18, 0.36, 0.5, 0.65, 0.8, 0.92, 1])
    # The slit between the claws grows from nearly nothing.
    slit = np.interp(x, reach * np.array([0.36, 1]), [0.06, 0.4])[:, None]
    across = np.concatenate([-1 + 0 * slit, -slit, slit, 1 + 0 * slit], axis=1)
    at = plan(x, half, across)
    sheet = bent(at, lambda u, v: drop * (u / reach) ** 2, thick(at.xy[..., 0]))
    filled = np.ones((len(x) - 1, 3), dtype=bool)
    filled[2:, 1] = False
    parts = sheet.strip(slice(0, 3), slice(None), 2)
    parts += [part for side in (slice(0, 2), slice(2, 4)) for part in sheet.strip(slice(2, None), side, 5)]
    return [eye, poll, Solid(sheet.mesh(filled), tuple(parts)).moved(transform(BACKWARD))], Slot("steel head", 7.8)


def _ball(size: float, rng: np.random.Generator) -> tuple[list[Solid], Slot]:
    r = rng.uniform(0.05, 0.06) * size
    neck = 0.036 * size
    angle = np.linspace(-np.pi / 2, np.arccos(neck / r) - 1e-9, 11)
    center = -0.17 * size
    ball = np.stack([r * np.cos(angle), center + r * np.sin(angle)], axis=1)
    ball[0, 0] = 0
    block = [(neck, -0.075 * size), (0.058 * size, -0.055 * size), (0.058 * size, 0.05 * size), (neck, 0.065 * size)]
    rows = [*ball, *block, *_face(size, 0.07 * size)[1:], (0, 0.2 * size)]
    return [turned(rows, 32).moved(transform(ALONG_Y))], STEEL


def _mallet(size: float, rng: np.random.Generator) -> tuple[list[Solid], Slot]:
    half = rng.uniform(0.17, 0.21) * size
    if rng.random() < 0.5:
        r = rng.uniform(0.1, 0.13) * size
        edge = 0.12 * r
        rows = [(r - edge, -half), (r, edge - half), (r, half - edge), (r - edge, half)]
        drum = turned([(0, -half), *rows, (0, half)], 40).moved(transform(ALONG_Y))
        return [drum], RUBBER
    wide, deep = rng.uniform(0.17, 0.21) * size, rng.uniform(0.2, 0.25) * size
    return [rounded_box((deep, 2 * half, wide), 0.012 * size, 2)], Slot("wooden head", 0.65)
