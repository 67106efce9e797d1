import pytest

from graspsim.errors import SpecError
from graspsim.images import list_images


def test_images_of_a_folder_are_listed_in_order(tmp_path):
    for name in ["b.JPG", "a.png", "c.webp", "notes.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    assert list_images(tmp_path) == tuple(str(tmp_path / name) for name in ["a.png", "b.JPG", "c.webp"])


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"nowhere.*\.png, \.jpg, \.jpeg, \.bmp, \.webp"):
        list_images(tmp_path / "nowhere")


def test_a_folder_without_images_is_named_with_the_allowed_endings(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SpecError, match=rf"{tmp_path.name}.*\.png, \.jpg, \.jpeg, \.bmp, \.webp"):
        list_images(tmp_path)
