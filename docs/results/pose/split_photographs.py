"""Halve LM-O's photographs: every second one to learn from, the others to test on.

python split_photographs.py LMO OUT      # writes OUT with the splits train_real and test
"""

import json
import shutil
import sys
from pathlib import Path

source, out = Path(sys.argv[1]), Path(sys.argv[2])
(scene,) = (folder for folder in (source / "test").iterdir() if folder.name.isdigit())
shutil.copytree(source / "models", out / "models")
shutil.copy(source / "camera.json", out)
tables = {name: json.loads((scene / name).read_text()) for name in ("scene_camera.json", "scene_gt.json")}
# Of what is hardly seen, nothing is to be learnt, and it is not asked for.
targets = json.loads((source / "test_targets_bop19.json").read_text())
images = sorted({str(target["im_id"]) for target in targets}, key=int)
(out / "test_targets_bop19.json").write_text(json.dumps([t for t in targets if str(t["im_id"]) in images[1::2]]))
asked_for = {(str(t["im_id"]), t["obj_id"]) for t in targets}
tables["scene_gt.json"] = {
    image: [entry for entry in entries if (image, entry["obj_id"]) in asked_for]
    for image, entries in tables["scene_gt.json"].items()
    if image in images
}
for split, chosen in (("train_real", images[::2]), ("test", images[1::2])):
    folder = out / split / scene.name
    (folder / "rgb").mkdir(parents=True)
    for name, table in tables.items():
        (folder / name).write_text(json.dumps({image: table[image] for image in chosen}))
    for image in chosen:
        shutil.copy(scene / "rgb" / f"{int(image):06d}.png", folder / "rgb")
