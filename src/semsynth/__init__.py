"""semsynth: a laboratory for semantic image synthesis (a label map goes in, a photograph comes out).

    from semsynth import Synthesizer

    images = Synthesizer.from_run("runs/mine")(labels)      # (N,H,W) class ids -> (N,3,H,W) in [-1, 1]
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semsynth.style import Style
    from semsynth.synthesizer import Synthesizer

try:
    __version__ = version("semsynth")
except PackageNotFoundError:
    __version__ = "0.0.0"  # a source tree of which nothing was installed
__all__ = ["Style", "Synthesizer", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what scripts use at its first use: torch takes seconds."""
    if name == "Synthesizer":
        from semsynth.synthesizer import Synthesizer

        return Synthesizer
    if name == "Style":
        from semsynth.style import Style

        return Style
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
