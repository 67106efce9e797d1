from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import trimesh
from PIL import Image

from graspsim import mesh_import
from graspsim.errors import MeshError
from graspsim.mesh_import import EXTENSIONS, GENERIC_NAMES, MAX_FACES, import_mesh
from graspsim.models import ObjectModel, make_object


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRASPSIM_CACHE", str(folder))
    return folder


@pytest.fixture
def without_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_import, "convex_parts", lambda name, vertices, faces, *limits: [vertices])


def box() -> trimesh.Trimesh:
    return trimesh.creation.box((0.03, 0.05, 0.08))


def cube(size: float = 0.05, at: Sequence[float] = (0, 0, 0), inward: bool = False) -> trimesh.Trimesh:
    mesh = trimesh.creation.box((size, size, size))
    mesh.apply_translation(at)
    if inward:
        mesh.invert()
    return mesh


def textured(mesh: trimesh.Trimesh, uv: np.ndarray, image: np.ndarray) -> trimesh.Trimesh:
    material = trimesh.visual.material.SimpleMaterial(image=Image.fromarray(image))
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    return mesh


def saved(mesh: trimesh.Trimesh, path: Path) -> Path:
    mesh.export(path)
    return path


def assert_closed(model: ObjectModel) -> None:
    mesh = trimesh.Trimesh(model.mesh.vertices, model.mesh.faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_format_gives_the_object_back(tmp_path: Path, extension: str) -> None:
    made = make_object("extrusions", np.random.default_rng(0), profile="L")
    mesh = trimesh.Trimesh(made.mesh.vertices, made.mesh.faces, process=False)
    model = import_mesh(saved(mesh, tmp_path / f"bracket{extension}"))
    assert model.name == "bracket"
    assert_closed(model)
    assert model.volume_m3 == pytest.approx(made.volume_m3, rel=1e-4)
    assert np.allclose(model.extents_m, made.extents_m, rtol=1e-4)
    assert np.allclose(model.center_of_mass, made.center_of_mass, atol=1e-5)
    parts = sum(trimesh.convex.convex_hull(part).volume for part in model.parts)
    assert parts == pytest.approx(made.volume_m3, rel=0.1)
    assert model.symmetries.discrete == model.symmetries.continuous == ()


def test_the_second_load_takes_the_parts_from_the_cache_at_any_scale(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(box(), tmp_path / "box.stl")
    first = import_mesh(path)
    assert len(list(cache.glob("parts-*"))) == 1
    monkeypatch.delattr("coacd.run_coacd")
    second = import_mesh(path, scale=2)
    for one, two in zip(first.parts, second.parts, strict=True):
        assert np.allclose(2 * one, two)
    assert second.volume_m3 == pytest.approx(8 * first.volume_m3)


@pytest.fixture
def decompositions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stand in for CoACD, with one entry for each of its runs."""
    runs: list[int] = []

    def run_coacd(mesh: object, **settings: object) -> list[tuple[np.ndarray, np.ndarray]]:
        runs.append(len(runs))
        return [(np.eye(4)[:, :3], np.zeros((0, 3), dtype=np.int32))]

    monkeypatch.setattr("coacd.run_coacd", run_coacd)
    return runs


class TestCache:
    @pytest.mark.parametrize("place", ["file", "file/below"])
    def test_a_file_in_the_way_is_warned_of_once_and_costs_only_time(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        decompositions: list[int],
        place: str,
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path / place))
        for _ in range(2):
            assert len(import_mesh(saved(box(), tmp_path / "box.stl")).parts) == 1
        assert len(decompositions) == 2
        (message,) = caplog.messages
        assert f"Nothing is kept in {tmp_path / place}: " in message
        assert message.endswith("Set GRASPSIM_CACHE to a folder that can be written.")

    def test_a_folder_that_cannot_be_written_is_warned_of(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        decompositions: list[int],
    ) -> None:
        def refuse(**settings: object) -> NoReturn:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
        assert len(import_mesh(saved(box(), tmp_path / "box.stl")).parts) == 1
        (message,) = caplog.messages
        assert "cache: Permission denied. Set GRASPSIM_CACHE" in message

    @pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "junk", "without parts"])
    def test_a_damaged_file_is_made_anew(
        self, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture, decompositions: list[int], damage: str
    ) -> None:
        path = saved(box(), tmp_path / "box.stl")
        first = import_mesh(path)
        (cached,) = cache.glob("parts-*")
        sound = cached.read_bytes()
        if damage == "without parts":
            np.savez(cached)
        else:
            middle = len(sound) // 2
            flipped = sound[:middle] + bytes([sound[middle] ^ 255]) + sound[middle + 1 :]
            cached.write_bytes({"empty": b"", "truncated": sound[:middle], "flipped": flipped, "junk": b"junk"}[damage])
        second = import_mesh(path)
        import_mesh(path)
        assert np.array_equal(first.parts[0], second.parts[0])
        assert len(decompositions) == 2
        assert list(cache.glob("parts-*")) == [cached]
        assert not caplog.messages


@pytest.mark.usefixtures("without_decomposition")
class TestName:
    @pytest.mark.parametrize("stem", [*sorted(GENERIC_NAMES), "Model"])
    def test_a_generic_file_is_called_after_its_folder(self, tmp_path: Path, stem: str) -> None:
        folder = tmp_path / "003_cracker_box"
        folder.mkdir()
        assert import_mesh(saved(box(), folder / f"{stem}.ply")).name == "003_cracker_box"

    def test_the_folder_is_found_from_within_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        saved(box(), tmp_path / "mesh.ply")
        assert import_mesh("mesh.ply").name == tmp_path.name

    def test_any_other_file_keeps_its_own_name(self, tmp_path: Path) -> None:
        assert import_mesh(saved(box(), tmp_path / "textured_mug.ply")).name == "textured_mug"


@pytest.mark.usefixtures("without_decomposition")
@pytest.mark.parametrize(("given", "kept"), [((16, 4096), (8, 2048)), ((2500, 10), (2048, 8)), ((2048, 4), (2048, 4))])
def test_a_texture_above_2048_pixels_is_averaged_down(
    tmp_path: Path, given: tuple[int, int], kept: tuple[int, int]
) -> None:
    # Columns of black and white: averaging leaves grey, and picking pixels would not.
    image = np.zeros((*given, 3), dtype=np.uint8)
    image[:, ::2] = 255
    model = import_mesh(saved(textured(box(), np.zeros((8, 2)), image), tmp_path / "box.glb"))
    assert model.texture is not None
    assert model.texture.shape == (*kept, 3)
    assert model.texture.dtype == np.uint8
    if given[1] == 2 * kept[1]:
        assert np.abs(model.texture.astype(int) - 127.5).max() <= 1
    elif given == kept:
        assert np.array_equal(model.texture, image)


@pytest.mark.usefixtures("without_decomposition")
@pytest.mark.parametrize("extension", ["obj", "glb"])
def test_a_texture_is_kept_with_v_pointing_up(tmp_path: Path, extension: str) -> None:
    image = np.zeros((64, 32, 3), dtype=np.uint8)
    image[:32] = (255, 0, 0)
    mesh = box()
    # The upper half of the box shows the upper, red half of the image.
    uv = np.stack([np.full(8, 0.5), np.where(mesh.vertices[:, 2] > 0, 1.0, 0.0)], axis=1)
    model = import_mesh(saved(textured(mesh, uv, image), tmp_path / f"box.{extension}"))
    assert model.texture is not None
    assert model.texture.shape == (64, 32, 3)
    heights = model.mesh.vertices[model.mesh.faces][..., 2]
    assert np.array_equal(model.mesh.corner_uvs[..., 1], (heights > 0).astype(np.float32))
    assert model.texture[0, 0, 0] > 200 > 50 > model.texture[-1, 0, 0]


@pytest.mark.usefixtures("without_decomposition")
def test_without_a_texture_uvs_have_the_usual_unit_at_any_scale(tmp_path: Path) -> None:
    model = import_mesh(saved(trimesh.creation.box((30, 50, 80)), tmp_path / "box.ply"), scale=0.001)
    assert model.texture is None
    assert np.ptp(model.mesh.corner_uvs[..., 1]) == pytest.approx(0.8)


@pytest.mark.usefixtures("without_decomposition")
class TestRepair:
    def test_a_small_hole_is_filled(self, tmp_path: Path) -> None:
        ball = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
        around = np.flatnonzero((ball.faces == 5).any(axis=1))
        ball.update_faces(~np.isin(np.arange(len(ball.faces)), around))
        model = import_mesh(saved(ball, tmp_path / "ball.ply"))
        assert_closed(model)
        assert model.volume_m3 == pytest.approx(4 / 3 * np.pi * 0.03**3, rel=0.01)

    def test_faces_wound_at_random_are_turned_outward(self, tmp_path: Path) -> None:
        ball = trimesh.creation.icosphere(subdivisions=2, radius=0.03)
        faces = ball.faces.copy()
        turned = np.random.default_rng(0).random(len(faces)) < 0.4
        faces[turned] = faces[turned][:, ::-1]
        model = import_mesh(saved(trimesh.Trimesh(ball.vertices, faces, process=False), tmp_path / "ball.obj"))
        assert_closed(model)
        assert model.volume_m3 == pytest.approx(ball.volume)

    def test_a_mesh_inside_out_is_inverted(self, tmp_path: Path) -> None:
        mesh = box()
        mesh.invert()
        assert_closed(import_mesh(saved(mesh, tmp_path / "box.off")))

    def test_sheets_that_touch_along_an_edge_are_parted(self, tmp_path: Path) -> None:
        # Two towers on a plate, diagonal neighbours: one body, that touches itself where they meet.
        cells = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 1, 1)]
        mesh = trimesh.boolean.union([cube(1, cell) for cell in cells])
        model = import_mesh(saved(mesh, tmp_path / "towers.stl"), scale=0.05)
        assert_closed(model)
        assert len(model.mesh.vertices) == len(np.unique(model.mesh.vertices.round(6), axis=0)) + 1
        assert model.volume_m3 == pytest.approx(6 * 0.05**3)

    def test_a_fin_of_two_faces_back_to_back_is_dropped(self, tmp_path: Path) -> None:
        mesh = box()
        vertices = np.concatenate([mesh.vertices, [[0, 0, 0.1]]])
        fin = [[0, 1, 8], [1, 0, 8]]
        finned = trimesh.Trimesh(vertices, np.concatenate([mesh.faces, fin]), process=False)
        model = import_mesh(saved(finned, tmp_path / "fin.ply"))
        assert_closed(model)
        assert np.allclose(model.extents_m, (0.03, 0.05, 0.08))


@pytest.mark.usefixtures("without_decomposition")
class TestBodies:
    """Volumes are in 5 cm cubes."""

    @pytest.mark.parametrize(
        ("solids", "cubes"),
        [
            pytest.param([cube(), cube(at=(0.02, 0.01, 0.005))], 2 - 0.6 * 0.8 * 0.9, id="overlapping"),
            pytest.param([cube(), cube(at=(0.02, 0.01, 0.005), inward=True)], 2 - 0.6 * 0.8 * 0.9, id="mirrored"),
            pytest.param([cube(), cube(at=(0.05, 0.02, 0.01))], 2, id="face to face"),
            pytest.param([cube(), cube(0.02)], 1, id="one inside the other"),
            pytest.param([cube(), cube(0.02, inward=True)], 1 - 0.4**3, id="a void"),
            pytest.param([cube(inward=True), cube(0.02)], 1 - 0.4**3, id="a void, all inside out"),
            pytest.param(
                [cube(), cube(0.04, inward=True), trimesh.creation.box((0.01, 0.01, 0.2))],
                1 - 0.8**3 + 0.2**2 * (4 - 1 + 0.8),
                id="a rod through a void",
            ),
        ],
    )
    def test_solids_are_counted_once_and_voids_left_out(
        self, tmp_path: Path, solids: list[trimesh.Trimesh], cubes: float
    ) -> None:
        both = trimesh.util.concatenate(solids)
        model = import_mesh(saved(both, tmp_path / "both.ply"))
        assert_closed(model)
        assert model.volume_m3 == pytest.approx(cubes * 0.05**3, rel=1e-6)
        assert np.allclose(model.extents_m, both.extents)

    def test_a_texture_stays_where_it_was(self, tmp_path: Path) -> None:
        solids = [cube(), cube(at=(0.02, 0.01, 0.005))]
        for solid in solids:
            # Faces apart, as in a file with seams; u follows x and v follows z, so that every point tells its own UV.
            solid.unmerge_vertices()
            textured(solid, 5 * solid.vertices[:, [0, 2]] + 0.5, np.full((8, 8, 3), 200, dtype=np.uint8))
        model = import_mesh(saved(trimesh.util.concatenate(solids), tmp_path / "both.glb"))
        assert_closed(model)
        assert model.texture is not None
        corners = model.mesh.vertices[model.mesh.faces][..., [0, 2]]
        expected = 5 * (corners - corners.reshape(-1, 2).min(axis=0) - 0.025) + 0.5
        assert np.allclose(model.mesh.corner_uvs, expected, atol=1e-5)

    def test_a_seam_of_the_texture_survives(self, tmp_path: Path) -> None:
        solids = [cube(), cube(at=(0.02, 0.01, 0.005))]
        for solid in solids:
            # Each triangle has a colour of its own.
            solid.unmerge_vertices()
            uv = np.repeat((np.arange(12) + 0.5) / 12, 3)[:, None] * [1, 1]
            textured(solid, uv, np.full((8, 8, 3), 200, dtype=np.uint8))
        model = import_mesh(saved(trimesh.util.concatenate(solids), tmp_path / "both.glb"))
        assert np.ptp(model.mesh.corner_uvs, axis=1).max() < 1e-6

    @pytest.mark.parametrize(
        ("solids", "count"),
        [
            pytest.param([cube(), cube(at=(0.2, 0, 0))], 2, id="apart"),
            pytest.param([cube(), cube(at=(0.05, 0.05, 0))], 2, id="touching along an edge"),
            pytest.param([cube(), cube(0.03, inward=True), cube(0.01)], 2, id="loose in a void"),
            pytest.param([cube(at=(x, 0, 0)) for x in (0, 0.03, 0.2, 0.4)], 3, id="three, of four cubes"),
        ],
    )
    def test_several_bodies_are_refused(self, tmp_path: Path, solids: list[trimesh.Trimesh], count: int) -> None:
        path = saved(trimesh.util.concatenate(solids), tmp_path / "many.ply")
        message = rf"many\.ply holds {count} separate bodies, but an object is one\. Save each to a file of its own"
        with pytest.raises(MeshError, match=message):
            import_mesh(path)


class TestErrors:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(MeshError, match=r"gone\.obj cannot be read: No such file"):
            import_mesh(tmp_path / "gone.obj")

    def test_an_unknown_extension(self, tmp_path: Path) -> None:
        with pytest.raises(MeshError, match=r"a\.objj has extension '\.objj'\. Did you mean '\.obj'\? Known: \.obj, "):
            import_mesh(tmp_path / "a.objj")

    def test_a_file_that_is_no_mesh(self, tmp_path: Path) -> None:
        path = tmp_path / "junk.glb"
        path.write_bytes(b"junk")
        with pytest.raises(MeshError, match=r"junk\.glb cannot be read as a mesh"):
            import_mesh(path)

    def test_an_empty_mesh(self, tmp_path: Path) -> None:
        path = tmp_path / "none.obj"
        path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
        with pytest.raises(MeshError, match=r"none\.obj"):
            import_mesh(path)

    def test_a_sheet_without_volume(self, tmp_path: Path) -> None:
        path = tmp_path / "sheet.off"
        path.write_text("OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n.3 .3 0\n3 0 1 2\n3 0 3 1\n3 1 3 2\n3 2 3 0\n")
        with pytest.raises(MeshError, match=r"sheet\.off has no volume: its 4 faces enclose nothing"):
            import_mesh(path)

    def test_an_open_surface(self, tmp_path: Path) -> None:
        cup = box()
        cup.update_faces(cup.face_normals[:, 2] < 0.5)
        with pytest.raises(MeshError, match=r"cup\.stl is not watertight and cannot be repaired: it has 4 open edges"):
            import_mesh(saved(cup, tmp_path / "cup.stl"))

    def test_too_many_faces(self, tmp_path: Path) -> None:
        count = MAX_FACES + 1
        soup = trimesh.Trimesh(np.zeros((3, 3)), np.tile([0, 1, 2], (count, 1)), process=False)
        with pytest.raises(MeshError, match=r"soup\.ply has 500,001 faces, more than 500,000"):
            import_mesh(saved(soup, tmp_path / "soup.ply"))

    def test_millimetres_taken_for_metres(self, tmp_path: Path) -> None:
        path = saved(trimesh.creation.box((30, 50, 80)), tmp_path / "mm.stl")
        with pytest.raises(MeshError, match=r"mm\.stl is 80 m long.*scale=0\.001.*--set objects\.mesh_scale=0\.001"):
            import_mesh(path)
