"""The error of a source that cannot be adopted."""


class AdoptError(ValueError):
    """A source, a table or a raw folder is wrong. The message has one line per problem."""
