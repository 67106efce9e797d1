"""Worker processes that survive each other: a scene whose worker dies is done again, by a fresh one.

`concurrent.futures` gives up the whole pool when one process is killed, hence this small scheduler.
"""

import contextlib
import logging
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

import cv2

from graspsim.dataset.generate import DumpJob, SceneReport, generate_scene, is_complete
from graspsim.errors import GraspsimError
from graspsim.processes import fresh_processes
from graspsim.scene_objects import SceneObjects

SCENES_PER_WORKER = 40
MAX_DEATHS = 3
GRACE_S = 3.0

_log = logging.getLogger(__name__)


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    scene_id: int
    frames_reported: int = 0
    scenes_done: int = 0


class _OrphanedError(Exception):
    """The parent process is gone."""


def generate_scenes(
    job: DumpJob, scene_ids: Iterable[int], workers: int, on_frame: Callable[[int], None]
) -> Iterator[tuple[int, SceneReport]]:
    """Yield (scene id, report) of each scene as it is finished, in no particular order.

    Args:
        job: the dataset.
        scene_ids: which of its scenes to make.
        workers: number of processes.
        on_frame: called with 1 after each frame, and with -n when n frames of a scene were lost with its worker.

    Raises:
        GraspsimError: as a worker raised it, or if a scene killed its worker `MAX_DEATHS` times.
    """
    # Imports are done once, and a recycled worker starts at once.
    context = fresh_processes(["graspsim.dataset.workers", "graspsim.render.raster"])
    waiting = deque(scene_ids)
    deaths: dict[int, int] = {}
    active: list[_Worker] = []
    try:
        while waiting or active:
            while waiting and len(active) < workers:
                active.append(_start(context, job, waiting.popleft()))
            ready = wait([w.connection for w in active])
            for worker in [w for w in active if w.connection in ready]:
                try:
                    message = worker.connection.recv()
                except (EOFError, OSError):
                    active.remove(worker)
                    worker.process.join()
                    deaths[worker.scene_id] = deaths.get(worker.scene_id, 0) + 1
                    _report_death(worker, deaths[worker.scene_id])
                    if is_complete(job, worker.scene_id):
                        # It died between finishing its scene and saying so.
                        on_frame(job.frames_of(worker.scene_id) - worker.frames_reported)
                    else:
                        on_frame(-worker.frames_reported)
                        waiting.appendleft(worker.scene_id)
                    continue
                if message == "frame":
                    worker.frames_reported += 1
                    on_frame(1)
                elif isinstance(message, SceneReport):
                    yield worker.scene_id, message
                    if not _go_on(worker, waiting):
                        active.remove(worker)
                        worker.process.join()
                else:
                    raise message
    finally:
        for worker in active:
            worker.process.terminate()
        for worker in active:
            worker.process.join(GRACE_S)
            worker.process.kill()
            worker.process.join()
            worker.connection.close()


def _start(context: BaseContext, job: DumpJob, scene_id: int) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(job, theirs), daemon=True)  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    ours.send(scene_id)
    return _Worker(process, ours, scene_id)


def _go_on(worker: _Worker, waiting: deque[int]) -> bool:
    """Give a worker its next scene, or let it end: nothing is left, or it has done its share."""
    worker.frames_reported = 0
    worker.scenes_done += 1
    goes_on = bool(waiting) and worker.scenes_done < SCENES_PER_WORKER
    if goes_on:
        worker.scene_id = waiting.popleft()
    # If it has just died and a scene was meant for it, the next `recv` finds out.
    with contextlib.suppress(BrokenPipeError):
        worker.connection.send(worker.scene_id if goes_on else None)
    return goes_on


def _report_death(worker: _Worker, deaths: int) -> None:
    code = worker.process.exitcode or 0
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    if deaths >= MAX_DEATHS:
        raise GraspsimError(f"Scene {worker.scene_id} ended its worker {deaths} times, last with {how}; giving up.")
    _log.warning("A worker died in scene %d (%s); the scene is done again.", worker.scene_id, how)


def _work(job: DumpJob, connection: Connection) -> None:
    # The parent alone answers Ctrl-C, and ends its workers, which tidy up after themselves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cv2.setNumThreads(1)
    objects = SceneObjects(job.spec, job.set_seed, at_once=job.episode is not None)

    def on_frame() -> None:
        if connection.poll():
            raise _OrphanedError
        connection.send("frame")

    try:
        while (scene_id := connection.recv()) is not None:
            connection.send(generate_scene(job, objects, scene_id, on_frame))
    except GraspsimError as error:
        # As its base class: exceptions with arguments of their own do not survive pickling.
        connection.send(GraspsimError(str(error)))
    except (_OrphanedError, EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:  # whatever it was, the parent must hear of it
        connection.send(RuntimeError(f"A worker failed: {error}\n{traceback.format_exc()}"))
