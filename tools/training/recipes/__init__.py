"""The models of `train`: one file for each recipe, with its `RECIPE`.

In: a name. Out: a `Recipe`. The trainer calls it. A file is imported, with torch and its model's
library, when its recipe is used.
"""

from ....release import names_in, record_in
from ..recipe import Recipe, TrainError

__all__ = ["RECIPES", "recipe_named"]

RECIPES = tuple(name.replace("_", "-") for name in names_in(__path__))
"""The names of all recipes. A name is the recipe's file name, with - for _."""


def recipe_named(name: str) -> Recipe:
    """The recipe with this name.

    Raises:
        TrainError: no recipe has this name.
    """
    if name not in RECIPES:
        raise TrainError(f"recipe {name!r}: wanted {' or '.join(RECIPES)}.")
    recipe: Recipe = record_in(__name__, name.replace("-", "_"), record="RECIPE")
    return recipe
