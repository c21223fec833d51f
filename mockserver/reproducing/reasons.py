"""Why an exchange cannot be reproduced."""


class CannotReproduce(Exception):
    """The journal does not have what is needed. The message says what is missing, and what to do."""
