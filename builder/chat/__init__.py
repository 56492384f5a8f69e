"""Makes questions and answers about the videos of rows, to train multimodal language models.

In: rows of a release. Out: conversations, and the format of their answers. The export layout `chat`
writes them; the evaluation of answers reads the same format.
"""

from .boxes import BOX_UNITS, BoxUnit, box_in_pixels, box_in_unit, largest_of_unit
from .conversations import ChatOptions, Conversation, conversations
from .frames import Span, chosen_frames, frame_times_s, spans_of, stretches_of
from .questions import QUESTIONS, TYPE_NONE, Question

__all__ = [
    "BOX_UNITS",
    "QUESTIONS",
    "TYPE_NONE",
    "BoxUnit",
    "ChatOptions",
    "Conversation",
    "Question",
    "Span",
    "box_in_pixels",
    "box_in_unit",
    "chosen_frames",
    "conversations",
    "frame_times_s",
    "largest_of_unit",
    "spans_of",
    "stretches_of",
]
