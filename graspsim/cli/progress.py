"""A progress bar."""

import sys
from collections.abc import Callable


class progress_bar:
    """A bar with the speed and the time left on stderr; as a context, it gives the function that advances it."""

    def __init__(self, unit: str, total: int | None) -> None:
        self._unit = unit
        self._total = total

    def __enter__(self) -> Callable[..., None]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
        from rich.text import Text

        unit = self._unit

        class Speed(ProgressColumn):
            def render(self, task: Task) -> Text:
                return Text(f"{task.speed:.1f} {unit}/s" if task.speed else "")

        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            Speed(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # Or else what is printed meanwhile would not reach a file or a pipe.
            redirect_stdout=sys.stdout.isatty(),
        )
        task = self._bar.add_task(unit, total=self._total)
        self._bar.start()

        def advance(n: int, total: int | None = None) -> None:
            self._bar.update(task, advance=n, total=total)

        return advance

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
