from .run import (
    AnnotateOptions as AnnotateOptions,
    run_annotate as run_annotate,
    run_replay as run_replay,
)
