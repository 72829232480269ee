"""The tiny pairs of tests as larger pictures."""


class Big:
    """Pairs of 32x32 pixels."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def set_epoch(self, epoch):
        self.pairs.set_epoch(epoch)

    def __getitem__(self, index):
        sample = self.pairs[index]
        grown = sample["image"].repeat_interleave(4, 1).repeat_interleave(4, 2)
        return {**sample, "image": grown, "labels": sample["labels"].repeat_interleave(4, 0).repeat_interleave(4, 1)}
