"""Portraits of objects, each standing on a table in the same light, as tiles for a contact sheet."""

import colorsys

import numpy as np

from graspsim.dataset.pictures import Image, captioned
from graspsim.geometry import Intrinsics, look_at
from graspsim.models import ObjectModel
from graspsim.render.raster import RasterRenderer
from graspsim.scene import IDENTITY, RGB, Body, Box, Fixture, Light, Material, Scene, Texture

TILE_PX = 240
FOCAL_PX = 2.4 * TILE_PX
DISTANCE = 2.75  # diameters, at which the object fills the tile
TURN_DEG, RISE_DEG = -55.0, 32.0
_GOLDEN = 0.618  # of a turn around the colour wheel from one slot to the next


def object_tile(title: str, model: ObjectModel, number: int) -> Image:
    """Return a model's portrait (height, TILE_PX, 3) with its title and size below; the number decides its colour."""
    size = " x ".join(f"{1000 * extent:.0f}" for extent in model.extents_m)
    return captioned(portrait(model, hue=number * _GOLDEN**2), title, f"{size} mm", size=0.4)


def portrait(model: ObjectModel, hue: float = 0.0, size_px: int = TILE_PX) -> Image:
    """Return a picture (size_px, size_px, 3) of a model on a table, each of its slots in a colour of its own.

    A model with a texture of its own shows that one.
    """
    slots = range(len(model.slots))
    materials = tuple(
        Material(None if model.texture is not None else _plain(_color(hue + _GOLDEN * n)), 0.45, 0.0) for n in slots
    )
    body = Body(1, 1, True, 0.1, 0.5, 0.0, 0.0, 0.0, materials, IDENTITY)
    side, thickness = 20 * model.diameter_m, 0.01
    below = (0.0, 0.0, -model.extents_m[2] / 2 - thickness / 2)
    paper = Material(_plain((0.82, 0.82, 0.80)), 1.0, 0.0)
    table = Fixture("table", 2, (Box((side, side, thickness), below),), 0.5, 0.0, paper, 1.0)
    key = Light("directional", (-0.4, -1.0, 1.6), (0.75, 0.73, 0.7), 0.03 * model.diameter_m, True)
    scene = Scene(0, 0, "tabletop", 1.0, (body,), (table,), (key,), (0.5,) * 3, (0.38,) * 3, None, 0.0, 1)
    turn, rise = np.radians(TURN_DEG), np.radians(RISE_DEG)
    towards = np.array([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)])
    k = Intrinsics(
        size_px, size_px, FOCAL_PX * size_px / TILE_PX, FOCAL_PX * size_px / TILE_PX, size_px / 2, size_px / 2
    )
    eye = DISTANCE * model.diameter_m * towards
    renderer = RasterRenderer(scene, {1: model}, supersampling=2, shadow_size=512)
    frame = renderer.render(np.array([IDENTITY]), k, look_at(eye, (0, 0, 0)), ("rgb",))
    assert frame.rgb is not None
    return frame.rgb


def _color(hue: float) -> RGB:
    return colorsys.hsv_to_rgb(hue % 1.0, 0.55, 0.85)


def _plain(color: RGB) -> Texture:
    return Texture("flat", (color, color, color), 1, 0)
