from .run import (
    ExploreError as ExploreError,
    ExploreOptions as ExploreOptions,
    run_explore as run_explore,
    write_static as write_static,
)
