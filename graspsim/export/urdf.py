"""URDF: one link with its inertia, its looks and a collision element per convex part.

In PyBullet an object moves as in our world if it is loaded as `PYBULLET_HINT` says and the engine is set up as in
`graspsim.physics.bullet`. By itself PyBullet takes the inertia of the bounding box for that of the object, and keeps
hulls a millimetre off whatever they lie on.
"""

import xml.etree.ElementTree as ET

import numpy as np

from graspsim.export.hulls import hull_files
from graspsim.export.obj import visual_files
from graspsim.models import ObjectModel

FOLDER = "urdf_meshes"
PYBULLET_HINT = (
    " PyBullet: loadURDF(..., flags=URDF_USE_INERTIA_FROM_FILE), then"
    " changeDynamics(body, -1, collisionMargin=0.0001, linearDamping=0, angularDamping=0) "
)
# The middle of what scenes draw; PyBullet alone reads it, and multiplies it by that of the ground.
CONTACT = {"lateral_friction": 0.7, "spinning_friction": 0.0025, "rolling_friction": 0.002}


def urdf_files(name: str, model: ObjectModel, mass_kg: float) -> dict[str, bytes]:
    """Return `NAME.urdf` and the meshes that it names, in `FOLDER`."""
    hulls, visual = hull_files(model), visual_files(name, model)
    robot = ET.Element("robot", name=name)
    robot.append(ET.Comment(PYBULLET_HINT))
    link = ET.SubElement(robot, "link", name=name)
    contact = ET.SubElement(link, "contact")
    for key, value in CONTACT.items():
        ET.SubElement(contact, key, value=repr(value))
    inertial = ET.SubElement(link, "inertial")
    ET.SubElement(inertial, "origin", xyz=numbers(model.center_of_mass), rpy="0 0 0")
    ET.SubElement(inertial, "mass", value=repr(mass_kg))
    inertia = model.inertia_per_density * (mass_kg / model.volume_m3)
    upper = {f"i{'xyz'[i]}{'xyz'[j]}": repr(float(inertia[i, j])) for i in range(3) for j in range(i, 3)}
    ET.SubElement(inertial, "inertia", upper)
    _add_mesh(link, "visual", "visual.obj")
    for hull in hulls:
        _add_mesh(link, "collision", hull)
    meshes = {f"{FOLDER}/{file}": data for file, data in (visual | hulls).items()}
    return {**meshes, f"{name}.urdf": encode_xml(robot)}


def _add_mesh(link: ET.Element, kind: str, file: str) -> None:
    geometry = ET.SubElement(ET.SubElement(link, kind), "geometry")
    ET.SubElement(geometry, "mesh", filename=f"{FOLDER}/{file}")


def numbers(values: np.typing.ArrayLike) -> str:
    """Return values (n,) as an XML attribute, in full."""
    return " ".join(repr(value) for value in np.asarray(values, dtype=np.float64).tolist())


def encode_xml(root: ET.Element) -> bytes:
    """Return an element as an indented XML file."""
    ET.indent(root)
    return f'<?xml version="1.0"?>\n{ET.tostring(root, encoding="unicode")}\n'.encode()
