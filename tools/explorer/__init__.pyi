from .annotated import open_annotated as open_annotated
from .others import Other as Other, open_annotator as open_annotator, open_other as open_other
from .run import (
    ExploreError as ExploreError,
    ExploreOptions as ExploreOptions,
    run_explore as run_explore,
    write_static as write_static,
)
from .static_page import check_page as check_page, write_static_page as write_static_page
from .video import (
    Listed as Listed,
    MeasureTask as MeasureTask,
    Shown as Shown,
    ShownObject as ShownObject,
    Source as Source,
)
