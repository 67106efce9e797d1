from pathlib import Path

import numpy as np
import pytest

from graspsim.dataset.results import COLUMNS, PoseEstimate, read_results, write_results
from graspsim.errors import DatasetError
from graspsim.geometry import matrix_from_quat, random_quat, transform

ROW = "2,3,5,0.5,1 0 0 0 1 0 0 0 1,10 20 900,0.1"


def file_of(folder: Path, *rows: str, header: str = ",".join(COLUMNS)) -> Path:
    path = folder / "results.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_results_read_back_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    written = [
        PoseEstimate(
            n,
            2 * n,
            n + 1,
            np.float64(rng.random()),
            transform(matrix_from_quat(random_quat(rng)), rng.normal(size=3)),
            np.float32(0.1),
        )
        for n in range(5)
    ]
    path = tmp_path / "results.csv"
    write_results(path, written)
    read = read_results(path)
    for before, after in zip(written, read, strict=True):
        assert (after.scene_id, after.im_id, after.obj_id) == (before.scene_id, before.im_id, before.obj_id)
        assert (after.score, after.time_s) == (before.score, before.time_s)
        np.testing.assert_allclose(after.camera_from_model, before.camera_from_model, rtol=1e-15)


def test_translations_are_millimetres_on_disk(tmp_path: Path) -> None:
    (estimate,) = read_results(file_of(tmp_path, ROW))
    np.testing.assert_allclose(estimate.camera_from_model[:3, 3], (0.01, 0.02, 0.9))
    assert estimate.time_s == 0.1


def test_the_column_of_times_may_be_missing(tmp_path: Path) -> None:
    path = file_of(tmp_path, ROW.rpartition(",")[0], header=",".join(COLUMNS[:-1]))
    assert read_results(path)[0].time_s == -1.0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("0.5", "high"), r"row 3: could not convert string to float: 'high'"),
        (ROW.replace("2,3", "two,3"), r"row 3: invalid literal for int.*'two'"),
        (ROW.replace("1 0 0 0", "1 0 0", 1), r"row 3: R has nine numbers and t three; got 8 and 3"),
        (ROW.replace("10 20", "10"), r"row 3: R has nine numbers and t three; got 9 and 2"),
        (ROW.replace("1 0 0 0 1", "2 0 0 0 1"), r"row 3: R is no rotation"),
        (ROW.replace("1 0 0 0 1", "-1 0 0 0 1"), r"row 3: R is no rotation"),
        (ROW.replace("900", "nan"), r"row 3: not all numbers are finite"),
        ("2,3", r"row 3: invalid literal"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_results(file_of(tmp_path, ROW, row))


def test_missing_columns_are_named_with_what_has_to_be_there(tmp_path: Path) -> None:
    path = file_of(tmp_path, ROW, header="scene,im_id,obj_id,score,R,t,time")
    with pytest.raises(
        DatasetError, match=r"lacks the columns scene_id; its first row has to be scene_id,im_id,obj_id"
    ):
        read_results(path)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"Cannot read the results .*nothing\.csv"):
        read_results(tmp_path / "nothing.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DatasetError, match=r"Cannot read the results .*picture\.csv"):
        read_results(tmp_path / "picture.csv")
