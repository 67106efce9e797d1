"""MJCF: a free body with its inertia, its looks (group 2) and a geom per convex part (group 3), for MuJoCo 3.3 on.

The file loads by itself and can be attached to another model; all its names begin with the object's. Contacts with
`OPTION`, which such a model has to repeat, let round things come to rest: MuJoCo's own let them creep, whatever their
friction. At rest an object lies up to half a millimetre lower than in our world, as MuJoCo's contacts are soft.
"""

import xml.etree.ElementTree as ET

from graspsim.export.hulls import hull_files
from graspsim.export.obj import visual_files
from graspsim.export.urdf import encode_xml, numbers
from graspsim.models import ObjectModel

FOLDER = "mjcf_meshes"
OPTION = {"cone": "elliptic", "impratio": "10"}
HINT = " Where this is attached to another model, set its option there too, or what is round rolls on. "
# Half of MuJoCo's 0.02 s, at which small things sink in by 0.7 mm under their own weight.
SOLREF = "0.01 1"
# Sliding, torsional and rolling, the middle of what scenes draw. Of two geoms MuJoCo takes the larger, not the product.
FRICTION = "0.7 0.0025 0.002"


def mjcf_files(name: str, model: ObjectModel, mass_kg: float) -> dict[str, bytes]:
    """Return `NAME.xml` and the meshes that it names, in `FOLDER`."""
    visual = visual_files(name, model)
    del visual["visual.mtl"]  # MuJoCo reads materials from its own file alone.
    hulls = hull_files(model)
    root = ET.Element("mujoco", model=name)
    root.append(ET.Comment(HINT))
    ET.SubElement(root, "compiler", angle="radian", meshdir=FOLDER, texturedir=FOLDER)
    ET.SubElement(root, "option", OPTION)
    defaults = ET.SubElement(root, "default")
    looks = ET.SubElement(defaults, "default", {"class": f"{name}_visual"})
    ET.SubElement(looks, "geom", type="mesh", contype="0", conaffinity="0", group="2", mass="0")
    solid = ET.SubElement(defaults, "default", {"class": f"{name}_collision"})
    ET.SubElement(solid, "geom", type="mesh", group="3", condim="6", friction=FRICTION, solref=SOLREF)

    assets = ET.SubElement(root, "asset")
    ET.SubElement(assets, "texture", name=name, type="2d", file="visual.png")
    ET.SubElement(assets, "material", name=name, texture=name, specular="0.2", shininess="0.2")
    ET.SubElement(assets, "mesh", name=f"{name}_visual", file="visual.obj")
    for n, hull in enumerate(hulls):
        ET.SubElement(assets, "mesh", name=f"{name}_part_{n:03d}", file=hull)

    body = ET.SubElement(ET.SubElement(root, "worldbody"), "body", name=name)
    ET.SubElement(body, "freejoint", name=name)
    inertia = model.inertia_per_density * (mass_kg / model.volume_m3)
    ET.SubElement(
        body,
        "inertial",
        pos=numbers(model.center_of_mass),
        mass=repr(mass_kg),
        fullinertia=numbers(inertia[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]),
    )
    ET.SubElement(body, "geom", {"class": f"{name}_visual", "mesh": f"{name}_visual", "material": name})
    for n in range(len(hulls)):
        ET.SubElement(body, "geom", {"class": f"{name}_collision", "mesh": f"{name}_part_{n:03d}"})
    meshes = {f"{FOLDER}/{file}": data for file, data in (visual | hulls).items()}
    return {**meshes, f"{name}.xml": encode_xml(root)}
