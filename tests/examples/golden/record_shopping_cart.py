"""Record the shopping cart's golden session, ``shopping_cart.jsonl``, anew.

Run it:  python tests/examples/golden/record_shopping_cart.py
Then show the new session in ``examples/README.md``: a test compares the two.

What belongs here: making that file.  What does not: folding it, which a test does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "shopping_cart"
SERVER = (sys.executable, str(EXAMPLE / "server.py"), "--port", "0", "--seed", "3")
CLIENT = (sys.executable, str(EXAMPLE / "client.py"), "--record")


def main() -> None:
    """Run the shop and a customer, both as a person runs them."""
    log = HERE / "shopping_cart.jsonl"
    log.unlink(missing_ok=True)
    with subprocess.Popen(SERVER, stdout=subprocess.PIPE, text=True) as shop:
        assert shop.stdout is not None
        address = re.search(r"http://\S+", shop.stdout.readline())
        assert address is not None
        subprocess.run((*CLIENT, str(log), "--url", address[0]), check=True)
        shop.kill()


if __name__ == "__main__":
    main()
