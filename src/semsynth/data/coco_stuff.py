"""COCO-Stuff 164k (arXiv:1612.03716): 118,287 training and 5,000 validation pictures, 182 classes."""

from semsynth.data.pairing import by_name
from semsynth.data.source import IMAGE_SUFFIXES, LABEL_SUFFIXES, Listing, Source, files_in, match


class CocoStuff(Source):
    """A split of COCO-Stuff in the layout of the published SPADE code.

    Label value v in 0..181 is the official label v + 1; 255 is unknown. Instance maps hold a running number on every
    object; the numbers can coincide with those of stuff, but only the edges between regions matter.
    """

    title = "COCO-Stuff"
    layout = """
  ROOT/train_img/NAME.jpg   ROOT/train_label/NAME.png   ROOT/train_inst/NAME.png (with dataset.instances=true)
  ROOT/val_img/NAME.jpg     ROOT/val_label/NAME.png     ROOT/val_inst/NAME.png
  ROOT/train_{img,label,inst}_portrait/ may hold more
(python tools/coco_instances.py root=ROOT makes train_inst/ and val_inst/ from COCO's annotations)
"""

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: a folder is missing.
        """
        listing = self._part("", instances)
        if self.root.joinpath(f"{self.split}_img_portrait").is_dir():
            portraits = self._part("_portrait", instances)
            return Listing([*listing.pairs, *portraits.pairs], [*listing.faults, *portraits.faults])
        return listing

    def _part(self, ending: str, instances: bool) -> Listing:
        kinds = {"img": IMAGE_SUFFIXES, "label": LABEL_SUFFIXES} | ({"inst": LABEL_SUFFIXES} if instances else {})
        folders = {kind: self.folder(f"{self.split}_{kind}{ending}") for kind in kinds}
        found = {kind: by_name(folders[kind], files_in(folders[kind], suffixes)) for kind, suffixes in kinds.items()}
        return match(found["img"], found["label"], found.get("inst"))
