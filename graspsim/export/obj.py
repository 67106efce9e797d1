"""Wavefront OBJ with its materials: metres, z up, normals and UVs per corner, vertices shared."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graspsim.export.looks import encode_png, material_name, one_texture, slot_color, slots_shown
from graspsim.geometry import Array
from graspsim.meshes import Mesh
from graspsim.models import ObjectModel
from graspsim.scene import RGB

WHITE: RGB = (1.0, 1.0, 1.0)


def obj_files(name: str, model: ObjectModel) -> dict[str, bytes]:
    """Return `NAME.obj` with a material per slot, `NAME.mtl`, and the model's texture, if it has one, as `NAME.png`."""
    names = {slot: material_name(name, model, slot) for slot in slots_shown(model)}
    textured = model.texture is not None
    library = [
        encode_material(material, WHITE if textured else slot_color(name, slot), f"{name}.png" if textured else None)
        for slot, material in names.items()
    ]
    files = {} if model.texture is None else {f"{name}.png": encode_png(model.texture)}
    return files | {f"{name}.mtl": b"\n".join(library), f"{name}.obj": encode_obj(model.mesh, f"{name}.mtl", names)}


def visual_files(name: str, model: ObjectModel) -> dict[str, bytes]:
    """Return `visual.obj`, `visual.mtl` and `visual.png`: one material for the whole object, as simulators need it."""
    image, uvs = one_texture(name, model)
    mesh = dataclasses.replace(model.mesh, corner_uvs=uvs, face_slots=np.zeros_like(model.mesh.face_slots))
    return {
        "visual.png": encode_png(image),
        "visual.mtl": encode_material(name, WHITE, "visual.png"),
        "visual.obj": encode_obj(mesh, "visual.mtl", {0: name}),
    }


def encode_obj(mesh: Mesh, library: str, materials: Mapping[int, str]) -> bytes:
    """Return a mesh as OBJ, its faces sorted by slot.

    Args:
        mesh: the surface; its vertices keep their order, and all numbers read back bit for bit.
        library: name of the MTL file next to it.
        materials: name of the material of each slot that a face shows.
    """
    normals, normal_of = _distinct(mesh.corner_normals)
    uvs, uv_of = _distinct(mesh.corner_uvs)
    lines = [f"mtllib {library}"]
    lines += _rows("v", mesh.vertices) + _rows("vt", uvs) + _rows("vn", normals)
    corners = np.stack([mesh.faces, uv_of, normal_of], axis=-1) + 1
    for slot, material in materials.items():
        lines.append(f"usemtl {material}")
        for a, b, c in corners[mesh.face_slots == slot].tolist():
            lines.append("f {}/{}/{} {}/{}/{} {}/{}/{}".format(*a, *b, *c))
    return ("\n".join(lines) + "\n").encode("ascii")


def encode_material(name: str, color: RGB, image: str | None) -> bytes:
    """Return an MTL entry of an sRGB colour, matt, or of an image file."""
    lines = [f"newmtl {name}", "Kd {:.6g} {:.6g} {:.6g}".format(*color), "Ks 0 0 0", "illum 1"]
    if image is not None:
        lines.append(f"map_Kd {image}")
    return ("\n".join(lines) + "\n").encode("ascii")


def _distinct(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the distinct rows of values (m, 3, k), and which of them each corner has, (m, 3)."""
    rows, inverse = np.unique(values.reshape(-1, values.shape[-1]), axis=0, return_inverse=True)
    return rows, inverse.reshape(values.shape[:2])


def _rows(key: str, values: Array | NDArray[np.float32]) -> list[str]:
    # Nine digits tell any two 32-bit floats apart, 17 any two of 64 bits.
    digits = 9 if values.dtype == np.float32 else 17
    return [" ".join([key, *(f"{value:.{digits}g}" for value in row)]) for row in (values + 0.0).tolist()]
