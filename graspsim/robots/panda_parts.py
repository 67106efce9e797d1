"""The shapes of Franka's Panda, from the files that PyBullet ships, simplified for drawing once and kept."""

import importlib.util
from functools import cache
from pathlib import Path

import fast_simplification
import numpy as np
import trimesh

from graspsim.cache import cache_path, digest, keep
from graspsim.errors import GraspsimError
from graspsim.geometry import Array, rotation_about, transform
from graspsim.meshes import Mesh, convex_mesh, finish, moved
from graspsim.robot import PRISMATIC, Joint, Link
from graspsim.scene import Box
from graspsim.solids import PART_VERTICES, limited

HAND_MASS_KG = 0.73
FINGER_MASS_KG = 0.2
"""With what the motor's rotor adds through its gears, which also keeps light things from being squeezed through."""
OPENING_M = 0.08
FINGER_DEPTH_M = 0.046
PAD_WIDTH_M = 0.021
GRIP_FORCE_N = 40.0
FINGER_SPEED_M_S = 0.1
TIP_M = 0.0086
"""The gripper frame is Franka's tool centre point, in the middle of the rubber pads."""
WHITE, DARK = (0.87, 0.87, 0.86), (0.25, 0.26, 0.28)

_FINGERTIP_M = 0.112
_FINGER_ROOT_M = 0.0584
hand_from_gripper = transform(rotation_about((0, 0, 1), np.pi / 2), (0, 0, _FINGERTIP_M - TIP_M))
"""Franka's hand frame has its origin at the flange and closes along y."""


def panda_folder() -> Path:
    """Return where PyBullet keeps the Panda.

    Raises:
        GraspsimError: if its data is not there.
    """
    spec = importlib.util.find_spec("pybullet_data")
    if spec is None or spec.origin is None:
        raise GraspsimError("The Panda's shapes come with PyBullet's package pybullet_data, which is not installed.")
    return Path(spec.origin).parent / "franka_panda"


def shown(name: str, faces: int) -> Mesh:
    """Return the mesh of a file of the Panda's, simplified to at most so many faces, as shown."""
    path = panda_folder() / "meshes" / name
    cached = f"robot-{digest(path.read_bytes(), repr((faces, fast_simplification.__version__)).encode())}.npz"
    try:
        with np.load(cache_path(cached), allow_pickle=False) as stored:
            return finish(stored["vertices"], stored["faces"])
    except Exception:  # A file that is cut short or damaged fails in many ways, and is replaced like one not there.
        pass
    mesh = trimesh.load(path, force="mesh")
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    vertices, triangles = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int32)
    if len(triangles) > faces:
        vertices, triangles = fast_simplification.simplify(vertices, triangles, target_count=faces)
    keep(cached, lambda aside: np.savez(aside, vertices=vertices, faces=triangles))
    return finish(vertices, triangles)


@cache
def hull(name: str) -> Array:
    """Return the vertices (k, 3) of the convex hull of a file of the Panda's."""
    mesh = trimesh.load(panda_folder() / "meshes" / name, force="mesh")
    return limited(np.asarray(mesh.vertices, dtype=np.float64), PART_VERTICES)


def solid_inertia(points: Array, mass_kg: float) -> tuple[Array, Array]:
    """Return centre of mass (3,) and inertia (3, 3) about it of an even solid that fills the hull of points (k, 3)."""
    vertices, faces = convex_mesh(points)
    properties = trimesh.triangles.mass_properties(vertices[faces], density=1.0, skip_inertia=False)
    return np.asarray(properties["center_mass"]), np.asarray(properties["inertia"]) * mass_kg / properties["volume"]


def hand_link(parent: int, joint: Joint, link_from_hand: Array) -> Link:
    """Return the body of the hand, where Franka's hand frame is at `link_from_hand` (4, 4) in the link's frame."""
    points = hull("collision/hand.obj") @ link_from_hand[:3, :3].T + link_from_hand[:3, 3]
    center, inertia = solid_inertia(points, HAND_MASS_KG)
    mesh = moved(shown("visual/hand.obj", 900), link_from_hand)
    return Link("hand", parent, joint, HAND_MASS_KG, center, inertia, hull=points, mesh=mesh, color=WHITE)


def finger_links(parent: int, link_from_hand: Array) -> list[Link]:
    """Return the two fingers of the hand that is link `parent`; a joint's position is its pad's way from the middle."""
    links = []
    for name, turn in (("left_finger", 0.0), ("right_finger", np.pi)):
        hand_from_finger = transform(rotation_about((0, 0, 1), turn), (0, 0, _FINGER_ROOT_M))
        length = _FINGERTIP_M - _FINGER_ROOT_M
        pad = Box((PAD_WIDTH_M, 0.01, length - 0.008), (0.0, 0.005, (length + 0.008) / 2))
        mount = Box((PAD_WIDTH_M, 0.026, 0.02), (0.0, 0.013, 0.01))
        joint = Joint(
            link_from_hand @ hand_from_finger,
            PRISMATIC,
            axis=(0.0, 1.0, 0.0),
            upper=OPENING_M / 2,
            max_speed=FINGER_SPEED_M_S,
            max_force=GRIP_FORCE_N,
        )
        inertia = FINGER_MASS_KG / 12 * np.diag([length**2 + 0.02**2, length**2 + 0.02**2, 2 * 0.02**2])
        links.append(
            Link(
                name,
                parent,
                joint,
                FINGER_MASS_KG,
                np.array((0.0, 0.01, length / 2)),
                inertia,
                boxes=(pad, mount),
                mesh=shown("visual/finger.obj", 250),
                color=DARK,
                is_pad=True,
            )
        )
    return links
