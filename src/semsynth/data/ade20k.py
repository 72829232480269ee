"""ADE20K scene parsing (ADEChallengeData2016): 20,210 training and 2,000 validation pictures, 150 classes."""

from pathlib import Path

from semsynth.data.source import Listing, Source, files_in, match


class ADE20K(Source):
    """A split of ADE20K. Label files hold 0 for unknown and 1..150; those raw ids are the class indices.

    Files are told apart by `_train_` and `_val_` in their names, so that any folders below ROOT will do. There are no
    instance maps.
    """

    title = "ADE20K"
    layout = """
  ROOT/images/training/ADE_train_00000001.jpg      ROOT/annotations/training/ADE_train_00000001.png
  ROOT/images/validation/ADE_val_00000001.jpg      ROOT/annotations/validation/ADE_val_00000001.png
  (the folder ADEChallengeData2016; any folders, as long as the names hold _train_ and _val_)
"""

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: the root is missing.
            ValueError: instance maps are asked for.
        """
        if instances:
            raise ValueError("ADE20K scene parsing has no instance maps: set dataset.instances=false")
        root = self.folder()
        return match(self._select(root, (".jpg", ".jpeg")), self._select(root, (".png",)))

    def _select(self, root: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
        mark = f"_{self.split}_"
        return {path.stem: path for path in files_in(root, suffixes, recursive=True) if mark in path.name}
