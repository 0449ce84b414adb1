"""Fuzz one target: python -m tests.fuzz TARGET CORPUS [OPTION...].

Stops at an input that raises what the target must not raise. The corpus is a folder, to which the
target's examples are added; options are libFuzzer's.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
import sys
import tracemalloc

import atheris

with atheris.instrument_imports(include=["custom_components.lwm2m.protocol"]):
    from tests.fuzz.targets import TARGETS, examples

MAX_LENGTH = 4096


def main() -> None:
    """Fuzz until an option says stop; libFuzzer ends the process."""
    _, target, folder, *options = sys.argv
    corpus = Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    for example in examples(target):
        (corpus / sha256(example).hexdigest()).write_bytes(example)
    tracemalloc.start()
    atheris.Setup([sys.argv[0], f"-max_len={MAX_LENGTH}", *options, folder], TARGETS[target])
    atheris.Fuzz()


main()
