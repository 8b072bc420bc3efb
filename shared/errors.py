"""What can go wrong, named by who must act.

SwarmStarError
├── InvalidInput          the caller sent something that cannot be used        (400)
│   ├── TooLarge          ... because it is over a bound                       (413)
│   ├── WrongMediaType    ... because it is of a type that is not read here    (415)
│   └── ConditionMissing  ... because it must say which version it is about    (428)
├── Unauthenticated       no credential, or one that is not valid              (401)
├── Forbidden             the credential does not allow this                   (403)
├── NotFound              no such thing in this user's space                   (404)
│   └── Gone              ... because its swarm was deleted
├── Conflict              a conditional write lost, or the state forbids it    (409)
│   ├── IllegalTransition a node cannot do this in its status
│   ├── Full              there are as many of a kind as there may be; nothing was made
│   └── Stale             the version that the request is about is not the present one (412)
├── QuotaExceeded         one of the user's ceilings is reached; `retry_after` seconds   (429)
└── Unavailable           a dependency cannot serve now; `retry_after` seconds (503)
    └── ModelUnavailable  ... the model endpoint
ModelError                the model endpoint refused or answered what cannot be used
"""


class SwarmStarError(Exception):
    """Base of every error this product raises on purpose."""


class InvalidInput(SwarmStarError):
    """The caller sent something that cannot be used; the message says what and how to mend it."""


class TooLarge(InvalidInput):
    """The input is over one of the product's bounds."""


class WrongMediaType(InvalidInput):
    """The input is of a media type that is not read here."""


class ConditionMissing(InvalidInput):
    """The request changes something and does not say which version of it."""


class Unauthenticated(SwarmStarError):
    """There is no credential, or it is not valid."""


class Forbidden(SwarmStarError):
    """The credential is valid and does not allow this."""


class NotFound(SwarmStarError):
    """There is no such thing in the caller's space."""


class Gone(NotFound):
    """The swarm was deleted while somebody still worked on it."""


class Conflict(SwarmStarError):
    """A conditional write lost against another, or the present state forbids the request."""


class IllegalTransition(Conflict):
    """The transition table has no such move."""


class Full(Conflict):
    """The user has as many things of a kind as there may be; the message says how many, and that one must go."""


class Stale(Conflict):
    """The version that the request is about is not the present one."""


class QuotaExceeded(SwarmStarError):
    """One of the user's ceilings is reached.

    `retry_after` is the number of seconds after which another try makes sense.
    """

    def __init__(self, message: str, retry_after: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SwarmStarError):
    """A dependency cannot serve now.

    `retry_after` is the number of seconds after which another try makes sense.
    """

    def __init__(self, message: str, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelUnavailable(Unavailable):
    """The model endpoint cannot serve now (429, 5xx, a cut connection, a timeout)."""


class ModelError(SwarmStarError):
    """The model endpoint refused the request or answered what cannot be used, and asking again will not help."""
