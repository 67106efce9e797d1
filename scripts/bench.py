"""Measure graspsim on this machine, beside its peers in the same run. Speed and memory belong here, never in a test.

    python scripts/bench.py [render|env|dump|objects|set|drop|memory|resets|start|scripted|all] [--json FILE]

Each figure is a median of several runs. `render` moves the bodies before each frame, so that nothing is reused.
"""

import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import gymnasium
import numpy as np
import tyro
from scipy.stats import binomtest
from tyro.conf import Positional

from graspsim.catalogue.drop import drop_family
from graspsim.dataset.generate import DumpJob, generate_scene
from graspsim.geometry import Array, Intrinsics, look_at
from graspsim.models import make_object
from graspsim.physics.client import pybullet
from graspsim.physics.settle import settle_scene
from graspsim.plain import overlaid
from graspsim.registry import load, names
from graspsim.render.raster import NEAR_M, RasterRenderer
from graspsim.sampling import sample_scene
from graspsim.scene import Scene
from graspsim.scene_objects import SceneObjects

Figures = dict[str, float]
CHANNELS = ("rgb", "depth", "ids", "normals")
SIZES = ((640, 480), (84, 84))
DROPS = 200
GRASPSIM = str(Path(sys.executable).with_name("graspsim"))


@dataclass
class Options:
    """What to measure."""

    section: Positional[
        Literal["render", "env", "dump", "objects", "set", "drop", "memory", "resets", "start", "scripted", "all"]
    ] = "all"
    """Which figures."""
    json: Path | None = None
    """File for one flat object of numbers."""
    runs: int = 5
    """Runs whose median is taken."""
    memory_frames: int = 5000
    """Frames that the memory of a worker is watched over."""
    resets: int = 10_000
    """Resets that the memory of an environment is watched over."""
    episodes: int = 200
    """Episodes of the scripted policy."""
    env_steps: int = 1500
    """Steps in a run of an environment, resets included."""


def median_time(run: Callable[[int], object], runs: int, at_least_s: float = 1.0) -> float:
    """Return the median over `runs` of the mean seconds of a call, called for `at_least_s` a run."""
    run(0)
    means = []
    for _ in range(runs):
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < at_least_s:
            calls += 1
            run(calls)
        means.append((time.perf_counter() - start) / calls)
    return statistics.median(means)


def bench_scene() -> tuple[Scene, SceneObjects, Array]:
    """Return ten objects at rest on a table, under one light that casts shadows."""
    plain = {"objects": {"count": 10}, "distractors": {"count": 0}, "lights": {"count": 1}}
    spec = overlaid(load("scene", "tabletop"), plain)
    objects = SceneObjects(spec, 0)
    scene, poses, _ = settle_scene(sample_scene(spec, objects, 0, 0), objects, 4.0)
    return scene, objects, poses


def bench_render(options: Options) -> Figures:
    """Frames per second of one core, and of PyBullet's renderers on the same scene."""
    scene, objects, poses = bench_scene()
    renderer = RasterRenderer(scene, objects)
    world_from_camera = look_at((0.45, -0.45, 0.5), (0.0, 0.0, 0.0))
    figures: Figures = {"render_faces": float(sum(len(objects[b.obj_id].mesh.faces) for b in scene.bodies))}
    peers = PeerScene(scene, objects)

    def fps(render: Callable[[Array, Intrinsics], object], width: int, height: int) -> float:
        k = Intrinsics(width, height, height * 1.2, height * 1.2, width / 2, height / 2)

        def frame(i: int) -> None:
            moved = poses.copy()
            moved[:, 0] += 1e-4 * (i % 2)
            render(moved, k)

        return 1 / median_time(frame, options.runs)

    try:
        for width, height in SIZES:
            size = f"{width}x{height}"
            figures[f"render_{size}_fps"] = fps(
                lambda moved, k: renderer.render(moved, k, world_from_camera, CHANNELS), width, height
            )
            figures[f"tiny_{size}_fps"] = fps(lambda moved, k: peers.render(moved, k, world_from_camera), width, height)
        if peers.use_egl():
            for width, height in SIZES:
                figures[f"egl_{width}x{height}_fps"] = fps(
                    lambda moved, k: peers.render(moved, k, world_from_camera), width, height
                )
        else:
            print("PyBullet's EGL plugin does not load here; its figures are left out.")
    finally:
        peers.close()
    return figures


class PeerScene:
    """The same bodies in PyBullet, drawn by its own renderers."""

    def __init__(self, scene: Scene, objects: SceneObjects) -> None:
        self._client = pybullet.connect(pybullet.DIRECT)
        self._flag = pybullet.ER_TINY_RENDERER
        self._handles = []
        with tempfile.TemporaryDirectory() as folder:
            for body in scene.bodies:
                mesh = objects[body.obj_id].mesh
                path = Path(folder) / f"{body.instance_id}.obj"
                lines = [f"v {x} {y} {z}" for x, y, z in mesh.vertices]
                lines += [f"vn {x} {y} {z}" for x, y, z in mesh.corner_normals.reshape(-1, 3)]
                lines += [
                    f"f {a + 1}//{3 * i + 1} {b + 1}//{3 * i + 2} {c + 1}//{3 * i + 3}"
                    for i, (a, b, c) in enumerate(mesh.faces)
                ]
                path.write_text("\n".join(lines))
                shape = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=str(path))
                self._handles.append(pybullet.createMultiBody(0, -1, shape))
            table = next(f for f in scene.fixtures if f.name == "table")
            for box in table.boxes:
                half = [s / 2 for s in box.size_m]
                shape = pybullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=half)
                pybullet.createMultiBody(0, -1, shape, basePosition=box.center_m)

    def render(self, poses: Array, k: Intrinsics, world_from_camera: Array) -> None:
        """Draw one frame: rgb, depth and segmentation come together."""
        for handle, pose in zip(self._handles, poses, strict=True):
            pybullet.resetBasePositionAndOrientation(handle, pose[:3].tolist(), pose[3:].tolist())
        eye, forward, down = world_from_camera[:3, 3], world_from_camera[:3, 2], world_from_camera[:3, 1]
        view = pybullet.computeViewMatrix(eye.tolist(), (eye + forward).tolist(), (-down).tolist())
        fov_deg = float(np.degrees(2 * np.arctan(k.height / 2 / k.fy)))
        projection = pybullet.computeProjectionMatrixFOV(fov_deg, k.width / k.height, NEAR_M, 10.0)
        pybullet.getCameraImage(
            k.width, k.height, view, projection, lightDirection=[0.5, 0.3, 1.0], shadow=1, renderer=self._flag
        )

    def use_egl(self) -> bool:
        """Switch to the EGL plugin, and tell whether it is there."""
        spec = importlib.util.find_spec("eglRenderer")
        if spec is None or spec.origin is None or pybullet.loadPlugin(spec.origin, "_eglRendererPlugin") < 0:
            return False
        self._flag = pybullet.ER_BULLET_HARDWARE_OPENGL
        return True

    def close(self) -> None:
        """Free the simulation."""
        pybullet.disconnect(self._client)


def bench_dump(options: Options) -> Figures:
    """Complete frames on disk per second, 640x480, 5 to 15 objects, 25 views a scene, processes already running."""
    figures: Figures = {}
    for workers, name in ((1, "dump_1_worker_fps"), (2, "dump_2_workers_fps")):
        speeds = []
        for run in range(options.runs):
            with tempfile.TemporaryDirectory() as folder:
                frames = 250 * workers
                command = [GRASPSIM, "dump", "tabletop", "-o", f"{folder}/data", "--frames", str(frames)]
                process = subprocess.Popen([*command, "--seed", str(run), "--workers", str(workers)])
                first = Path(folder) / "data" / "train_pbr"
                while not list(first.glob(".*.part/rgb/*")) and process.poll() is None:
                    time.sleep(0.005)
                start = time.perf_counter()
                process.wait()
                speeds.append((frames - workers) / (time.perf_counter() - start))
        figures[name] = statistics.median(speeds)
    return figures


def bench_objects(options: Options) -> Figures:
    """Objects per second and core, with parts, UVs and mass properties: over all families, and the slowest one."""
    figures: Figures = {}
    rng = np.random.default_rng(0)
    total = 0.0
    for family in names("family"):
        seconds = median_time(lambda _, family=family: make_object(family, rng), options.runs)  # type: ignore[misc]
        figures[f"objects_{family}_per_s"] = 1 / seconds
        total += seconds
    figures["objects_slowest_per_s"] = min(figures.values())
    figures["objects_per_s"] = len(names("family")) / total
    return figures


def bench_set(options: Options) -> Figures:
    """Seconds until the 1,000 models of a set are made and kept, and until they are loaded again in a new process."""
    program = (
        "import time; from graspsim.object_set import object_set; from graspsim.set_store import load_set; "
        "start = time.perf_counter(); load_set(object_set('train', 0, models=1000)); print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "GRASPSIM_CACHE": cache}

        def seconds() -> float:
            done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
            return float(done.stdout)

        return {
            "set_1000_make_s": seconds(),
            "set_1000_load_s": statistics.median(seconds() for _ in range(options.runs)),
        }


def bench_drop(options: Options) -> Figures:
    """Of 200 objects per family, dropped on a table: the share at rest within 3 s, and the deepest sinking in mm."""
    figures: Figures = {}
    for family in names("family"):
        drops = drop_family(family, DROPS)
        figures[f"drop_{family}_settled"] = sum(drop.at_rest for drop in drops) / DROPS
        figures[f"drop_{family}_sunk_mm"] = max(drop.sunk_m for drop in drops) * 1000
        figures[f"drop_{family}_strayed_m"] = max(drop.strayed_m for drop in drops)
        figures[f"drop_{family}_crept_mm"] = 1000 * max([drop.crept_m for drop in drops if drop.at_rest], default=0.0)
    return figures


ENVS: dict[str, tuple[str, dict[str, Any]]] = {
    "lift_state_hand": ("Lift-v0", {}),
    "lift_state_panda": ("Lift-v0", {"robot": "panda"}),
    "lift_rgb84_hand": ("Lift-v0", {"obs_mode": "rgb"}),
    "lift_rgbds84_panda": ("Lift-v0", {"obs_mode": ("rgbd", "segmentation"), "robot": "panda"}),
    "binpick_rgbd84": ("BinPick-v0", {"obs_mode": "rgbd", "randomize": {"objects.count": 10}}),
}


def bench_env(options: Options) -> Figures:
    """Environment steps per second of random actions, resets included, and of Gymnasium-Robotics' Fetch.

    All take turns in each run, so that a busy machine slows them alike.
    """
    made = {name: gymnasium.make(f"graspsim/{task}", **kwargs) for name, (task, kwargs) in ENVS.items()}
    made |= fetch_envs()
    speeds: dict[str, list[float]] = {name: [] for name in made}
    for run in range(-1, options.runs):
        for name, env in made.items():
            speed = env_speed(env, options.env_steps // (1 if "state" in name else 4), run + 1)
            if run >= 0:
                speeds[name].append(speed)
    figures = {f"{name}_sps": statistics.median(values) for name, values in speeds.items()}
    for env in made.values():
        env.close()
    ids = {"lift_state_hand": "graspsim/Lift-v0"}
    if "fetch_state" in made:
        ids["fetch_state"] = "FetchPickAndPlace-v4"
    workers: dict[str, list[float]] = {}
    for run in range(-1, options.runs):
        for name, env_id in ids.items():
            for count in (1, 2):
                speed = vector_speed(env_id, count, options.env_steps, run + 1)
                if run >= 0:
                    workers.setdefault(f"{name}_{count}_sps", []).append(speed)
    return figures | {name: statistics.median(values) for name, values in workers.items()}


def fetch_envs() -> dict[str, gymnasium.Env[Any, Any]]:
    """Return Gymnasium-Robotics' Fetch, from state and from pixels, as far as it is there."""
    os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        import gymnasium_robotics
        import mujoco
    except ImportError:
        print("gymnasium-robotics is not installed; its figures are left out.")
        return {}
    gymnasium.register_envs(gymnasium_robotics)
    made = {"fetch_state": gymnasium.make("FetchPickAndPlace-v4")}
    try:
        seen = gymnasium.make("FetchPickAndPlace-v4", render_mode="rgb_array", width=84, height=84)
        made["fetch_rgb84"] = gymnasium.wrappers.AddRenderObservation(seen, render_only=True)
    except mujoco.FatalError as error:
        print(f"MuJoCo draws nothing here ({error}); fetch_rgb84 is left out.")
    return made


def env_speed(env: gymnasium.Env[Any, Any], steps: int, seed: int) -> float:
    """Return the steps per second of random actions, with the resets between episodes."""
    env.reset(seed=seed)
    env.action_space.seed(seed)
    start = time.perf_counter()
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    return steps / (time.perf_counter() - start)


def vector_speed(env_id: str, count: int, steps: int, seed: int) -> float:
    """Return the steps per second of so many environments in processes of their own, all together."""
    env = gymnasium.make_vec(env_id, num_envs=count, vectorization_mode="async")
    try:
        env.reset(seed=seed)
        env.action_space.seed(seed)
        for _ in range(10):
            env.step(env.action_space.sample())
        start = time.perf_counter()
        for _ in range(steps):
            env.step(env.action_space.sample())
        return count * steps / (time.perf_counter() - start)
    finally:
        env.close()


def bench_scripted(options: Options) -> Figures:
    """Share of held-out objects that the scripted policy lifts, with each robot, and the end of the 95 % interval."""
    figures: Figures = {}
    for robot in names("robot"):
        env: Any = gymnasium.make("graspsim/Lift-v0", robot=robot, objects="heldout")
        done = 0
        for episode in range(options.episodes):
            env.reset(seed=0 if episode == 0 else None)
            over = False
            while not over:
                _, _, terminated, truncated, info = env.step(env.unwrapped.task.scripted(env.unwrapped.sim))
                over = terminated or truncated
            done += info["success"]
        env.close()
        interval = binomtest(done, options.episodes).proportion_ci(method="wilson")
        figures[f"lift_scripted_{robot}_success"] = done / options.episodes
        figures[f"lift_scripted_{robot}_at_least"] = float(interval.low)
    return figures


def bench_resets(options: Options) -> Figures:
    """Memory of one environment after many resets, and at half of them."""
    env = gymnasium.make("graspsim/Lift-v0", obs_mode=("state", "rgb"))
    env.reset(seed=0)
    resident = []
    for _ in range(options.resets):
        env.reset()
        resident.append(resident_mb())
    return {"env_rss_mb": resident[-1], "env_rss_half_mb": resident[len(resident) // 2]}


def resident_mb() -> float:
    """Return the memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def bench_memory(options: Options) -> Figures:
    """Memory of one worker that is never recycled, after many frames and at half of them."""
    spec = load("scene", "tabletop")
    objects = SceneObjects(spec, 0)
    resident = []
    with tempfile.TemporaryDirectory() as folder:
        job = DumpJob(spec, 0, options.memory_frames, Path(folder), "train_pbr")
        for scene_id in job.scene_ids:
            generate_scene(job, objects, scene_id)
            shutil.rmtree(Path(folder) / "train_pbr")
            resident.append(resident_mb())
    half = len(resident) // 2
    return {
        "worker_rss_mb": resident[-1],
        "worker_rss_half_mb": resident[half],
        "worker_rss_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def bench_start(options: Options) -> Figures:
    """Seconds until help is there, and until the first image of a dump is on disk, with cold and warm caches."""
    figures: Figures = {}

    def help_time(_: int) -> None:
        subprocess.run([GRASPSIM, "--help"], stdout=subprocess.DEVNULL, check=True)

    figures["help_s"] = median_time(help_time, options.runs)
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        figures["first_frame_cold_s"] = first_frame_time(environment)
        figures["first_frame_warm_s"] = statistics.median(first_frame_time(environment) for _ in range(options.runs))
    return figures


def first_frame_time(environment: dict[str, str]) -> float:
    """Return the seconds from the command to its first image."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [GRASPSIM, "dump", "tabletop", "-o", f"{folder}/data", "--frames", "1"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        split = Path(folder) / "data" / "train_pbr"
        while not list(split.glob("*/rgb/*")) + list(split.glob(".*.part/rgb/*")) and process.poll() is None:
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        process.wait()
    return seconds


SECTIONS: dict[str, Callable[[Options], Figures]] = {
    "render": bench_render,
    "env": bench_env,
    "objects": bench_objects,
    "set": bench_set,
    "drop": bench_drop,
    "start": bench_start,
    "dump": bench_dump,
    "memory": bench_memory,
    "resets": bench_resets,
    "scripted": bench_scripted,
}


def main() -> None:
    """Measure and print one table."""
    options = tyro.cli(Options, description=__doc__)
    cv2.setNumThreads(1)
    figures: Figures = {}
    for name, section in SECTIONS.items():
        if options.section in (name, "all"):
            figures |= section(options)
    for name, value in figures.items():
        print(f"{name:32}{value:12.2f}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
