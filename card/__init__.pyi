from .about import (
    About as About,
    read_about as read_about,
)
from .check import check_card as check_card
from .facts import (
    Facts as Facts,
    ReleaseFacts as ReleaseFacts,
    count_facts as count_facts,
)
from .fonts import one_font as one_font
from .full import (
    FIGURES as FIGURES,
    about_of as about_of,
    full_card as full_card,
    is_full as is_full,
    is_of_card as is_of_card,
    read_card as read_card,
    versions as versions,
)
from .readme import (
    card_files as card_files,
    render as render,
)
from .triggers import wilson_interval as wilson_interval
