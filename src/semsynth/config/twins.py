"""The choice of `loss=` that does without the network that the chosen one compares pictures in."""

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

ENDING = "_no_vgg"
ANY = f"a loss whose name ends with {ENDING}"  # where nothing was chosen: in a program of one's own


def losses_without() -> str:
    """Choices that train as the chosen loss does, without the weights of VGG-19, in words.

    They are called like it, or like its beginning: `crn_no_vgg` belongs to `crn` and to `crn_diverse`.
    """
    hydra = GlobalHydra.instance()
    if not hydra.is_initialized() or not HydraConfig.initialized():
        return ANY
    known = set(hydra.config_loader().get_group_options("loss"))
    chosen = str(HydraConfig.get().runtime.choices.get("loss"))
    words = chosen.split("_")
    beginnings = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    found = next((f"loss={name}{ENDING}" for name in beginnings if name + ENDING in known), ANY)
    other = f"{chosen}_efficientnet_lite0"
    return f"{found}, or loss={other} (another network's, from a package)" if other in known else found
