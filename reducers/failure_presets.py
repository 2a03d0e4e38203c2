"""Failure policies for protocols that give close codes a meaning of their own.

What belongs here: one policy per protocol, with its source.  What does not: how a policy is applied
(`classify_failure`).  The presets change 3000 to 4999 only; an HTTP status, and a code of 1000 to
2999, means the same everywhere.
"""

from __future__ import annotations

from typing import Final

from refold.reducers.classify_failure import DEFAULT_POLICY
from refold.reducers.evolve import evolve

__all__ = ["CENTRIFUGO", "GRAPHQL_WS"]

GRAPHQL_WS: Final = evolve(
    DEFAULT_POLICY,
    auth_close_codes=frozenset({3000, 3003, 4403}),
    fatal_close_codes=DEFAULT_POLICY.fatal_close_codes
    | {4004, 4005, 4400, 4401, 4406, 4409, 4429, 4500},
)
"""For the subprotocol ``graphql-transport-ws``.

Fatal are 4400 (a message that is not valid), 4401 (an operation before the connection was
acknowledged: a fault of the client, so no other credentials help), 4406 (no such subprotocol),
4409 (an operation's id is taken), 4429 (initialised twice), 4500 (the server's fault), and 4004
and 4005 (a fault that a client found, echoed by the server).  4403 refuses the credentials.
Retried are 4408 and 4504 (the initialisation or its acknowledgement took too long) and all others.

Sources: "GraphQL over WebSocket Protocol" (graphql/graphql-over-http,
rfcs/GraphQLOverWebSocket.md) for the codes; enisdenjo/graphql-ws, docs of ``CloseCode`` and
discussion 559, for 4401 and for what its client does not retry.
"""

CENTRIFUGO: Final = evolve(
    DEFAULT_POLICY,
    auth_close_codes=frozenset(),
    fatal_close_codes=DEFAULT_POLICY.fatal_close_codes | {*range(3500, 4000), *range(4500, 5000)},
)
"""For servers that speak the protocol of Centrifugo.

Fatal are 3500 to 3999 (built in, 3500 for a token that is not valid) and 4500 to 4999 (the
application's own).  Retried are 3000 to 3499 (3000 says only that the connection closed) and 4000
to 4499, 4401 and 4403 among them.

Sources: Centrifugo's documentation, "Client protocol codes", section "Client disconnect codes"
(centrifugal.dev/docs/server/codes); centrifugal/centrifuge, disconnect.go, for the ranges.
"""
