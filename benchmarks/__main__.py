"""Measure, print the results and write them down: python -m benchmarks [PART...]."""

from __future__ import annotations

import argparse
from importlib import import_module
import subprocess
import sys

from . import results

PARTS = {
    "updates": "state updates through Home Assistant, LwM2M beside MQTT",
    "dtls": "the DTLS server, beside OpenSSL's and Mbed TLS's",
}


def main() -> None:
    """Run each part in a process of its own, for they import different worlds."""
    listed = "\n".join(f"  {part:8} {what}" for part, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures, prints the results, and writes them into benchmarks/RESULTS.md.",
        epilog=f"parts:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure; all if none")
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    parts = options.parts or list(PARTS)
    if len(parts) > 1:
        flags = ["--no-write"] if options.no_write else []
        for part in parts:
            subprocess.run([sys.executable, "-m", "benchmarks", part, *flags], check=True)
        return
    measured = import_module(f"benchmarks.{parts[0]}")
    text = measured.measure()
    print(f"\n## {measured.TITLE}\n\n{text}")
    if not options.no_write:
        results.write(measured.TITLE, text)


main()
