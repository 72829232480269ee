"""ADE20K scene parsing (ADEChallengeData2016): 20,210 training and 2,000 validation pictures, 150 classes."""

from semsynth.data.pairing import by_name
from semsynth.data.source import Listing, Source, files_in, match

FOLDERS = {"train": "training", "val": "validation"}


class ADE20K(Source):
    """A split of ADE20K. Label files hold 0 for unknown and 1..150; those raw ids are the class indices.

    Only the published folders are read: resized copies of the labels often lie beside them. There are no instance maps:
    where they are asked for, the label map is one, in which a region of a class is an instance (INADE).
    """

    title = "ADE20K"
    layout = """
  ROOT/images/training/ADE_train_00000001.jpg      ROOT/annotations/training/ADE_train_00000001.png
  ROOT/images/validation/ADE_val_00000001.jpg      ROOT/annotations/validation/ADE_val_00000001.png
  (the folder ADEChallengeData2016)
"""

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: a folder is missing.
        """
        images, labels = (self.folder(kind, FOLDERS[self.split]) for kind in ("images", "annotations"))
        maps = by_name(labels, files_in(labels, (".png",)))
        return match(by_name(images, files_in(images, (".jpg", ".jpeg"))), maps, maps if instances else None)
