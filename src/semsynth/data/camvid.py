"""CamVid: 367 training and 101 validation street scenes of 480x360, 11 classes and unlabelled pixels."""

from semsynth.data.pairing import by_name
from semsynth.data.source import IMAGE_SUFFIXES, LABEL_SUFFIXES, Listing, Source, files_in, match


class CamVid(Source):
    """A split of CamVid in the layout of the SegNet release. It has no instance maps."""

    title = "CamVid"
    layout = """
  ROOT/train/NAME.png (or .jpg)   ROOT/trainannot/NAME.png
  ROOT/val/NAME.png (or .jpg)     ROOT/valannot/NAME.png
"""

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: a folder is missing.
            ValueError: instance maps are asked for.
        """
        if instances:
            raise ValueError("CamVid has no instance maps: set dataset.instances=false")
        images, labels = self.folder(self.split), self.folder(f"{self.split}annot")
        return match(by_name(images, files_in(images, IMAGE_SUFFIXES)),
                     by_name(labels, files_in(labels, LABEL_SUFFIXES)))
