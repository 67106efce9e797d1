"""Object sets that have names."""

from graspsim.spec import SetSpec

EVERYDAY = ("containers", "drinkware", "cutlery", "tools", "produce", "toys")
ABSTRACT = ("primitives", "blocks", "superquadrics", "lathe", "extrusions", "tubes", "rocks", "adversarial")

TRAIN = SetSpec(models=900)
HELDOUT = SetSpec(models=100, split="heldout")
HOUSEHOLD = SetSpec(EVERYDAY, models=100)
GEOMETRIC = SetSpec(ABSTRACT, models=600)
"""Shapes that are no thing in particular: the random objects of domain randomization."""
UNSEEN_FAMILIES = SetSpec(models=100, split="heldout", heldout_families=EVERYDAY)
"""What a policy meets that was trained on `ABSTRACT` things alone."""
