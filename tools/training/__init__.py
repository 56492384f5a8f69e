"""Training: a recipe defines the model, the trainer does everything else.

    brokenvideos train --data RELEASE --recipe unet --out trained

A recipe is one file in `recipes/` with a `RECIPE` (see `recipe.Recipe` for the arguments and
results of its functions):

    make(init) -> model             new weights, or those of a checkpoint (path or id); it has `save_pretrained(folder)`
    load(folder) -> model           the model that `model.save_pretrained(folder)` has saved
    logits(model, batch) -> float[B, T, h, w]
    loss(logits, batch) -> scalar   `losses.mask_loss`, perhaps with other weights, or another loss
    parameters(model)               the parameters to train: `losses.flat_parameters`
    size, num_frames, batch_size, lr, weight_decay, context, crop, flip

The trainer (`training.train`) gives batches of clips on the device, augmented together with their
masks. It scales logits to the masks, steps the optimizer under accelerate, validates by J&F of
active frames, keeps the best model, resumes, and scores.

A run writes:

    OUT/options.json             the options of the run
    OUT/checkpoints/step-N/      accelerate's state and the position in the data; the last two checkpoints
    OUT/logs/                    curves for TensorBoard
    OUT/best                     a link to the best model on validation, OUT/best-N
    OUT/model/                   the best model with its card; `brokenvideos.json` says what input it takes
    OUT/predictions/test.parquet the predictions that
    `brokenvideos evaluate RELEASE OUT/predictions --split test` scores
    OUT/scores.json              the scores on the test split

`load_model(OUT)` gives a `Predictor`, which takes the frames of a video and gives masks and scores.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
