"""What a validation found."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Report:
    """Faults of a dataset, what was checked, and what could not be.

    Attributes:
        faults: one sentence each, naming file, image, instance and the figures.
        checked: how many of each kind of thing were looked at.
        skipped: what was left out because the dataset lacks it.
    """

    faults: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return not self.faults

    def fault(self, where: str, what: str) -> None:
        """Note that `what` is wrong with `where`."""
        self.faults.append(f"{where}: {what}")

    def skip(self, what: str) -> None:
        """Note, once, that something was not checked."""
        if what not in self.skipped:
            self.skipped.append(what)

    def summary(self) -> str:
        """Return what was checked, what was not and how many faults were found; the faults are the caller's to show."""
        lines = [f"Checked {', '.join(f'{n} {kind}' for kind, n in self.checked.items()) or 'nothing'}."]
        lines += [f"Not checked: {what}." for what in self.skipped]
        count = len(self.faults)
        lines.append("No fault found." if self.ok else f"{count} fault{'s' if count > 1 else ''} found.")
        return "\n".join(lines)
