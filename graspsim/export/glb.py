"""Binary glTF 2.0: metres, turned to glTF's y up, a physically based material per slot."""

from typing import Any

import numpy as np
import trimesh
from PIL import Image

from graspsim.color import linear_from_srgb
from graspsim.export.looks import material_name, slot_color, slots_shown
from graspsim.models import ObjectModel

GLTF_FROM_MODEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Turns z up into y up, which programs with z up (Blender) undo as they import."""
_ROUGHNESS = 0.6


def glb_files(name: str, model: ObjectModel) -> dict[str, bytes]:
    """Return `NAME.glb`. A vertex is repeated where its corners differ in normal or UV: glTF knows no corners."""
    mesh = model.mesh
    image = None if model.texture is None else Image.fromarray(model.texture)
    scene = trimesh.Scene()
    for slot in slots_shown(model):
        shown = mesh.face_slots == slot
        positions = mesh.vertices[mesh.faces[shown]].reshape(-1, 3) @ GLTF_FROM_MODEL.T
        normals = mesh.corner_normals[shown].reshape(-1, 3) @ GLTF_FROM_MODEL.T
        corners = np.concatenate([positions, normals, mesh.corner_uvs[shown].reshape(-1, 2)], axis=1, dtype=np.float32)
        rows, faces = np.unique(corners + 0.0, axis=0, return_inverse=True)
        material = material_name(name, model, slot)
        # glTF's factors are linear light, unlike its pictures.
        color = [1.0, 1.0, 1.0] if image is not None else linear_from_srgb(slot_color(name, slot)).tolist()
        looks: Any = trimesh.visual.material.PBRMaterial(
            name=material,
            baseColorFactor=[*color, 1.0],
            baseColorTexture=image,
            metallicFactor=0.0,
            roughnessFactor=_ROUGHNESS,
        )
        piece = trimesh.Trimesh(
            vertices=rows[:, :3],
            faces=faces.reshape(-1, 3),
            vertex_normals=rows[:, 3:6],
            visual=trimesh.visual.TextureVisuals(uv=rows[:, 6:], material=looks),
            process=False,
        )
        scene.add_geometry(piece, node_name=material, geom_name=material)
    return {f"{name}.glb": trimesh.exchange.gltf.export_glb(scene, include_normals=True)}
