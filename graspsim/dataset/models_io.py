"""Object models in BOP's layout: `obj_%06d.ply` and `models_info.json`, millimetres on disk, metres in memory."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from graspsim.dataset.files import cannot_write, json_lines, read_json
from graspsim.errors import DatasetError
from graspsim.geometry import Array, transform
from graspsim.labels import box_corners
from graspsim.meshes import Mesh
from graspsim.models import ObjectModel, Symmetries

MM_PER_M = 1000.0


@dataclass(frozen=True, eq=False)
class ModelInfo:
    """One entry of `models_info.json`, in metres and the model's own frame.

    Attributes:
        diameter_m: largest distance between two points of the model.
        minimum_m: (3,) least corner of the axis-aligned box.
        size_m: (3,) extents of that box.
        symmetries: rigid motions that leave the shape unchanged.
    """

    diameter_m: float
    minimum_m: Array
    size_m: Array
    symmetries: Symmetries

    @property
    def box_corners_m(self) -> Array:
        """Corners (8, 3) of the box, x slowest and z fastest."""
        return box_corners(self.minimum_m, self.minimum_m + self.size_m)


MODEL_FOLDERS = ("models", "models_eval")


def write_models(root: Path, models: Mapping[int, ObjectModel]) -> None:
    """Write `models/` and `models_eval/` (the same meshes) under `root`, by obj_id.

    A folder that exists is complete: each is written beside its place and renamed into it.

    Raises:
        DatasetError: if a file cannot be written.
    """
    info = {obj_id: _plain_info(model) for obj_id, model in models.items()}
    files = {"models_info.json": json_lines(info)}
    for obj_id, model in models.items():
        texture = f"obj_{obj_id:06d}.png" if model.texture is not None else None
        files[f"obj_{obj_id:06d}.ply"] = encode_ply(model.mesh, texture)
        if texture is not None and model.texture is not None:
            files[texture] = cv2.imencode(".png", cv2.cvtColor(model.texture, cv2.COLOR_RGB2BGR))[1].tobytes()
    for name in MODEL_FOLDERS:
        folder, part = Path(root) / name, Path(root) / f".{name}.part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            for file_name, data in files.items():
                (part / file_name).write_bytes(data)
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise cannot_write(folder, error) from error


def _plain_info(model: ObjectModel) -> dict[str, Any]:
    minimum = model.mesh.vertices.min(axis=0) * MM_PER_M
    size = model.extents_m * MM_PER_M
    info: dict[str, Any] = {"diameter": model.diameter_m * MM_PER_M}
    for axis, low, extent in zip("xyz", minimum.tolist(), size.tolist(), strict=True):
        info |= {f"min_{axis}": low, f"size_{axis}": extent}
    if model.symmetries.discrete:
        to_mm = np.diag([MM_PER_M, MM_PER_M, MM_PER_M, 1.0])
        to_m = np.diag([1 / MM_PER_M, 1 / MM_PER_M, 1 / MM_PER_M, 1.0])
        info["symmetries_discrete"] = [(to_mm @ s @ to_m).ravel().tolist() for s in model.symmetries.discrete]
    if model.symmetries.continuous:
        info["symmetries_continuous"] = [
            {"axis": np.asarray(axis).tolist(), "offset": (np.asarray(point) * MM_PER_M).tolist()}
            for axis, point in model.symmetries.continuous
        ]
    return info


def encode_ply(mesh: Mesh, texture: str | None = None) -> bytes:
    """Return the mesh as binary little-endian PLY in millimetres with vertex normals.

    A vertex is repeated where its corners differ in normal, or in UV if the mesh is textured: PLY knows no corners.

    Args:
        mesh: the surface, in metres.
        texture: name of the image next to the file that the UVs refer to; without one no UVs are written.
    """
    columns = ["x", "y", "z", "nx", "ny", "nz"]
    corners: list[NDArray[Any]] = [
        mesh.vertices[mesh.faces].reshape(-1, 3) * MM_PER_M,
        mesh.corner_normals.reshape(-1, 3),
    ]
    if texture is not None:
        columns += ["texture_u", "texture_v"]
        corners.append(mesh.corner_uvs.reshape(-1, 2))
    rows = np.concatenate([c.astype("<f4") for c in corners], axis=1)
    rows += 0.0  # -0 and 0 are the same place
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # keeps the vertices in the order in which the faces meet them
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("index", "<i4", 3)])
    faces["count"] = 3
    faces["index"] = rank[inverse.reshape(-1)].reshape(-1, 3)
    header = ["ply", "format binary_little_endian 1.0"]
    header += [f"comment TextureFile {texture}"] if texture is not None else []
    header += [f"element vertex {len(order)}", *(f"property float {name}" for name in columns)]
    header += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(header).encode("ascii") + rows[first[order]].tobytes() + faces.tobytes()


def load_models(folder: Path) -> dict[int, Mesh]:
    """Return the meshes `obj_*.ply` of a folder by obj_id, in metres, in their own frames.

    Any BOP dataset's will do: ASCII or binary, watertight or not. Normals that a file lacks are computed, and UVs
    that it lacks are zero.

    Raises:
        DatasetError: if the folder holds no model or one cannot be read.
    """
    paths = sorted(Path(folder).glob("obj_*.ply"))
    if not paths:
        raise DatasetError(f"{folder} holds no models; obj_000001.ply and so on are expected.")
    return {_obj_id(path): load_ply(path) for path in paths}


def _obj_id(path: Path) -> int:
    digits = path.stem.removeprefix("obj_")
    if not digits.isdigit():
        raise DatasetError(f"{path} does not name an obj_id; obj_000001.ply and so on are expected.")
    return int(digits)


def load_ply(path: Path) -> Mesh:
    """Return a PLY file in millimetres as a mesh in metres, its vertices in the file's order.

    Raises:
        DatasetError: if it cannot be read or holds no triangle.
    """
    try:
        loaded: Any = trimesh.load_mesh(path, process=False, fix_texture=False, skip_materials=True)
        vertices, faces = np.asarray(loaded.vertices, dtype=np.float64), np.asarray(loaded.faces, dtype=np.int32)
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"Cannot read the model {path}: {error}.") from error
    if not len(faces):
        raise DatasetError(f"The model {path} holds no triangle.")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise DatasetError(f"The model {path} has a face of vertex {faces.max()}, but only {len(vertices)} vertices.")
    normals = np.asarray(loaded.vertex_normals, dtype=np.float32)[faces]
    uv = getattr(loaded.visual, "uv", None)
    uvs = np.zeros((len(faces), 3, 2), np.float32) if uv is None else np.asarray(uv, dtype=np.float32)[faces]
    return Mesh(vertices / MM_PER_M, faces, normals, uvs, np.zeros(len(faces), dtype=np.uint8))


def load_models_info(folder: Path) -> dict[int, ModelInfo]:
    """Return `models_info.json` of a folder by obj_id, in metres.

    Raises:
        DatasetError: if it is missing or an entry lacks a value.
    """
    path = Path(folder) / "models_info.json"
    content = read_json(path)
    try:
        return {int(obj_id): _info_from_plain(entry) for obj_id, entry in content.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} lacks or garbles a value: {error!r}.") from error


def _info_from_plain(entry: dict[str, Any]) -> ModelInfo:
    discrete = []
    for values in entry.get("symmetries_discrete", ()):
        matrix: NDArray[np.float64] = np.array(values, dtype=np.float64).reshape(4, 4)
        discrete.append(transform(matrix[:3, :3], matrix[:3, 3] / MM_PER_M))
    continuous = tuple(
        (np.array(s["axis"], dtype=np.float64), np.array(s["offset"], dtype=np.float64) / MM_PER_M)
        for s in entry.get("symmetries_continuous", ())
    )
    return ModelInfo(
        diameter_m=float(entry["diameter"]) / MM_PER_M,
        minimum_m=np.array([float(entry[f"min_{axis}"]) for axis in "xyz"]) / MM_PER_M,
        size_m=np.array([float(entry[f"size_{axis}"]) for axis in "xyz"]) / MM_PER_M,
        symmetries=Symmetries(tuple(discrete), continuous),
    )
