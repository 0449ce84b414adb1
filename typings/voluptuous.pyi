# Home Assistant answers `import voluptuous` with probatio, whose types its functions take.
from probatio import *  # noqa: F403
