"""The Gymnasium environment that a task, a robot and an object set make."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from graspsim.episode.arguments import OBJECT_SET, PICTURE, changed, check_span, check_unchanged, image_size_of, loaded
from graspsim.episode.cameras import NAMES, Cameras
from graspsim.episode.controls import STEP_S, action_size
from graspsim.episode.features import ROBOT_SIZE, robot_state
from graspsim.episode.marks import marked
from graspsim.episode.observe import Observer
from graspsim.episode.simulation import Simulation
from graspsim.episode.spec import with_objects
from graspsim.episode.task import Task, begin, check_episodes
from graspsim.episode.told import drawn_values, privileged_state
from graspsim.errors import GraspsimError, SpecError, UnknownNameError
from graspsim.geometry import matrices_from_poses
from graspsim.plain import overlaid
from graspsim.registry import load
from graspsim.robot import RobotModel
from graspsim.streams import check_seed

RENDER_SIZE = (480, 640)


class GraspEnv(gymnasium.Env[Any, NDArray[Any]]):
    """One task in Gymnasium's terms. Made by `gymnasium.make("graspsim/Lift-v0", …)`.

    Episodes are named: `reset(seed=7)` begins episode (7, 0), the next `reset()` (7, 1), and so on. An episode is a
    function of its name and of the arguments below alone.

    Args:
        task: name of the task.
        robot: hand or panda.
        control: yaw (dx, dy, dz, dyaw), pose (dx, dy, dz and a rotation vector) or joints; the last number of an action
            is how wide the fingers shall stand.
        obs_mode: state, rgb, depth, rgbd, segmentation or pointcloud, or several of them.
        cameras: front, wrist, or both.
        image_size: height and width of images, or one number for both.
        objects: name of an object set, see `graspsim list`, or fields of a SetSpec.
        randomize: keys of the task's specification and their values, such as {"physics.friction": "U(0.2, 0.5)"}.
        horizon: steps after which an episode is cut off; by default the task's.
        render_mode: rgb_array or human.

    Raises:
        UnknownNameError: for a name that is in no table.
        SpecError: for a value that cannot be, or an object that the robot cannot span.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": round(1 / STEP_S)}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        robot: str = "hand",
        control: str | None = None,
        obs_mode: str | Sequence[str] | None = None,
        cameras: str | Sequence[str] = ("front",),
        image_size: int | Sequence[int] | None = None,
        objects: str | Mapping[str, Any] | None = None,
        randomize: Mapping[str, Any] | None = None,
        horizon: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.task: Task = load("task", task)()
        self._robot = robot
        self._control = control or self.task.control
        robot_model: RobotModel = load("robot", robot)()
        self.action_size = action_size(robot_model, self._control)
        height, width = image_size_of(self.task.image_size if image_size is None else image_size)
        spec = with_objects(self.task.spec, self.task.objects if objects is None else objects)
        spec = overlaid(spec, {"camera": {"width": width, "height": height}})
        self.spec_of_episodes = changed(spec, randomize or {})
        check_unchanged(spec, self.spec_of_episodes, PICTURE, "image_size says it")
        check_episodes(self.task, self.spec_of_episodes)
        self._objects = loaded(self.spec_of_episodes)
        check_span(self._objects, robot_model)
        self._horizon = self.task.horizon if horizon is None else horizon
        if not isinstance(self._horizon, int | np.integer) or self._horizon < 1:
            raise SpecError(f"horizon must be a whole number, at least 1; got {horizon!r}.")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise UnknownNameError("render mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        state_size = ROBOT_SIZE + self.task.feature_count
        self._observer = Observer(
            self.task.obs_mode if obs_mode is None else obs_mode,
            [cameras] if isinstance(cameras, str) else cameras,
            height,
            width,
            state_size,
        )
        self.observation_space = self.task.observation_space(self._observer.space)
        self.action_space = self.task.action_space(self.action_size)
        if self.task.is_goal_conditioned:
            # What hindsight replay asks; stable-baselines3 takes whatever has it for goal-conditioned.
            self.compute_reward = self._compute_reward
        self._root_seed: int | None = None
        self._index = 0
        self._sim: Simulation | None = None
        self._closed = False
        self._over, self._steps = True, 0
        self._window: Any = None

    def __getstate__(self) -> dict[str, Any]:
        raise GraspsimError(
            "An environment cannot be copied; make another, and play the same episode and actions in it."
        )

    @property
    def sim(self) -> Simulation:
        """The world of the current episode.

        Raises:
            GraspsimError: if there is none.
        """
        if self._sim is None:
            raise GraspsimError("The environment is closed." if self._closed else "Call reset() before anything else.")
        return self._sim

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: root seed; the episodes that follow are numbered from 0.
            options: {"randomize": {…}} changes what is drawn, for this episode alone.

        Raises:
            UnknownNameError: for an unknown option or key.
            SpecError: for a value out of its range.
        """
        if self._closed:
            raise GraspsimError("The environment is closed.")
        if options is not None and not isinstance(options, Mapping):
            raise SpecError(f'options is a dict such as {{"randomize": {{…}}}}; got {options!r}.')
        for name in options or {}:
            if name != "randomize":
                raise UnknownNameError("option", name, ["randomize"])
        spec, changes = self.spec_of_episodes, (options or {}).get("randomize")
        if changes:
            spec = changed(spec, changes)
            check_unchanged(self.spec_of_episodes, spec, PICTURE + OBJECT_SET, "it holds for all episodes")
            check_episodes(self.task, spec)
        # What is refused above is no episode.
        super().reset(seed=seed)
        if seed is not None:
            self._root_seed, self._index = check_seed(seed), 0
        elif self._root_seed is None:
            self._root_seed, self._index = int(self.np_random.integers(2**63)), 0
        else:
            self._index += 1
        if self._sim is not None:
            self._sim.close()
            self._sim = None
        self._over = True
        self._sim = begin(self.task, spec, self._objects, self._robot, self._control, (self._root_seed, self._index))
        self._cameras = Cameras(spec, self._sim)
        self._over, self._steps = False, 0
        front = self._cameras.view("front", self._sim)
        self._drawn = drawn_values(self._sim, front, self.task.most_objects)
        terms = dict.fromkeys(self.task.terms, 0.0)
        if self.render_mode == "human":
            # What takes one action may take many steps of the robot's, each worth seeing.
            self._sim.on_step = self._show
            self._show()
        return self._observe(), self._info(terms, succeeded=False)

    def step(self, action: NDArray[Any]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action.

        Raises:
            GraspsimError: before a reset, after the end of the episode or after close.
            SpecError: for an action of another shape, outside of the space, or not a number.
        """
        sim = self.sim
        if self._over:
            raise GraspsimError("The episode is over; call reset().")
        try:
            # A copy: it may be carried out later, when the caller's array holds another one.
            given = np.array(action, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise SpecError(f"An action is an array of numbers; got {action!r}.") from error
        if given.shape != self.action_space.shape:
            raise SpecError(f"An action has the shape {self.action_space.shape}; got {given.shape}.")
        if not (np.abs(given) <= 1.0).all():
            raise SpecError(f"Actions are numbers from -1 to 1; got {given.tolist()}.")
        self.task.act(sim, given)
        terms = self.task.reward_terms(sim)
        succeeded = self.task.succeeded(sim)
        terminated = self.task.is_over(sim)
        self._steps += 1
        truncated = not terminated and self._steps >= self._horizon
        self._over = terminated or truncated
        return self._observe(), float(sum(terms.values())), terminated, truncated, self._info(terms, succeeded)

    def _observe(self) -> Any:
        state = np.concatenate([robot_state(self.sim), self.task.features(self.sim)])
        return self.task.observation(self.sim, self._observer.observe(self.sim, self._cameras, state))

    def _info(self, terms: dict[str, float], succeeded: bool) -> dict[str, Any]:
        return {
            "success": succeeded,
            "is_success": succeeded,
            "reward_terms": dict(terms),
            "state": privileged_state(self.sim, self.task.most_objects),
            "drawn": {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in self._drawn.items()},
        }

    def _compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> NDArray[np.float64]:
        return self.task.compute_reward(np.asarray(achieved_goal), np.asarray(desired_goal))

    def view_of(self, camera: str) -> dict[str, NDArray[np.float64]]:
        """Return where a camera is now: "matrix" K (3, 3) and "world_from_camera" (4, 4).

        Raises:
            UnknownNameError: if there is no such camera.
            GraspsimError: before a reset.
        """
        if camera not in NAMES:
            raise UnknownNameError("camera", camera, NAMES)
        sim = self.sim
        view = self._cameras.view(camera, sim)
        return {
            "matrix": view.intrinsics.matrix,
            "world_from_camera": matrices_from_poses(view.world_from_camera)[0],
        }

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture (480, 640, 3) for people, or show it where the render mode is human."""
        if self.render_mode is None:
            raise GraspsimError('Nothing is rendered without a render mode; make the environment with "rgb_array".')
        if self.render_mode == "rgb_array":
            return self.picture()
        self._show()
        return None

    def _show(self) -> None:
        if self._window is None:
            from graspsim.episode.window import Window

            self._window = Window(*reversed(RENDER_SIZE))
        self._window.show(self.picture(), self.metadata["render_fps"])

    def picture(self) -> NDArray[np.uint8]:
        """Return a picture (480, 640, 3) for people, from the camera that stands."""
        sim = self.sim
        view = self._cameras.view("front", sim)
        height, width = RENDER_SIZE
        scale = height / view.intrinsics.height
        k = dataclasses.replace(
            view.intrinsics,
            width=width,
            height=height,
            fx=view.intrinsics.fx * scale,
            fy=view.intrinsics.fy * scale,
            cx=width / 2,
            cy=height / 2,
        )
        marks = self.task.marks(sim)
        frame = sim.look(dataclasses.replace(view, intrinsics=k), ("rgb", "depth") if marks else ("rgb",))
        picture = frame.rgb
        assert picture is not None
        for ball in marks:
            assert frame.depth_m is not None
            picture = marked(picture, frame.depth_m, k.matrix, matrices_from_poses(view.world_from_camera)[0], ball)
        return picture

    def close(self) -> None:
        """Free the simulation; the environment is of no use afterwards."""
        if self._sim is not None:
            self._sim.close()
            self._sim = None
        if self._window is not None:
            self._window.close()
            self._window = None
        self._closed = True
