"""The peers that are written in Java: compiled by Maven, once for all tests."""

from __future__ import annotations

import fcntl
from pathlib import Path
import subprocess


def build(project: Path) -> str:
    """Compile a project and return its class path; CalledProcessError when Maven fails.

    One process at a time does so: Maven's repository of a machine takes no two at once.
    """
    classes, listed = project / "target" / "classes", project / "target" / "classpath.txt"
    sources = [project / "pom.xml", *(project / "src").rglob("*.*")]
    newest = max(source.stat().st_mtime for source in sources)
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not listed.exists() or listed.stat().st_mtime < newest:
            goals = ["compile", "dependency:build-classpath"]
            command = ["mvn", "--quiet", "--batch-mode", f"-Dmdep.outputFile={listed}", *goals]
            subprocess.run(command, cwd=project, check=True)
    return f"{classes}:{listed.read_text()}"
