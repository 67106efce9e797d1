"""Episodes: a robot in a scene, a task to do there, and the Gymnasium environment that the two make."""
