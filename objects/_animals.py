"""Animals of a few parts, which stand on the floor and look towards +x.

In what follows s is the size over that of a common one, and t the thickness of parts over that.
"""

import numpy as np

from graspsim.assembly import assembled
from graspsim.geometry import Array, transform
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.shapes import circle
from graspsim.solids import Solid, ellipsoid, hull, limited, swept, turned


def animal(kind: str, size_ratio: float, stoutness: float, rng: np.random.Generator) -> ObjectModel:
    """Return a dog, a giraffe, a duck or a fish; its pose and finer proportions are drawn."""
    build = {"dog": _dog, "giraffe": _giraffe, "duck": _duck, "fish": _fish}[kind]
    return build(size_ratio, stoutness, rng)


def _dog(s: float, t: float, rng: np.random.Generator) -> ObjectModel:
    body = _ball((0.034 * s, 0.019 * s * t, 0.018 * s * t), (0, 0, 0.036 * s))
    legs = _legs(0.021 * s, 0.0105 * s, 0.036 * s, 0.0062 * s * t)
    head = _ball((0.0155 * s, 0.0145 * s, 0.0145 * s), (0.036 * s, 0, 0.058 * s))
    neck = swept(_line((0.018 * s, 0, 0.04 * s), (0.036 * s, 0, 0.058 * s)), circle(16) * 0.0098 * s, max_parts=1)
    snout = _ball((0.013 * s, 0.0075 * s, 0.007 * s), (0.049 * s, 0, 0.055 * s), is_small=True)
    ears = [
        swept(
            _line((0.032 * s, y * 0.011 * s, 0.066 * s), (0.028 * s, y * 0.021 * s, 0.055 * s)),
            circle(8) * (0.0075 * s, 0.0035 * s),
        )
        for y in (-1, 1)
    ]
    curl = rng.uniform(0.01, 0.025) * s
    u = np.linspace(0, 1, 6)
    tail = swept(
        np.stack([-0.03 * s - curl * u, 0 * u, 0.042 * s + 0.026 * s * u * u], axis=1),
        circle(8) * 0.0042 * s * t,
        max_parts=3,
    )
    solids = [
        (body, 0),
        *((leg, 0) for leg in legs),
        (neck, 0),
        (head, 0),
        (snout, 1),
        *((ear, 1) for ear in ears),
        (tail, 0),
    ]
    return assembled("dog", solids, Symmetries(), (Slot("fur"), Slot("ears")))


def _giraffe(s: float, t: float, rng: np.random.Generator) -> ObjectModel:
    body = _ball((0.026 * s, 0.0145 * s * t, 0.0155 * s * t), (0, 0, 0.058 * s))
    legs = _legs(0.0165 * s, 0.0085 * s, 0.058 * s, 0.0048 * s * t)
    lean = rng.uniform(0.015, 0.03) * s
    neck = swept(
        _line((0.016 * s, 0, 0.06 * s), (0.016 * s + lean, 0, 0.125 * s)),
        circle(16) * 0.0068 * s * t,
        np.linspace(1.2, 0.8, 5),
    )
    head = _ball((0.0145 * s, 0.0078 * s, 0.008 * s), (0.022 * s + lean, 0, 0.127 * s))
    horns = [
        swept(
            _line((0.013 * s + lean, y * 0.004 * s, 0.13 * s), (0.012 * s + lean, y * 0.005 * s, 0.143 * s)),
            circle(8) * 0.0024 * s,
        )
        for y in (-1, 1)
    ]
    solids = [(body, 0), *((leg, 0) for leg in legs), (neck, 0), (head, 0), *((horn, 1) for horn in horns)]
    return assembled("giraffe", solids, Symmetries(), (Slot("coat"), Slot("horns")))


def _legs(x: float, y: float, top: float, radius: float) -> list[Solid]:
    """Return four legs from the floor to a height, at ±x, ±y."""
    leg = turned([(0, 0), (1.15 * radius, 0), (radius, 0.3 * top), (radius, top), (0, top)], 16)
    return [leg.moved(transform(translation=(i * x, j * y, 0))) for i in (-1, 1) for j in (-1, 1)]


def _duck(s: float, t: float, rng: np.random.Generator) -> ObjectModel:
    body = _ball((0.034 * s, 0.0245 * s * t, 0.021 * s), (0, 0, 0.021 * s))
    high = rng.uniform(0.048, 0.056) * s
    head = _ball((0.0165 * s, 0.016 * s, 0.016 * s), (0.016 * s, 0, high))
    beak = hull(
        [
            (x * s + 0.016 * s, y * s, z * s + high)
            for x, y, z in [
                (0.01, -0.007, 0.002),
                (0.01, 0.007, 0.002),
                (0.01, -0.007, -0.005),
                (0.01, 0.007, -0.005),
                (0.027, -0.0055, -0.003),
                (0.027, 0.0055, -0.003),
                (0.027, -0.0055, -0.006),
                (0.027, 0.0055, -0.006),
            ]
        ]
    )
    tail = hull(
        [
            (x * s, y * s, z * s)
            for x, y, z in [
                (-0.02, -0.012, 0.016),
                (-0.02, 0.012, 0.016),
                (-0.02, -0.01, 0.03),
                (-0.02, 0.01, 0.03),
                (-0.045, 0.0035, 0.04),
                (-0.045, -0.0035, 0.04),
                (-0.043, 0.0035, 0.036),
                (-0.043, -0.0035, 0.036),
            ]
        ]
    )
    return assembled(
        "duck", [(body, 0), (head, 0), (beak, 1), (tail, 0)], Symmetries(), (Slot("plumage"), Slot("beak"))
    )


def _fish(s: float, t: float, rng: np.random.Generator) -> ObjectModel:
    tall = 0.026 * s * rng.uniform(0.85, 1.1)
    body = _ball((0.046 * s, 0.0145 * s * t, tall), (0, 0, 0))
    thin = 0.0028 * s
    fin = [(-0.035, 0.0), (-0.066, 0.026), (-0.06, 0.002), (-0.066, -0.024)]
    tail = [_fin([fin[0], fin[1], fin[2]], s, thin), _fin([fin[0], fin[2], fin[3]], s, thin)]
    top = tall / s
    dorsal = _fin([(0.016, 0.8 * top), (-0.018, 0.75 * top), (-0.022, top + 0.013), (-0.008, top + 0.012)], s, thin)
    return assembled(
        "fish", [(body, 0), *((f, 1) for f in tail), (dorsal, 1)], Symmetries(), (Slot("scales"), Slot("fins"))
    )


def _ball(radii_m: tuple[float, float, float], center: tuple[float, float, float], is_small: bool = False) -> Solid:
    """Return an ellipsoid; a small one is a single part, which is coarse but does not matter much to the whole."""
    ball = ellipsoid(radii_m, segments=24, steps=12)
    if is_small:
        ball = Solid(ball.mesh, (limited(ball.mesh.vertices),))
    return ball.moved(transform(translation=center))


def _line(start: tuple[float, float, float], stop: tuple[float, float, float]) -> Array:
    """Return points (5, 3) on the way from one place to another."""
    return np.linspace(start, stop, 5)


def _fin(corners: list[tuple[float, float]], scale: float, half: float) -> Solid:
    """Return a flat fin in the plane y = 0 through corners (x, z)."""
    return hull([(x * scale, y, z * scale) for x, z in corners for y in (-half, half)])
