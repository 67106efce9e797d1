import cv2
import numpy as np
import pytest
from bop_sample import BEHIND, frame, write_dataset

from graspsim.dataset.pictures import save
from graspsim.dataset.preview import PALETTE, annotate, contact_sheet
from graspsim.dataset.records import FrameRecord
from graspsim.errors import DatasetError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "boxes")


def test_labels_are_drawn_where_the_instances_are_and_the_frame_stays_as_it_was():
    record = frame()
    before = record.rgb.copy()
    image = annotate(record)
    np.testing.assert_array_equal(record.rgb, before)
    changed = (image != record.rgb).any(axis=2)
    label = record.labels[0]
    assert changed[label.mask_visible].mean() > 0.95
    assert not changed[-10:].any()  # nothing is labelled in the lowest rows


def test_instances_have_colours_of_their_own():
    image = annotate(frame(), 960).reshape(-1, 3).astype(int)
    for color in PALETTE[:3]:
        assert (np.abs(image - color).max(axis=1) < 8).any(), color
    assert min(np.linalg.norm(np.subtract(a, b)) for i, a in enumerate(PALETTE) for b in PALETTE[:i]) > 40


def test_what_is_not_labelled_is_not_drawn():
    record = frame()
    bare = FrameRecord(0, record.rgb, None, record.intrinsics, None, [])
    np.testing.assert_array_equal(annotate(bare), record.rgb)


def test_an_instance_behind_the_camera_is_no_trouble():
    record = frame()
    record.labels[BEHIND].camera_from_model[2, 3] = -0.5
    assert annotate(record).shape == record.rgb.shape


def test_an_image_is_scaled_before_it_is_drawn_on():
    assert annotate(frame(), 480).shape == (360, 480, 3)


def test_a_contact_sheet_has_a_tile_and_a_caption_per_image(dataset):
    sheet = contact_sheet([dataset], count=4, columns=2)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (2 * (360 + 22) + 3 * 6, 2 * 480 + 3 * 6, 3)
    caption = sheet[6 + 360 : 6 + 360 + 22, 6 : 6 + 480]
    assert caption.max() > 200


def test_a_contact_sheet_shows_no_more_images_than_there_are(dataset):
    assert contact_sheet([dataset], count=12, columns=4).shape[0] == 360 + 22 + 2 * 6


def test_a_contact_sheet_of_nothing_is_an_error(dataset):
    with pytest.raises(DatasetError, match="at least one image and one column; got 0 and 4"):
        contact_sheet([dataset], count=0)
    with pytest.raises(DatasetError, match="no split 'val'"):
        contact_sheet([dataset], split="val")


def test_a_saved_picture_reads_back(dataset, tmp_path):
    sheet = contact_sheet([dataset], count=1)
    save(tmp_path / "sheets" / "one.png", sheet)
    read = cv2.imread(str(tmp_path / "sheets" / "one.png"))
    np.testing.assert_array_equal(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), sheet)
    with pytest.raises(DatasetError, match=r"\.png or \.jpg; got .*one\.gif"):
        save(tmp_path / "one.gif", sheet)


def test_real_photographs_without_masks_can_be_shown(real):
    assert contact_sheet([real / "lmo"], count=2, columns=2).shape == (360 + 22 + 12, 2 * 480 + 18, 3)
