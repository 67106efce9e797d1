"""MJCF: a free body with its inertia, its looks (group 2) and a geom per convex part (group 3), for MuJoCo 3.2 on.

The file loads by itself and can be attached to another model; all its names begin with the object's.
"""

import xml.etree.ElementTree as ET

import numpy as np

from graspsim.export.obj import hull_files, visual_files
from graspsim.export.urdf import encode_xml, numbers
from graspsim.geometry import quat_from_matrix
from graspsim.models import ObjectModel

FOLDER = "mjcf_meshes"
# Sliding, torsional and rolling, the middle of what scenes draw. MuJoCo takes the larger of two geoms', not the product.
FRICTION = "0.7 0.0025 0.002"


def mjcf_files(name: str, model: ObjectModel, mass_kg: float) -> dict[str, bytes]:
    """Return `NAME.xml` and the meshes that it names, in `FOLDER`."""
    visual = visual_files(name, model)
    del visual["visual.mtl"]  # MuJoCo reads materials from its own file alone.
    hulls = hull_files(model)
    root = ET.Element("mujoco", model=name)
    ET.SubElement(root, "compiler", angle="radian", meshdir=FOLDER, texturedir=FOLDER)
    defaults = ET.SubElement(root, "default")
    looks = ET.SubElement(defaults, "default", {"class": f"{name}_visual"})
    ET.SubElement(looks, "geom", type="mesh", contype="0", conaffinity="0", group="2", mass="0")
    solid = ET.SubElement(defaults, "default", {"class": f"{name}_collision"})
    ET.SubElement(solid, "geom", type="mesh", group="3", condim="6", friction=FRICTION)

    assets = ET.SubElement(root, "asset")
    ET.SubElement(assets, "texture", name=name, type="2d", file="visual.png")
    ET.SubElement(assets, "material", name=name, texture=name, specular="0.2", shininess="0.2")
    ET.SubElement(assets, "mesh", name=f"{name}_visual", file="visual.obj")
    for n, hull in enumerate(hulls):
        ET.SubElement(assets, "mesh", name=f"{name}_part_{n:03d}", file=hull)

    body = ET.SubElement(ET.SubElement(root, "worldbody"), "body", name=name)
    ET.SubElement(body, "freejoint", name=name)
    # In the principal frame: MuJoCo takes what is less than 1e-12 kg m² off the diagonal of a full inertia for zero,
    # which in an object of centimetres it is not.
    moments, axes = np.linalg.eigh(model.inertia_per_density * (mass_kg / model.volume_m3))
    if np.linalg.det(axes) < 0:
        axes[:, 0] *= -1
    ET.SubElement(
        body,
        "inertial",
        pos=numbers(model.center_of_mass),
        quat=numbers(np.roll(quat_from_matrix(axes), 1)),
        mass=repr(mass_kg),
        diaginertia=numbers(moments),
    )
    ET.SubElement(body, "geom", {"class": f"{name}_visual", "mesh": f"{name}_visual", "material": name})
    for n in range(len(hulls)):
        ET.SubElement(body, "geom", {"class": f"{name}_collision", "mesh": f"{name}_part_{n:03d}"})
    meshes = {f"{FOLDER}/{file}": data for file, data in (visual | hulls).items()}
    return {**meshes, f"{name}.xml": encode_xml(root)}
