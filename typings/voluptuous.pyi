# Home Assistant answers `import voluptuous` with probatio, and its own functions take probatio's types.
from probatio import *  # noqa: F403
