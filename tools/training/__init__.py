"""Training: a recipe says what the model is, the trainer does the rest.

    brokenvideos train --data RELEASE --recipe unet --out trained

A recipe is one file in `recipes/` with a `RECIPE` (`recipe.Recipe`, whose docstring says what its functions take and give):

    make(init) -> model             new weights, or those of a checkpoint (path or id); it has `save_pretrained(folder)`
    load(folder) -> model           what `model.save_pretrained(folder)` wrote there
    logits(model, batch) -> float[B, T, h, w]
    loss(logits, batch) -> scalar   `losses.mask_loss`, with other weights, or another
    parameters(model)               those that are trained: `losses.flat_parameters`
    size, num_frames, batch_size, lr, weight_decay, context, crop, flip

The trainer (`training.train`) gives batches of clips that are augmented with their masks and lie on the device, scales logits to
the masks, steps the optimizer under accelerate, validates by J&F of active frames, keeps the best model, resumes, and scores.

What a run writes:

    OUT/options.json             what it was begun with
    OUT/checkpoints/step-N/      accelerate's state and the place in the data; the last two
    OUT/logs/                    for TensorBoard
    OUT/best                     a link to the model that validated best, OUT/best-N
    OUT/model/                   the same with its card; `brokenvideos.json` says how it is fed
    OUT/predictions/test.parquet what `brokenvideos evaluate RELEASE OUT/predictions --split test` scores
    OUT/scores.json

`load_model(OUT)` gives a `Predictor`, which takes the frames of a video and gives masks and scores.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
