"""What signing together uses of libsecp256k1, or an error that says what to install.

What belongs here: the only import of `btclib_secp256k1`.  What does not: any use of it.
"""

from __future__ import annotations

from refold.errors import MissingExtraError

try:
    from btclib_secp256k1 import hashes, keys, musig, ssa
except ModuleNotFoundError as missing:
    message = f"signing together needs {missing.name}: pip install 'refold[musig2]'"
    raise MissingExtraError(message, name=missing.name) from missing

__all__ = ["hashes", "keys", "musig", "ssa"]
