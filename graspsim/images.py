"""Which files of a folder are images: sampling draws among them, rendering reads the one drawn."""

from pathlib import Path

from graspsim.errors import SpecError

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


def list_images(folder: str | Path) -> tuple[str, ...]:
    """Return the paths of the image files directly in a folder, sorted.

    Raises:
        SpecError: if the folder does not exist or holds no image file.
    """
    allowed = ", ".join(IMAGE_ENDINGS)
    if not Path(folder).is_dir():
        raise SpecError(f"There is no folder {str(folder)!r} to take images ({allowed}) from.")
    images = sorted(str(path) for path in Path(folder).iterdir() if path.suffix.lower() in IMAGE_ENDINGS)
    if not images:
        raise SpecError(f"The folder {str(folder)!r} holds no image; allowed endings: {allowed}.")
    return tuple(images)
