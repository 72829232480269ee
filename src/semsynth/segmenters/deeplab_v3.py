"""DeepLab v3 (arXiv:1706.05587): torchvision's network under the interface of the segmenters."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.segmentation import deeplabv3_resnet50, deeplabv3_resnet101

from semsynth.segmenters.layers import resize_like

_BUILDERS = {50: deeplabv3_resnet50, 101: deeplabv3_resnet101}


class DeepLabV3(nn.Module):
    """torchvision's DeepLab v3, with torchvision's state dict: x (N,3,H,W) normalised -> logits (N,K,H,W).

    Args:
        num_classes: Channels of the logits.
        depth: 50 or 101.
        auxiliary: Whether to have torchvision's auxiliary classifier, which its published weights hold.

    Raises:
        ValueError: there is no such depth.
    """

    def __init__(self, num_classes: int = 21, *, depth: int = 101, auxiliary: bool = True) -> None:
        super().__init__()
        if depth not in _BUILDERS:
            raise ValueError(f"depth must be one of {sorted(_BUILDERS)}, got {depth}")
        network = _BUILDERS[depth](weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=auxiliary)
        # The children themselves rather than the network, so that the keys stay torchvision's.
        self.backbone, self.classifier, self.aux_classifier = (
            network.backbone, network.classifier, network.aux_classifier)

    def features(self, x: Tensor) -> Tensor:
        """The backbone's last map, (N,2048,H/8,W/8)."""
        return self.backbone(x)["out"]

    def forward(self, x: Tensor) -> Tensor:
        """Logits at the size of x."""
        return resize_like(self.classifier(self.features(x)), x)

    def supervised(self, x: Tensor) -> tuple[Tensor, ...]:
        """(logits, auxiliary logits if there are any) at the size of x; torchvision weighs the second's loss by 0.5."""
        maps = self.backbone(x)
        logits = resize_like(self.classifier(maps["out"]), x)
        if self.aux_classifier is None:
            return (logits,)
        return logits, resize_like(self.aux_classifier(maps["aux"]), x)
