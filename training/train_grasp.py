"""Learn from trials which grasps will hold, on procedural objects; then grasp things never seen before.

    python training/train_grasp.py --out runs/grasp                              # collect, train, evaluate
    python training/train_grasp.py --evaluate runs/grasp --meshes my_scans/      # on mesh files

The network sees how high everything stands around a grasp (a crop of the depth image from above, turned into the frame
of the gripper) and tells how likely the grasp is to hold. The most promising of many candidates is then carried out.
Trained on random shapes alone and tested on things of other families and on scans, this puts the claim of Tobin et al.
2018 (arXiv:1710.06425) to the test.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import io
import json
import multiprocessing
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import tyro
from numpy.typing import NDArray

from graspsim.dataset.files import json_lines, read_json, replace_file
from graspsim.episode.execute import action_from_grasp
from graspsim.errors import GraspsimError, SpecError
from graspsim.geometry import Array, rotation_about, transform
from graspsim.mesh_import import EXTENSIONS

try:
    import torch
    from torch import nn
except ModuleNotFoundError as error:
    message = f"Training needs {error.name}: pip install 'graspsim[rl]'."
    if __name__ == "__main__":
        sys.exit(f"train_grasp: {message}")
    raise GraspsimError(message) from error

from ._evaluation import wilson_interval
from ._shared import check_at_least

ENV = "graspsim/Grasp-v0"
IMAGE_PX = 128
CROP = (24, 48)
"""Cells of a crop, across and along the closing direction."""
CELL_M = 0.003
DEEPEST_M = 0.05
"""Heights below and above the gripper's origin beyond which a crop is flat."""
ON_OBJECT_M = 0.004
"""What stands higher above the table belongs to an object."""
CHUNK = 250
"""Trials in a file."""
ROUNDS, KEPT = 3, 24
"""Of the search for a grasp, and candidates that each round goes on from."""


@dataclass(frozen=True)
class Args:
    """What to learn from, and what to test."""

    out: Path = Path("runs/grasp")
    """Folder of the run: trials, network and report."""
    objects: str = "geometric"
    """Set of objects that the trials are made on."""
    trials: int = 8_000
    """Grasps that are tried out."""
    workers: int = 2
    """Processes that try them."""
    epochs: int = 12
    """Passes over the trials."""
    batch: int = 256
    """Trials in a step of the optimizer."""
    learning_rate: float = 1e-3
    """Of AdamW, falling to 0 by a cosine."""
    candidates: int = 600
    """Grasps that the network is asked about, in each of the rounds of the search for one."""
    seed: int = 0
    """Of everything."""
    evaluate: Path | None = None
    """Folder of a finished run to test, instead of training."""
    test_objects: str = "unseen_families"
    """Set of objects that the result is tested on."""
    meshes: Path | None = None
    """Folder of mesh files, in it or one level below, to test on as well."""
    episodes: int = 200
    """First grasps of a test."""


class Net(nn.Module):
    """From a crop (n, 2, 24, 48) to the logit (n,) of success."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 2
        for width, stride in ((32, 1), (32, 2), (64, 1), (64, 2), (96, 2)):
            layers += [nn.Conv2d(channels, width, 3, stride, 1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(96 * 3 * 6, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 1)
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        logits: torch.Tensor = self.head(self.features(crops))[:, 0]
        return logits


@dataclass(frozen=True, eq=False)
class Sight:
    """What the camera above sees.

    Attributes:
        height_m: (h, w) above the table.
        matrix: K (3, 3).
        world_from_camera: (4, 4).
    """

    height_m: NDArray[np.float32]
    matrix: Array
    world_from_camera: Array


def seen(env: Any, depth_m: NDArray[np.float32]) -> Sight:
    """Return what an observation of an environment shows."""
    view = env.unwrapped.view_of("front")
    camera, k = view["world_from_camera"], view["matrix"]
    v, u = np.mgrid[: depth_m.shape[0], : depth_m.shape[1]] + 0.5
    rays = np.stack([(u - k[0, 2]) / k[0, 0], (v - k[1, 2]) / k[1, 1], np.ones_like(u)], axis=-1)
    height = (rays @ camera[2, :3]) * depth_m + camera[2, 3]
    return Sight(height.astype(np.float32), k, camera)


def crops_of(sight: Sight, grasps: Array) -> NDArray[np.float32]:
    """Return the crops (n, 2, 24, 48) of grasps (n, 4): x, y, z and yaw.

    The first channel is the height relative to the gripper's origin, the second that above the table.
    """
    across, along = ((np.arange(n) - (n - 1) / 2) * CELL_M for n in CROP)
    cos, sin = np.cos(grasps[:, 3])[:, None, None], np.sin(grasps[:, 3])[:, None, None]
    x = grasps[:, 0, None, None] + cos * along[None, None, :] - sin * across[None, :, None]
    y = grasps[:, 1, None, None] + sin * along[None, None, :] + cos * across[None, :, None]
    points = np.stack([x, y, np.broadcast_to(grasps[:, 2, None, None], x.shape)], axis=-1)
    camera = sight.world_from_camera
    local = (points - camera[:3, 3]) @ camera[:3, :3]
    u = sight.matrix[0, 0] * local[..., 0] / local[..., 2] + sight.matrix[0, 2]
    v = sight.matrix[1, 1] * local[..., 1] / local[..., 2] + sight.matrix[1, 2]
    height, width = sight.height_m.shape
    heights = sight.height_m[np.clip(v, 0, height - 1).astype(int), np.clip(u, 0, width - 1).astype(int)]
    relative = np.clip((heights - grasps[:, 2, None, None]) / DEEPEST_M, -1, 1)
    return np.stack([relative, np.clip(heights / DEEPEST_M, 0, 2)], axis=1).astype(np.float32)


def random_grasps(sight: Sight, count: int, lowest_m: float, rng: np.random.Generator) -> Array:
    """Return grasps (n, 4) on what stands on the table, at any yaw and some way below its surface."""
    rows, columns = np.nonzero(sight.height_m > ON_OBJECT_M)
    if not len(rows):
        rows, columns = (np.array([n // 2]) for n in sight.height_m.shape)
    chosen = rng.integers(len(rows), size=count)
    v, u = rows[chosen] + rng.random(count), columns[chosen] + rng.random(count)
    k, camera = sight.matrix, sight.world_from_camera
    top = sight.height_m[rows[chosen], columns[chosen]]
    ray = np.stack([(u - k[0, 2]) / k[0, 0], (v - k[1, 2]) / k[1, 1], np.ones(count)], axis=-1) @ camera[:3, :3].T
    depth = (top - camera[2, 3]) / ray[:, 2]
    points = camera[:3, 3] + ray * depth[:, None]
    z = np.maximum(top - rng.uniform(-0.005, 0.04, count), lowest_m)
    return np.column_stack(
        [points[:, :2] + rng.normal(0, 0.005, (count, 2)), z, rng.uniform(-np.pi / 2, np.pi / 2, count)]
    )


def action_of(env: Any, grasp: Array) -> NDArray[np.float32]:
    """Return the environment's action for a grasp (4,), with the fingers wide open on the way."""
    task, opening_m = env.unwrapped.task, env.unwrapped.sim.robot.opening_m
    pose = transform(rotation_about((0, 0, 1), grasp[3]) @ rotation_about((1, 0, 0), np.pi), grasp[:3])
    low, high = task.space_m
    return action_from_grasp(pose, opening_m, "yaw", low, high, opening_m).astype(np.float32)


def grasp_of(env: Any, action: NDArray[Any]) -> Array:
    """Return the grasp (4,) of an action: what `action_of` undoes."""
    low, high = env.unwrapped.task.space_m
    return np.array([*(low + (action[:3] + 1) / 2 * (high - low)), action[3] * np.pi / 2])


def make(objects: str | Mapping[str, Any]) -> Any:
    """Return the environment."""
    return gymnasium.make(ENV, objects=objects, image_size=IMAGE_PX, control="yaw")


def collect(job: tuple[str, int, int, int, Path]) -> float:
    """Make trials, half of them near a planned grasp, and keep their crops and outcomes; return the share that held.

    Args:
        job: objects, seed, number of this part, trials in it, and the file.
    """
    objects, seed, number, count, path = job
    env = make(objects)
    rng = np.random.default_rng([seed, number])
    crops, outcomes = np.empty((count, 2, *CROP), np.float16), np.empty(count, np.bool_)
    observation, _ = env.reset(seed=int(rng.integers(2**62)))
    for n in range(count):
        sight = seen(env, observation)
        lowest_m = float(env.unwrapped.task.space_m[0][2])
        if rng.random() < 0.5:
            planned = grasp_of(env, env.unwrapped.task.scripted(env.unwrapped.sim))
            spread = rng.choice((0.3, 1.0, 2.0))
            grasp = planned + rng.normal(0, 1, 4) * np.array((0.006, 0.006, 0.006, 0.2)) * spread
            grasp[2] = max(grasp[2], lowest_m)
        else:
            grasp = random_grasps(sight, 1, lowest_m, rng)[0]
        crops[n] = crops_of(sight, grasp[None])[0]
        _, _, _, _, info = env.step(action_of(env, grasp))
        outcomes[n] = info["success"]
        observation, _ = env.reset()
    env.close()
    content = io.BytesIO()
    np.savez(content, crops=crops, outcomes=outcomes)
    replace_file(path, content.getvalue())
    return float(outcomes.mean())


def collected(args: Args) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Return the trials of a run, which are kept in its folder as they are made.

    Raises:
        SpecError: if the folder holds the trials of another run.
    """
    start = time.perf_counter()
    folder = args.out / "trials"
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"objects": args.objects, "seed": args.seed}
    stated = folder / "collection.json"
    if stated.exists() and read_json(stated) != asked:
        raise SpecError(f"{folder} holds trials of {read_json(stated)}, not of {asked}; choose another --out.")
    # The set is made once, before each process would make it.
    make(args.objects).close()
    replace_file(stated, json_lines(asked))
    counts = [min(CHUNK, args.trials - first) for first in range(0, args.trials, CHUNK)]
    paths = [folder / f"{n:04d}_{count}.npz" for n, count in enumerate(counts)]
    jobs = [
        (args.objects, args.seed, n, count, path)
        for n, (count, path) in enumerate(zip(counts, paths, strict=True))
        if not path.exists()
    ]
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        for done, held in enumerate(pool.imap_unordered(collect, jobs), start=1):
            print(f"\r{done} of {len(jobs)} parts of the trials, {held:.0%} of the last one held", end="", flush=True)
    print(f" ({time.perf_counter() - start:.0f} s)")
    crops, outcomes = [], []
    for path in paths:
        with np.load(path) as part:
            crops.append(part["crops"])
            outcomes.append(part["outcomes"])
    return np.concatenate(crops), np.concatenate(outcomes)


def train(args: Args, crops: NDArray[np.float16], outcomes: NDArray[np.bool_]) -> tuple[Net, list[dict[str, float]]]:
    """Return the trained network, and its losses and accuracy on a tenth that it did not learn from, by epoch."""
    torch.manual_seed(args.seed)
    net = Net()
    held = len(outcomes) // 10
    x, y = torch.from_numpy(crops.astype(np.float32)), torch.from_numpy(outcomes.astype(np.float32))
    steps = args.epochs * -(-(len(y) - held) // args.batch)
    optimizer = torch.optim.AdamW(net.parameters(), args.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss_of = nn.BCEWithLogitsLoss()
    history = []
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for chosen in torch.split(torch.randperm(len(y) - held), args.batch):
            batch = x[held:][chosen]
            # A grasp is the same mirrored along or across the closing direction.
            for axis in (2, 3):
                if torch.rand(()) < 0.5:
                    batch = batch.flip(axis)
            loss = loss_of(net(batch), y[held:][chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        net.eval()
        with torch.no_grad():
            logits = torch.cat([net(part) for part in torch.split(x[:held], 1024)])
        figures = {
            "loss": total / (len(y) - held),
            "test_loss": float(loss_of(logits, y[:held])),
            "test_accuracy": float(((logits > 0) == (y[:held] > 0)).float().mean()),
        }
        history.append(figures)
        print(f"epoch {epoch + 1}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    return net, history


def best_grasp(net: Net, sight: Sight, lowest_m: float, count: int, rng: np.random.Generator) -> tuple[Array, float]:
    """Return the grasp (4,) that the network thinks most of, and its probability, by the cross-entropy method."""
    grasps = random_grasps(sight, count, lowest_m, rng)
    for round_ in range(ROUNDS):
        with torch.no_grad():
            scores = net(torch.from_numpy(crops_of(sight, grasps))).numpy()
        order = np.argsort(-scores, kind="stable")[:KEPT]
        if round_ < ROUNDS - 1:
            spread = np.array((0.006, 0.006, 0.006, 0.2)) / (round_ + 1)
            near = grasps[np.repeat(order, count // KEPT)]
            near = near + rng.normal(0, 1, near.shape) * spread
            near[:, 2] = np.maximum(near[:, 2], lowest_m)
            grasps = np.concatenate([grasps[order], near])
    return grasps[order[0]], float(1 / (1 + np.exp(-scores[order[0]])))


def evaluate(net: Net, objects: str | Mapping[str, Any], args: Args) -> dict[str, Any]:
    """Return how many first grasps held, with Wilson's 95 % interval, and by name of the object."""
    env = make(objects)
    rng = np.random.default_rng([args.seed, 1])
    by_name: dict[str, list[bool]] = {}
    net.eval()
    for episode in range(args.episodes):
        observation, _ = env.reset(seed=args.seed + 10_000 if episode == 0 else None)
        lowest_m = float(env.unwrapped.task.space_m[0][2])
        grasp, _ = best_grasp(net, seen(env, observation), lowest_m, args.candidates, rng)
        name = env.unwrapped.sim.models[0].name
        _, _, _, _, info = env.step(action_of(env, grasp))
        by_name.setdefault(name, []).append(bool(info["success"]))
    env.close()
    held = sum(sum(outcomes) for outcomes in by_name.values())
    low, high = wilson_interval(held, args.episodes)
    return {
        "episodes": args.episodes,
        "success": held / args.episodes,
        "low": low,
        "high": high,
        "by_name": {name: [sum(outcomes), len(outcomes)] for name, outcomes in sorted(by_name.items())},
    }


def mesh_set(folder: Path) -> dict[str, Any]:
    """Return the set of the mesh files in a folder, or one level below.

    Raises:
        GraspsimError: if there are none.
    """
    paths = sorted(str(p) for pattern in ("*", "*/*") for p in folder.glob(pattern) if p.suffix.lower() in EXTENSIONS)
    if not paths:
        raise GraspsimError(f"There are no mesh files ({', '.join(EXTENSIONS)}) in {folder}, nor one level below.")
    return {"families": [], "meshes": paths}


def run(args: Args) -> None:
    """Collect, train and test, or test alone.

    Raises:
        GraspsimError: for input that is at fault.
    """
    check_at_least(args, trials=10, workers=1, epochs=1, batch=2, candidates=KEPT, episodes=1)
    tests: list[tuple[str, str | Mapping[str, Any]]] = [(args.test_objects, args.test_objects)]
    if args.meshes is not None:
        tests.append((str(args.meshes), mesh_set(args.meshes)))
    torch.set_num_threads(2)
    folder = args.evaluate or args.out
    report: dict[str, Any] = {"arguments": {name: str(value) for name, value in asdict(args).items()}}
    if args.evaluate is None:
        args.out.mkdir(parents=True, exist_ok=True)
        crops, outcomes = collected(args)
        net, report["training"] = train(args, crops, outcomes)
        torch.save(net.state_dict(), args.out / "model.pt")
    else:
        net = Net()
        try:
            net.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
        except FileNotFoundError as error:
            raise GraspsimError(f"{folder} holds no finished run: there is no model.pt.") from error
    for name, objects in tests:
        result = evaluate(net, objects, args)
        report[name] = result
        print(
            f"{name}: {result['success']:.1%} of {result['episodes']} first grasps held "
            f"(95 %: {result['low']:.1%} to {result['high']:.1%})"
        )
    path = folder / ("report.json" if args.evaluate is None else "evaluation.json")
    replace_file(path, json.dumps(report, indent=1).encode() + b"\n")


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, description=__doc__, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        run(args)
    except GraspsimError as error:
        sys.exit(f"train_grasp: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
