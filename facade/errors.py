"""Every error and warning that refold raises; the tree of classes is this file, read from the top.

What belongs here: exception classes and the attributes they carry.  What does not: the sentences of
one error, which stand where it is raised, beside the facts they name.

    RefoldError
    ├── ActionDeclarationError (TypeError)        a wire name that cannot be one
    ├── WireNameTakenError (ValueError)           a wire name of another class
    ├── NotAnActionError (TypeError)              something else was dispatched
    ├── ValueTypeError (TypeError)                a mutable or unserialisable field type
    ├── ReducerDeclarationError (TypeError)       handlers, slices or initial state do not fit
    ├── ReducerReturnedNoneError                  a reducer forgot to return a state
    ├── ReducerProtocolError                      a plain reducer reacts to private actions
    ├── InsideReducerError (RuntimeError)         the store was used inside a reducer
    ├── StateMutatedError                         a part of the state was changed in place
    ├── StateShapeError (TypeError)               a given state of the wrong kind
    ├── MiddlewareError (TypeError)               something in the list is no middleware
    ├── MiddlewareSetupError (RuntimeError)       dispatch while the chain is being built
    ├── WrongThreadError (RuntimeError)           dispatch from a foreign thread
    ├── NestedDispatchError (RecursionError)      subscribers dispatch without end
    ├── SubscriberError                           subscribers raised after a commit
    ├── SubscriberTooSlowError                    an async subscriber fell too far behind
    ├── TransactionError (RuntimeError)           a transaction used against its rules
    ├── StoreClosedError (RuntimeError)           dispatch after the store was closed
    ├── SelectorDeclarationError (TypeError)      inputs or result function do not fit
    ├── ListenerDeclarationError (TypeError)      a listener's kind, policy or function do not fit
    ├── OperationRejectedError                    an operation gave no value
    ├── EntityError (TypeError)                   entities, or what an adapter is given, do not fit
    ├── QueueFullError                            a message did not fit the outbound queue
    ├── InvalidPayloadError (ValueError)          a message that cannot be sent as it is
    ├── NotDeliveredError                         a message was given up before the peer had it
    ├── AckTimeoutError (TimeoutError)            the peer did not acknowledge a message in time
    ├── ConnectionClosedError (RuntimeError)      a message was given to a closed connection
    ├── ConnectionFatalError                      a connection ended and will not retry
    │   ├── RedirectedError                       the server sent the handshake elsewhere
    │   └── AuthenticationError (PeerError)       no credentials, or not the peer that was meant
    ├── PeerError
    │   ├── InvalidPeerIdError (ValueError)       a peer id that holds no Ed25519 key
    │   ├── PeerAddressError (ValueError)         an address that cannot be dialled
    │   ├── PeerIdentityError (ValueError)        a file that is no safe place of a peer's key
    │   ├── PresenceError (ValueError)            a presence that is forged, over or too long
    │   ├── DialError                             an address of a peer did not answer
    │   ├── NotConnectedToPeerError               a message for a peer without a link
    │   ├── PipeClosedError (ConnectionError)     the other end of a pipe is gone
    │   └── SigningError (ValueError)             a signature of several cannot be made
    ├── MissingExtraError (ImportError)           an optional part needs a library that is missing
    ├── StrategyError (TypeError)                 nothing can be drawn for a type or reducer
    ├── BrokenLawError (AssertionError)           a reducer breaks a law that it is tested for
    ├── TestStoreError (AssertionError)           more or less happened than a test stated
    └── LogError
        ├── LogDamagedError                       a line is not what was written
        ├── LogFormatError                        no log, or one of a newer format
        ├── LogExistsError                        a recording would overwrite another
        ├── LogWriteError                         the log could not be written
        │   └── LogLockedError                    another process is writing it
        ├── LogConflictError                      the log's end is not where the caller thought
        ├── LogRegressedError                     the log no longer has what a reader had read
        ├── LogTruncatedError                     records that were asked for were trimmed
        ├── UnknownActionError                    a record whose action class is not loaded
        ├── PayloadError                          a value that does not fit its declared type
        └── ReplayMismatchError                   the fold of the log differs from what was recorded
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AckTimeoutError",
    "ActionDeclarationError",
    "AuthenticationError",
    "BrokenLawError",
    "ConnectionClosedError",
    "ConnectionFatalError",
    "DialError",
    "EntityError",
    "InsideReducerError",
    "InvalidPayloadError",
    "InvalidPeerIdError",
    "ListenerDeclarationError",
    "LogConflictError",
    "LogDamagedError",
    "LogError",
    "LogExistsError",
    "LogFormatError",
    "LogLockedError",
    "LogRegressedError",
    "LogTruncatedError",
    "LogWriteError",
    "MiddlewareError",
    "MiddlewareSetupError",
    "MissingExtraError",
    "NestedDispatchError",
    "NotAnActionError",
    "NotConnectedToPeerError",
    "NotDeliveredError",
    "OperationRejectedError",
    "PayloadError",
    "PeerAddressError",
    "PeerError",
    "PeerIdentityError",
    "PipeClosedError",
    "PresenceError",
    "QueueFullError",
    "RedirectedError",
    "ReducerDeclarationError",
    "ReducerProtocolError",
    "ReducerReturnedNoneError",
    "RefoldError",
    "RefoldWarning",
    "ReplayMismatchError",
    "SelectorDeclarationError",
    "SigningError",
    "StateMutatedError",
    "StateShapeError",
    "StoreClosedError",
    "StrategyError",
    "SubscriberError",
    "SubscriberTooSlowError",
    "TestStoreError",
    "TransactionError",
    "UnknownActionError",
    "ValueTypeError",
    "WireNameTakenError",
    "WrongThreadError",
]


class RefoldError(Exception):
    """The root of every error that refold raises."""


class RefoldWarning(UserWarning):
    """Something works, but almost surely not as its author meant it."""


class ActionDeclarationError(RefoldError, TypeError):
    """An action or message class was declared in a way that cannot work."""


class WireNameTakenError(RefoldError, ValueError):
    """Two different classes claim one wire name, or one class two.

    Actions share one table of names; messages have one in each `MessageRegistry`.
    """


class NotAnActionError(RefoldError, TypeError):
    """What was dispatched is not an instance of a declared action class."""


class ValueTypeError(RefoldError, TypeError):
    """A field of an action or state cannot be trusted to stay unchanged or to survive the log."""

    def __init__(self, message: str, *, path: str) -> None:
        """Keep the dotted path of the field, such as ``AppState.todos[value].tags``."""
        super().__init__(message)
        self.path = path


class ReducerDeclarationError(RefoldError, TypeError):
    """A reducer's handlers, slices or initial state do not fit together."""


class ReducerReturnedNoneError(RefoldError):
    """A reducer returned None although its state is never None."""


class ReducerProtocolError(RefoldError):
    """A plain reducer function reacts to an action that it must not know."""


class InsideReducerError(RefoldError, RuntimeError):
    """The store was read, subscribed to or dispatched to while a reducer was running."""


class StateMutatedError(RefoldError):
    """A part of the state is another than it was, in the same object."""

    def __init__(self, message: str, *, path: str) -> None:
        """Keep where the part stands, such as ``AppState.todos[3].text``."""
        super().__init__(message)
        self.path = path


class StateShapeError(RefoldError, TypeError):
    """A given state is not of the kind that the reducer folds."""


class MiddlewareError(RefoldError, TypeError):
    """Something in the list of middleware or enhancers is none."""


class MiddlewareSetupError(RefoldError, RuntimeError):
    """An action was dispatched while the middleware chain was still being built."""


class WrongThreadError(RefoldError, RuntimeError):
    """A store was used from a thread that does not own it."""


class NestedDispatchError(RefoldError, RecursionError):
    """Subscribers answered dispatches by dispatches until the limit was reached."""


class SubscriberError(RefoldError):
    """Subscribers raised; the action is committed and every other subscriber was called."""

    def __init__(self, message: str, *, errors: tuple[Exception, ...]) -> None:
        """Keep what the subscribers raised, in the order of their calls."""
        super().__init__(message)
        self.errors = errors


class SubscriberTooSlowError(RefoldError):
    """An asynchronous subscriber left more values unread than it asked to keep."""


class TransactionError(RefoldError, RuntimeError):
    """A transaction was used in a way that would break all-or-nothing."""


class StoreClosedError(RefoldError, RuntimeError):
    """An action was dispatched to a store that has been closed."""


class SelectorDeclarationError(RefoldError, TypeError):
    """A selector's inputs or result function are not callables."""


class ListenerDeclarationError(RefoldError, TypeError):
    """A listener was declared with a kind, a policy or a function that cannot be one."""


class OperationRejectedError(RefoldError):
    """The value of an operation was asked for, and it was rejected.

    Attributes:
        action: the rejected action, with the error as plain data and the payload.
    """

    def __init__(self, message: str, *, action: object) -> None:
        """Keep the rejected action."""
        super().__init__(message)
        self.action = action


class PeerError(RefoldError):
    """The root of what goes wrong between peers."""


class InvalidPeerIdError(PeerError, ValueError):
    """A text is no peer id, or the id of another kind of key than Ed25519."""


class PeerAddressError(PeerError, ValueError):
    """An address is none, or of a kind that no transport dials."""


class PeerIdentityError(PeerError, ValueError):
    """A file is not, or not safely, the place of a peer's private key."""


class PresenceError(PeerError, ValueError):
    """A presence is not signed by its peer, is over, or breaks a bound."""


class DialError(PeerError):
    """An address of a peer could not be reached."""


class NotConnectedToPeerError(PeerError):
    """A message was given for a peer without a live link; nothing was sent."""


class PipeClosedError(PeerError, ConnectionError):
    """The other end of a pipe is gone.

    Attributes:
        is_clean: whether it said so, rather than vanish.
    """

    def __init__(self, message: str, *, is_clean: bool = False) -> None:
        """Keep the text and whether the end was announced."""
        super().__init__(message)
        self.is_clean = is_clean


class SigningError(PeerError, ValueError):
    """Participants cannot sign together, or one of them sent something wrong.

    Attributes:
        public_key: whose contribution is wrong or missing, in hexadecimal; None if nobody's is.
    """

    def __init__(self, message: str, *, public_key: str | None = None) -> None:
        """Keep the text and whom it concerns."""
        super().__init__(message)
        self.public_key = public_key


class MissingExtraError(RefoldError, ImportError):
    """An optional part of refold was used whose library is not installed."""


class StrategyError(RefoldError, TypeError):
    """Nothing can be drawn: a type without a strategy, or a reducer without known actions."""


class EntityError(RefoldError, TypeError):
    """Entities do not fit together, or an `EntityAdapter` was given what it cannot work with."""


class QueueFullError(RefoldError):
    """A message did not fit the bounds of the outbound queue; nothing was queued."""


class InvalidPayloadError(RefoldError, ValueError):
    """A message cannot be sent as it is; nothing was queued."""

    def __init__(self, message: str, *, path: str) -> None:
        """Keep where the bad value is, such as ``payload.orders[3].price``."""
        super().__init__(message)
        self.path = path


class NotDeliveredError(RefoldError):
    """A message that somebody waits for was given up, and will not be sent again."""

    def __init__(self, message: str, *, result: str) -> None:
        """Keep what became of the message: ``dropped``, ``expired`` or ``cleared``."""
        super().__init__(message)
        self.result = result


class AckTimeoutError(RefoldError, TimeoutError):
    """The peer did not acknowledge a message in time; it may have arrived all the same."""

    def __init__(self, message: str, *, ack_id: str) -> None:
        """Keep the id that the peer did not acknowledge."""
        super().__init__(message)
        self.ack_id = ack_id


class ConnectionClosedError(StoreClosedError):
    """A connection was used after its store was left, so nothing would ever come of it."""


class ConnectionFatalError(RefoldError):
    """A connection ended for a reason that another attempt would not change.

    A factory of an address or of headers may raise it, to end the connection itself.
    """


class RedirectedError(ConnectionFatalError):
    """The server redirected the handshake to another address."""

    def __init__(self, message: str, *, http_status: int) -> None:
        """Keep the HTTP status."""
        super().__init__(message)
        self.http_status = http_status


class AuthenticationError(ConnectionFatalError, PeerError):
    """There are no credentials to connect with, or the other end is not the peer that was meant.

    A factory of an address or of headers raises it; and so does dialling a peer.
    """


class BrokenLawError(RefoldError, AssertionError):
    """A run of actions was found in which a reducer breaks a law."""

    def __init__(  # noqa: PLR0913  # all but the message by keyword
        self,
        message: str,
        *,
        law: str,
        actions: tuple[Any, ...],
        index: int,
        path: str,
        expected: object,
        found: object,
    ) -> None:
        """Keep the run.

        Args:
            message: the whole text.
            law: the law's name, such as ``input_untouched`` or ``invariant``.
            actions: the run, which begins in the reducer's initial state.
            index: of the action at which the law is broken; -1 for the initial state.
            path: where in the state or the action; empty if that cannot be told.
            expected: what the law asks for.
            found: what there is.
        """
        super().__init__(message)
        self.law = law
        self.actions = actions
        self.index = index
        self.path = path
        self.expected = expected
        self.found = found


class TestStoreError(RefoldError, AssertionError):
    """More, less or something else happened in a `TestStore` than its test stated."""

    __test__ = False  # to pytest it is no class of tests


class LogError(RefoldError):
    """The root of what can be wrong with a recorded log."""


class LogDamagedError(LogError):
    """A line of the log is not what was once written there; all lines before it are whole."""

    def __init__(
        self,
        *,
        segment: str,
        line: int,
        seq: int | None,
        reason: str,
        advice: str = "replay up to there or restore the file from a copy",
    ) -> None:
        """Keep where the damage is.

        Args:
            segment: the name of the damaged file.
            line: 1 for the header, 2 for the first record.
            seq: the number the damaged record should have; None for the header.
            reason: what is wrong with the line, in words.
            advice: what to do about it, in words.
        """
        at = "the header" if seq is None else f"seq {seq}"
        super().__init__(
            f"{segment}, line {line} ({at}): {reason}; the lines before it are whole and can be"
            f" read, so {advice}"
        )
        self.segment = segment
        self.line = line
        self.seq = seq
        self.reason = reason


class LogFormatError(LogError):
    """The file is no refold log, or one written by a newer refold."""


class LogExistsError(LogError):
    """A recording would overwrite one that is already there."""


class LogWriteError(LogError):
    """The log could not be opened or written; it ends with the last record that was."""


class LogLockedError(LogWriteError):
    """Another writer has the log open; a log has one writer at a time."""

    def __init__(self, message: str, *, pid: int | None, host: str | None) -> None:
        """Keep who holds the log; both are None if the holder left no note."""
        super().__init__(message)
        self.pid = pid
        self.host = host


class LogConflictError(LogError):
    """An entry was to follow a record that is not the log's last one; nothing was written."""

    def __init__(self, message: str, *, expected_seq: int, head: int) -> None:
        """Keep the record that should have been the last, and the one that is."""
        super().__init__(message)
        self.expected_seq = expected_seq
        self.head = head


class LogRegressedError(LogError):
    """The log does not have the record that a reader had read; what it folded is not in the log."""

    def __init__(self, message: str, *, seq: int, expected: str, found: str | None) -> None:
        """Keep the place, the id that the reader had read there, and the id that is there now."""
        super().__init__(message)
        self.seq = seq
        self.expected = expected
        self.found = found


class LogTruncatedError(LogError):
    """The records that were asked for were trimmed from the log's beginning."""

    def __init__(self, message: str, *, asked_seq: int, first_seq: int) -> None:
        """Keep the first record that was asked for, and the first that is still there."""
        super().__init__(message)
        self.asked_seq = asked_seq
        self.first_seq = first_seq


class UnknownActionError(LogError):
    """The log has an action that no loaded class can decode."""


class PayloadError(LogError):
    """A value in a log, or on its way into one, does not fit its declared type."""

    def __init__(self, message: str, *, path: str) -> None:
        """Keep the dotted path of the value that does not fit."""
        super().__init__(message)
        self.path = path


class ReplayMismatchError(LogError):
    """Folding the log again gave another state than the one that was recorded."""

    def __init__(self, message: str, *, seq: int, path: str, expected: str, found: str) -> None:
        """Keep the first record that differs.

        Args:
            message: the whole sentence.
            seq: the number of the record; 0 is the start state.
            path: where in the state the difference is, as far as it can be told.
            expected: what was recorded.
            found: what the fold gave.
        """
        super().__init__(message)
        self.seq = seq
        self.path = path
        self.expected = expected
        self.found = found
