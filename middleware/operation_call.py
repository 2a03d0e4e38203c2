"""`OperationCall`: what an operation's function may do besides returning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from refold.middleware.operation_run import OperationRun
    from refold.store.entry import Dispatcher
    from refold.store.inputs import Inputs

__all__ = ["OperationCall", "Rejection"]


class OperationCall:
    """What an operation's function, and its condition, get as their second argument."""

    def __init__(self, run: OperationRun[Any, Any], store: Any, extra: Any) -> None:
        """Keep the run and its store."""
        self._run = run
        self._store = store
        self.extra = extra
        """What `operations` was made with, such as services."""

    @property
    def request_id(self) -> str:
        """The id that the run's actions carry."""
        return self._run.request_id

    @property
    def state(self) -> Any:
        """The store's present state."""
        return self._store.state

    @property
    def inputs(self) -> Inputs:
        """The store's sources of time, ids and chance; what is drawn from them is recorded."""
        return cast("Inputs", self._store.inputs)

    @property
    def dispatch(self) -> Dispatcher:
        """Dispatch an action, or ask for another operation."""
        return cast("Dispatcher", self._store.dispatch)

    @property
    def is_aborted(self) -> bool:
        """Whether the run was aborted; for code that does not await."""
        return self._run.is_settled

    def reject(self, payload: object) -> NoReturn:
        """End the run: rejected with this payload.

        Args:
            payload: of the type that the operation was declared with as ``rejection``.
        """
        raise Rejection(payload)

    def abort(self, reason: str = "aborted") -> None:
        """Abort the run: the function stops at its next await; see `OperationRun.abort`."""
        self._run.abort(reason)


class Rejection(Exception):  # noqa: N818  # leaves a function, and is no error of it
    """How `OperationCall.reject` leaves the function."""

    def __init__(self, payload: object) -> None:
        """Keep the payload."""
        super().__init__(payload)
        self.payload = payload
