"""Meshes from files become the same `ObjectModel` that a family builds.

Mass, collision and masks call for the closed surface of one body. What can be mended without guessing at the shape is
mended; what cannot is refused, with the reason.
"""

import dataclasses
import difflib
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from graspsim.bop_models import METRES_PER_UNIT, bop_obj_id, bop_symmetries
from graspsim.convex_parts import convex_parts
from graspsim.errors import MeshError
from graspsim.geometry import Array
from graspsim.mesh_repair import Faces, Uvs, closed
from graspsim.meshes import UV_UNIT_M, box_uvs, finish
from graspsim.models import ObjectModel, object_model, scaled
from graspsim.side_file import read_side_file
from graspsim.solids import MAX_PARTS, PART_VERTICES
from graspsim.symmetry_search import cached_symmetries, check_symmetries
from graspsim.vertex_colors import texture_of_colors

EXTENSIONS = (".obj", ".ply", ".stl", ".glb", ".off")
MAX_FACES = 500_000
MAX_EXTENT_M = 2.0
MAX_TEXTURE_PX = 2048
GENERIC_NAMES = frozenset({"textured", "textured_simple", "nontextured", "model", "mesh", "visual"})
"""File stems that say nothing of the object; its folder does."""


def import_mesh(
    path: str | os.PathLike[str],
    scale: float = 1.0,
    max_parts: int = MAX_PARTS,
    max_part_vertices: int = PART_VERTICES,
) -> ObjectModel:
    """Return the object in an .obj, .ply, .stl, .glb or .off file.

    Axes stay as they are in the file. An image texture is kept, v pointing up in it, at 2048 pixels a side or less;
    colours of vertices become one.
    Solids that overlap become one. A BOP dataset's model, `obj_000005.ply` beside `models_info.json`, is in millimetres
    and has the symmetries stated there. Name, scale, density or mass, and symmetries may stand in a side file, see
    `graspsim.side_file`; symmetries are otherwise found from the geometry, see `graspsim.symmetry_search`. Convex parts
    come from CoACD. Both take seconds, and are cached under `$GRASPSIM_CACHE`, by default ~/.cache/graspsim.

    Args:
        path: of the file.
        scale: metres per unit of the file, where no side file says so.
        max_parts: most convex parts.
        max_part_vertices: most vertices of each.

    Raises:
        MeshError: if a file cannot be read, the side file holds what cannot be, or the mesh is empty, without volume,
            too large, not to be closed, of several bodies, or not as symmetric as the side file says.
    """
    path = Path(path)
    _check_readable(path)
    side = read_side_file(path)
    obj_id = bop_obj_id(path)
    scale = side.scale or (scale if obj_id is None else METRES_PER_UNIT)
    vertices, faces, uvs, texture = _load(path)
    extent_m = scale * float(np.ptp(vertices, axis=0).max())
    if extent_m > MAX_EXTENT_M:
        raise MeshError(
            f"{path} is {extent_m:g} m long, more than {MAX_EXTENT_M:g} m. It looks like millimetres: pass "
            f"scale={scale / 1000:g}, or --set objects.mesh_scale={scale / 1000:g} on the command line."
        )
    vertices, faces, uvs = closed(path, vertices, faces, uvs)
    if texture is None:
        uvs = box_uvs(vertices, faces, UV_UNIT_M / scale)
    # Parts and symmetries are kept in the file's unit, so that they serve every scale.
    parts = convex_parts(path.name, vertices, faces, max_parts, max_part_vertices)
    if side.symmetries is not None:
        check_symmetries(side.path, vertices, faces, side.symmetries)
        symmetries = side.symmetries
    else:
        # A benchmark's are part of how it counts, even where its scans are not quite as symmetric.
        symmetries = cached_symmetries(vertices, faces) if obj_id is None else bop_symmetries(path, obj_id)
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    name = folder if folder and path.stem.lower() in GENERIC_NAMES else path.stem
    model = object_model(side.name or name, finish(vertices, faces, uvs), parts, symmetries, texture)
    mass_kg = side.mass_kg
    if side.density_kg_m3 is not None:
        mass_kg = side.density_kg_m3 * model.volume_m3 * scale**3
    return dataclasses.replace(scaled(model, scale), mass_kg=mass_kg)


def _check_readable(path: Path) -> None:
    extension = path.suffix.lower()
    if extension not in EXTENSIONS:
        near = difflib.get_close_matches(extension, EXTENSIONS, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise MeshError(f"{path} has extension {extension!r}.{hint} Known: {', '.join(EXTENSIONS)}.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise MeshError(f"{path.absolute()} cannot be read: {error.strerror}.") from error


def _load(path: Path) -> tuple[Array, Faces, Uvs, NDArray[np.uint8] | None]:
    """Return vertices (n, 3), faces (m, 3) and corner UVs (m, 3, 2) as in the file, and the texture if it has one."""
    try:
        mesh: Any = trimesh.load_scene(path, process=False).to_mesh()
    except ImportError as error:  # trimesh's last resort on bytes it does not understand
        raise MeshError(f"{path} cannot be read as a mesh: it is no {path.suffix} file.") from error
    except Exception as error:  # Each of trimesh's readers fails in its own way on a damaged file.
        raise MeshError(f"{path} cannot be read as a mesh: {error}.") from error
    if mesh is None or len(mesh.faces) == 0:
        raise MeshError(f"{path} holds an empty mesh: 0 faces.")
    if len(mesh.faces) > MAX_FACES:
        raise MeshError(f"{path} has {len(mesh.faces):,} faces, more than {MAX_FACES:,}; decimate it first.")
    if not np.isfinite(mesh.vertices).all():
        raise MeshError(
            f"{path} has {int((~np.isfinite(mesh.vertices)).any(axis=1).sum())} vertices that are no numbers."
        )
    vertices, faces = np.array(mesh.vertices, dtype=np.float64), np.array(mesh.faces, dtype=np.int32)
    material = getattr(mesh.visual, "material", None)
    image = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
    uv = getattr(mesh.visual, "uv", None)
    if getattr(mesh.visual, "kind", None) == "vertex":
        colors = np.asarray(mesh.visual.vertex_colors, dtype=np.uint8)[:, :3]
        return vertices, faces, *texture_of_colors(vertices, faces, colors)
    if image is None or uv is None:
        return vertices, faces, np.zeros((len(faces), 3, 2), dtype=np.float32), None
    texture = np.array(image.convert("RGB"))
    height, width = texture.shape[:2]
    shrink = MAX_TEXTURE_PX / max(height, width)
    if shrink < 1:
        size = max(round(width * shrink), 1), max(round(height * shrink), 1)
        texture = np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return vertices, faces, np.asarray(uv, dtype=np.float32)[faces], texture
