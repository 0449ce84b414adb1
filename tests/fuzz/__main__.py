"""Fuzz one decoder of what the network sends: python -m tests.fuzz DECODER CORPUS [OPTION...].

Stops at an input that raises anything but a CodecError or takes too much memory. The corpus is
a folder, to which the examples of the specifications are added; options are libFuzzer's.
"""

from __future__ import annotations

from pathlib import Path
import sys
import tracemalloc

import atheris

with atheris.instrument_imports(include=["custom_components.lwm2m.protocol"]):
    from tests.protocol.codec import vectors
    from tests.protocol.codec.bounds import PATHS, check

MAX_LENGTH = 4096


def add_examples(corpus: Path) -> None:
    """Write each example, once for each path, in front of it the number of that path."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, example in vars(vectors).items():
        if isinstance(example, bytes):
            for number in range(len(PATHS)):
                (corpus / f"{name}-{number}").write_bytes(bytes((number,)) + example)


def main() -> None:
    """Fuzz until an option says stop; libFuzzer ends the process."""
    _, decoder, corpus, *options = sys.argv
    add_examples(Path(corpus))

    def run(data: bytes) -> None:
        if data:
            check(decoder, data[1:], PATHS[data[0] % len(PATHS)])

    tracemalloc.start()
    atheris.Setup([sys.argv[0], f"-max_len={MAX_LENGTH}", *options, corpus], run)
    atheris.Fuzz()


main()
