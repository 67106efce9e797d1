"""Environments as learners take them, and learners as the arguments of `train_rl` describe them."""

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC, HerReplayBuffer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecNormalize, VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn, VecEnvWrapper

from graspsim.episode.plain_images import PlainImages
from graspsim.errors import GraspsimError, UnknownNameError

from ._evaluation import Numbered, Policy
from ._shared import made

if TYPE_CHECKING:
    from .train_rl import Args

REPLAY_BYTES = 2 * 2**30
"""The replay buffer holds as many transitions as fit into it: of states, all there will ever be."""
DEMONSTRATION_NOISE = 0.3
"""Largest standard deviation of what is added to the actions of a demonstration; each episode draws its own."""
MakeEnv = Callable[[], gymnasium.Env[Any, Any]]


class Demonstrator(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Tells what the task's scripted policy would do, erring more in some episodes than in others."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        result = self.env.reset(seed=seed, options=options)
        self._noise = self.np_random.uniform(0.0, DEMONSTRATION_NOISE)
        return result

    def demonstrated(self) -> NDArray[np.float32]:
        """Return the action (k,)."""
        env: Any = self.unwrapped
        action: NDArray[np.float64] = env.task.scripted(env.sim)
        noise = self.np_random.normal(0.0, self._noise, len(action))
        return np.clip(action + noise, -1.0, 1.0).astype(np.float32)


class Demonstrated(OffPolicyAlgorithm):
    """Mixed into an algorithm, takes the scripted policy's actions where it would take random ones to begin with."""

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.num_timesteps >= learning_starts:
            return super()._sample_action(learning_starts, action_noise, n_envs)
        assert self.env is not None
        actions = np.stack(self.env.env_method("demonstrated"))
        return actions, actions


class Meanwhile(VecEnvWrapper):
    """Has the learner work while the environments step, for which it would only wait."""

    work: Callable[[], None] | None = None

    def reset(self) -> VecEnvObs:
        """Reset all environments."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Work, then wait for the environments."""
        if self.work is not None:
            self.work()
        return self.venv.step_wait()


def algorithm_class(name: str) -> type[BaseAlgorithm]:
    """Return an algorithm by its name.

    Raises:
        UnknownNameError: if there is none.
        GraspsimError: if it is not installed.
    """
    known: dict[str, type[BaseAlgorithm]] = {"sac": SAC, "ppo": PPO}
    if name == "tqc":
        try:
            from sb3_contrib import TQC
        except ModuleNotFoundError as error:
            raise GraspsimError("The algorithm 'tqc' needs sb3-contrib: pip install 'graspsim[rl]'.") from error
        tqc: type[BaseAlgorithm] = TQC
        return tqc
    if name not in known:
        raise UnknownNameError("algorithm", name, [*known, "tqc"])
    return known[name]


def for_training(args: "Args", kind: type[BaseAlgorithm]) -> Any:
    """Return the algorithm's class as it has to be made and loaded for training."""
    return type(kind.__name__, (Demonstrated, kind), {}) if args.demos else kind


def new_model(args: "Args", kind: type[BaseAlgorithm], venv: VecEnv) -> BaseAlgorithm:
    """Return an untrained model for the environments."""
    space = venv.observation_space
    boxes: list[Any] = list(space.values()) if isinstance(space, spaces.Dict) else [space]
    of_one = "MlpPolicy" if len(boxes[0].shape) == 1 else "CnnPolicy"
    common: dict[str, Any] = {
        "policy": "MultiInputPolicy" if isinstance(space, spaces.Dict) else of_one,
        "env": venv,
        # Large steps to the end would leave it to chance how good the last policy is.
        "learning_rate": lambda left: args.learning_rate * (0.1 + 0.9 * left),
        "gamma": args.gamma,
        "batch_size": args.batch_size,
        "policy_kwargs": {"net_arch": list(args.net)},
    }
    if not issubclass(kind, OffPolicyAlgorithm):
        return kind(**common, n_steps=max(2048 // args.envs, 1))  # type: ignore[call-arg]
    hindsight = isinstance(space, spaces.Dict) and {"observation", "achieved_goal", "desired_goal"} <= set(space.keys())
    transition_bytes = 2 * sum(int(np.prod(box.shape)) * box.dtype.itemsize for box in boxes)
    model: BaseAlgorithm = for_training(args, kind)(
        **common,
        buffer_size=min(args.steps, REPLAY_BYTES // transition_bytes),
        learning_starts=args.demos or args.warmup,
        train_freq=1,
        # They are taken meanwhile.
        gradient_steps=0,
        ent_coef="auto_0.1",
        replay_buffer_class=HerReplayBuffer if hindsight else None,
    )
    return model


def normalized(venv: VecEnv) -> VecNormalize:
    """Return the environments with images as networks take them, and all else brought to mean 0 and deviation 1."""
    space = venv.observation_space
    if isinstance(space, spaces.Dict):
        keys = [key for key, box in space.items() if len(box.shape or ()) == 1]
        pictured = VecTransposeImage(venv) if len(keys) < len(space) else venv
        return VecNormalize(pictured, norm_obs=bool(keys), norm_reward=False, norm_obs_keys=keys or None)
    if len(space.shape or ()) == 1:
        return VecNormalize(venv, norm_reward=False)
    return VecNormalize(VecTransposeImage(venv), norm_obs=False, norm_reward=False)


def policy_of(model: BaseAlgorithm, normalize: VecNormalize) -> Policy:
    """Return what a model would do if it did not explore."""
    return lambda observations: model.predict(normalize.normalize_obs(observations), deterministic=True)[0]


def env_maker(env: str, kwargs: dict[str, Any], objects: str | None, numbers: tuple[int, int] | None = None) -> MakeEnv:
    """Return what makes an environment, for training, or for evaluation with the numbers (first, stride)."""

    trainer = os.getpid()

    def make() -> gymnasium.Env[Any, Any]:
        if os.getpid() != trainer:
            # The parent alone answers, and ends its workers.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        plain = PlainImages(made(env, kwargs, objects))
        return Demonstrator(plain) if numbers is None else Numbered(plain, *numbers)

    return make


def vectorized(makers: list[MakeEnv]) -> VecEnv:
    """Return environments, each in its process."""
    # Made here first, so that a mistake is one clear error, and object sets are made once, not by each process.
    makers[0]().close()
    return DummyVecEnv(makers) if len(makers) == 1 else SubprocVecEnv(makers)


def for_evaluation(env: str, kwargs: dict[str, Any], objects: str, count: int) -> VecEnv:
    """Return `count` environments that play numbered episodes."""
    return vectorized([env_maker(env, kwargs, objects, (i, count)) for i in range(count)])
