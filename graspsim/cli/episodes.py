"""The command that plays a task's episodes for people to watch."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from graspsim.errors import SpecError, UnknownNameError


@dataclass(frozen=True)
class Play:
    """Play episodes of a task, in a window or into a video."""

    env: Positional[str]
    """Id of an environment, as graspsim/Lift-v0; see `graspsim list` for the tasks."""
    policy: str = "scripted"
    """What the robot does: scripted or random."""
    video: Path | None = None
    """File to write, .mp4; without it a window shows what happens."""
    episodes: int = 1
    """How many."""
    seed: int = 0
    """Root seed: with it and its number, an episode is always the same."""
    robot: str = "hand"
    """Name of the robot."""
    objects: str | None = None
    """Name of an object set; by default the task's."""

    def run(self) -> int:
        """Play, and say how it went."""
        import numpy as np

        from graspsim.episode.env import GraspEnv
        from graspsim.episode.play import POLICIES, action_of
        from graspsim.episode.video import Video
        from graspsim.episode.window import has_display
        from graspsim.registry import names
        from graspsim.streams import check_seed

        if self.policy not in POLICIES:
            raise UnknownNameError("policy", self.policy, POLICIES)
        check_seed(self.seed)
        if self.episodes < 1:
            raise SpecError(f"episodes must be at least 1; got {self.episodes}.")
        task = self.env.removeprefix("graspsim/")
        if task not in names("task"):
            raise UnknownNameError("environment", self.env, [f"graspsim/{name}" for name in names("task")])
        if self.video is None and not has_display():
            raise SpecError("There is no display to show a window on; write a film with --video FILE.mp4.")
        video = None if self.video is None else Video(self.video, GraspEnv.metadata["render_fps"])
        env = GraspEnv(
            task, self.robot, objects=self.objects, render_mode="human" if self.video is None else "rgb_array"
        )
        rng = np.random.default_rng(self.seed)
        (size,) = env.task.action_space(env.action_size).shape
        done = 0
        try:
            for episode in range(self.episodes):
                _, info = env.reset(seed=self.seed if episode == 0 else None)
                if video is not None:
                    # Tasks whose action is a whole grasp take many steps of the robot's each.
                    env.sim.on_step = lambda: video.add(env.picture())
                    env.sim.on_step()
                over = False
                while not over:
                    action = action_of(self.policy, env.task, env.sim, size, rng)
                    _, _, terminated, truncated, info = env.step(action)
                    over = terminated or truncated or env.task.gave_up(env.sim)
                done += info["success"]
                print(f"episode {episode}: {'success' if info['success'] else 'no success'}")
        finally:
            env.close()
            if video is not None:
                video.close()
        print(f"{done} of {self.episodes} succeeded{'' if self.video is None else f'; {self.video}'}")
        return 0
