"""The rules of the layout: folders are layers, names are the joints. Only the text of the modules is read."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTENT = ("objects", "envs", "training")

# Every module of the engine, in the order in which data flows through it; each imports only what stands before it.
# A new module has to find its place here.
FLOW = (
    # ground that all stand on
    "errors registry color jit geometry distributions plain streams cache processes",
    # what an object is
    "meshes models shapes walls round_parts solids contours polygons assembly convex_parts mesh_repair",
    "side_file symmetry_search vertex_colors bop_models mesh_import",
    # what a world is
    "shape_measures scene spec spec_edit object_set set_store scene_objects spec_check",
    "robot robots.panda_parts robots.hand robots.panda differential_ik",
    # from a specification to a world
    "standing",
    "layouts images sampling",
    "physics.world physics.client physics.hulls physics.bullet_robot physics.bullet physics.settle",
    "views",
    "render.frame render.buffers render.kernels render.fixtures render.textures",
    "render.atlas render.lighting render.shading render.shadows render.looks render.raster",
    "labels sensors",
    "grasps.antipodal grasps.plan",
    "episode.spec episode.controls episode.simulation episode.scripted episode.features",
    "episode.planned episode.execute",
    "episode.cameras episode.marks episode.observe episode.task episode.told episode.play",
    "episode.arguments",
    "episode.window episode.video episode.env",
    "episode.curriculum episode.plain_images",
    "dataset.files dataset.encoding dataset.pictures dataset.coco dataset.models_io",
    "dataset.records dataset.scene_writer",
    "export.looks export.obj export.glb export.hulls export.urdf export.mjcf export.write",
    "dataset.generate dataset.workers dataset.bop dataset.manifest dataset.dump dataset.preview",
    "dataset.report dataset.tolerance dataset.check_entries dataset.check_masks dataset.check_files",
    "dataset.check_models dataset.check_poses dataset.validate",
    "dataset.statistics dataset.compare_page dataset.dope",
    # where known objects are
    "dataset.results pose.frame pose.metrics pose.score",
    "pose.told pose.solve pose.augment pose.samples pose.pretrained pose.networks pose.losses",
    "pose.estimator pose.icp pose.dense_samples pose.silhouette pose.crop_pose pose.detections pose.dense",
    "pose.dope_maps pose.dope",
    # what the library holds
    "catalogue.object_sheet catalogue.statistics catalogue.coverage catalogue.drop",
    "cli.arguments cli.progress cli.datasets cli.catalogue cli.episodes cli.pose cli.main",
)
ORDER = " ".join(FLOW).split()


def files(folder):
    return sorted(path for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py")


def module_name(path):
    return ".".join(path.relative_to(ROOT / "graspsim").with_suffix("").parts)


ENGINE = {module_name(path): path for path in files("graspsim")}


def imports(path, package=""):
    """Return every module that a file imports, wherever in it, relative ones resolved against `package`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from graspsim import registry` imports a module, `from graspsim.errors import SpecError` a name in one.
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "graspsim" else {module}
    return found


def of_engine(path):
    """Return the engine's modules that one of its files imports."""
    package = ".".join(["graspsim", *path.relative_to(ROOT / "graspsim").parts[:-1]])
    return {name.removeprefix("graspsim.") for name in imports(path, package) if name.startswith("graspsim.")}


def test_every_module_of_the_engine_has_a_place_in_the_flow():
    missing, gone = set(ENGINE) - set(ORDER), set(ORDER) - set(ENGINE)
    assert not missing, f"place {sorted(missing)} in FLOW, after all that they import"
    assert not gone, f"take {sorted(gone)} out of FLOW"
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("name", sorted(ENGINE))
def test_a_module_imports_only_what_stands_before_it(name):
    assert name in ORDER, f"place {name} in FLOW"
    later = [other for other in of_engine(ENGINE[name]) if other not in ORDER[: ORDER.index(name)]]
    assert not later, f"{name} imports {later}, which do not stand before it"


def test_the_engine_never_imports_content():
    for name, path in ENGINE.items():
        assert not {other for other in of_engine(path) if other.split(".")[0] in CONTENT}, name


def test_the_engine_has_no_module_named_as_content():
    assert not {part for name in ENGINE for part in name.split(".")} & set(CONTENT)
    assert not [folder for folder in CONTENT if (ROOT / "graspsim" / folder).exists()]


@pytest.mark.parametrize("folder", CONTENT)
def test_content_imports_only_the_engine_and_itself(folder):
    for path in files(folder):
        for name in imports(path, f"graspsim.{folder}"):
            parts = name.split(".")
            assert parts[0] not in CONTENT, f"{path} imports {name}, which no installed package is called"
            if parts[0] == "graspsim":
                # Its own folder by a relative import only, and no other.
                inside = name.startswith(f"graspsim.{folder}") and f"from graspsim.{folder}" not in path.read_text()
                assert inside or ".".join(parts[1:]) in ENGINE, f"{path} imports {name}"


def test_no_import_is_hidden_in_a_string():
    """Nothing but the registry loads a module by its name; pybullet's one exception is checked below."""
    users = {name for name, path in ENGINE.items() if "import_module" in path.read_text()}
    assert users == {"registry", "physics.client"}


def test_one_module_alone_knows_pybullet():
    def names_pybullet(path):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args]
        # To look up its version is no import.
        quiet = any(
            getattr(call.func, "id", "") == "_import_quietly" and getattr(call.args[0], "value", "") == "pybullet"
            for call in calls
        )
        return quiet or "pybullet" in {name.split(".")[0] for name in imports(path)}

    everywhere = [path for folder in ("graspsim", *CONTENT) for path in files(folder)]
    assert [path for path in everywhere if names_pybullet(path)] == [ROOT / "graspsim/physics/client.py"]


def test_every_folder_with_modules_is_shipped():
    text = (ROOT / "pyproject.toml").read_text()
    for path in [*files("graspsim"), *(path for folder in CONTENT for path in files(folder))]:
        parts = path.relative_to(ROOT).parts[:-1]
        package = ".".join(parts if parts[0] == "graspsim" else ("graspsim", *parts))
        assert f'"{package}"' in text, f"{package} is missing from [tool.setuptools] packages"
