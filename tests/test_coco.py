"""Annotations as COCO has them: run lengths, boxes, and what is left out."""

import numpy as np
import pytest
from bop_sample import CAMERA, SIZES_M, frame, write_scene

from graspsim.dataset.coco import mask_box, mask_from_run_lengths, run_lengths
from graspsim.dataset.files import read_json


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
def test_run_lengths_read_back(density):
    mask = np.random.default_rng(3).random((6, 11)) < density
    counts = run_lengths(mask)
    assert sum(counts) == mask.size
    assert all(counts[1:])
    np.testing.assert_array_equal(mask_from_run_lengths(counts, 6, 11), mask)


def test_run_lengths_of_some_columns_are_those_of_the_whole():
    mask = frame().labels[0].mask_visible
    x, _, width, _ = mask_box(mask)
    assert run_lengths(mask, slice(x, x + width)) == run_lengths(mask)


def test_run_lengths_that_do_not_fill_the_image_are_refused():
    with pytest.raises(ValueError, match="add up to 5, not to 2x3"):
        mask_from_run_lengths([2, 3], 2, 3)


def test_coco_skips_the_invisible_and_keeps_ids_categories_and_true_boxes(tmp_path):
    folder = write_scene(tmp_path / "set" / "train")
    coco = read_json(folder / "scene_gt_coco.json")
    assert [c["id"] for c in coco["categories"]] == sorted(SIZES_M)
    assert coco["info"]["description"] == "graspsim_train"
    assert [i["id"] for i in coco["images"]] == [0, 1]
    assert [a["id"] for a in coco["annotations"]] == [1, 2, 3, 4, 5, 6]
    first = [a for a in coco["annotations"] if a["image_id"] == 0]
    labels = [label for label in frame().labels if label.pixels_visible]
    for annotation, label in zip(first, labels, strict=True):
        assert annotation["category_id"] == label.obj_id
        assert annotation["area"] == label.pixels_visible
        assert tuple(annotation["bbox"]) == mask_box(label.mask)
        assert annotation["ignore"] == (label.visible_fraction < 0.1)
        seen = mask_from_run_lengths(annotation["segmentation"]["counts"], CAMERA.height, CAMERA.width)
        np.testing.assert_array_equal(seen, label.mask_visible)
