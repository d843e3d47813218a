"""Errors that carry what an edge needs to answer: a status, a machine-readable reason and a sentence."""

from datetime import datetime


class DorflichtError(Exception):
    """The base of all errors that a caller may be told about.

    `status` is the HTTP status, `reason` a short stable word, `detail` says what to do.
    """

    status = 400
    reason = "bad_request"

    def __init__(self, detail: str, *, retry_at: datetime | None = None) -> None:
        """Keep the sentence for the caller."""
        super().__init__(detail)
        self.detail = detail
        self.retry_at = retry_at


class UnknownError(DorflichtError):
    """Something asked for by its id does not exist here."""

    status = 404
    reason = "unknown"


class InvalidError(DorflichtError):
    """Input that cannot be used; the sentence names the field and the way out."""

    status = 422
    reason = "invalid"


class ForbiddenError(DorflichtError):
    """A request that this caller may not make."""

    status = 403
    reason = "forbidden"


class UnauthorizedError(DorflichtError):
    """A staff path without a valid token."""

    status = 401
    reason = "unauthorized"


class ConflictError(DorflichtError):
    """What was asked for does not fit what is recorded."""

    status = 409
    reason = "conflict"


class UnavailableError(DorflichtError):
    """A part that this request needs is away; it may be back soon."""

    status = 503
    reason = "unavailable"


class NotSentError(DorflichtError):
    """A message to staff was not taken; `lasting` where trying again cannot help."""

    status = 502
    reason = "not_sent"

    def __init__(self, detail: str, *, lasting: bool = False) -> None:
        """Keep the sentence, and whether it will stay so."""
        super().__init__(detail)
        self.lasting = lasting


class SetupError(DorflichtError):
    """The program cannot start or go on as it was asked to; printed as one sentence, without a traceback."""

    reason = "setup"
