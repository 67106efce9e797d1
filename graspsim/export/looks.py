"""Colours for objects that leave without a scene to draw their materials."""

import re
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.models import ObjectModel
from graspsim.scene import RGB

# Ten colours that are told apart with ease (Tableau 10), sRGB.
_PALETTE = (0x4E79A7, 0xF28E2B, 0x59A14F, 0xE15759, 0x76B7B2, 0xEDC948, 0xB07AA1, 0x9C755F, 0xFF9DA7, 0xBAB0AC)
_SWATCH_PX = 16


def slots_shown(model: ObjectModel) -> list[int]:
    """Return the slots that at least one face shows, ascending."""
    return [int(slot) for slot in np.unique(model.mesh.face_slots)]


def slot_color(name: str, slot: int) -> RGB:
    """Return the sRGB colour of a slot of the object called `name`: it depends on nothing else."""
    color = _PALETTE[(zlib.crc32(name.encode()) + slot) % len(_PALETTE)]
    return (color >> 16) / 255, (color >> 8 & 255) / 255, (color & 255) / 255


def material_name(name: str, model: ObjectModel, slot: int) -> str:
    """Return a name for the material of a slot, without spaces and unlike that of any other slot or object."""
    return f"{name}_{slot}_" + re.sub(r"\W+", "_", model.slots[slot].name, flags=re.ASCII)


def one_texture(name: str, model: ObjectModel) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return one image (h, w, 3) sRGB for the whole object and the corner UVs (m, 3, 2) that refer to it.

    Simulators know one texture per mesh, and PyBullet's window one per link. Of an object without a texture of its
    own, the image holds a patch of colour per slot, and where there is more than one, the UVs point into the patches.
    """
    if model.texture is not None:
        return model.texture, model.mesh.corner_uvs
    count = int(model.mesh.face_slots.max()) + 1
    colors = np.round([np.array(slot_color(name, slot)) * 255 for slot in range(count)]).astype(np.uint8)
    image = np.repeat(np.repeat(colors[None], _SWATCH_PX, axis=0), _SWATCH_PX, axis=1)
    if count == 1:
        return image, model.mesh.corner_uvs
    uvs = np.full((len(model.mesh.faces), 3, 2), 0.5, dtype=np.float32)
    uvs[:, :, 0] = ((model.mesh.face_slots + 0.5) / count)[:, None]
    return image, uvs


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Return an sRGB image (h, w, 3) as PNG."""
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
