"""SEAN, GroupDNet, their CLADE forms and INADE against the published formulation, and torch.compile on a GPU.

    python bench/by_region.py                             drawing at 256x256, one thread, into bench/results_regions.md
    python bench/by_region.py training                    the generator's forward and backward pass, at 128x128
    python bench/by_region.py device=cuda                 16 maps on a GPU, into bench/results_regions_cuda.md
    python bench/by_region.py device=cuda training
    python bench/by_region.py device=cuda small traced    tries the script itself, tiny and on a CPU

Further words: quick (without labels of pure noise), repeats=2 (on a GPU 12), size=256, batch=16, seconds=60 (a GPU's;
what has not begun by then is left out), networks=SEAN,INADE, page=FILE.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # torch looks for a package `cuda`, and may find the file beside this one: see there
    here, small = str(Path(__file__).resolve().parent), "small" in sys.argv
    if small or "device=cuda" not in sys.argv:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks
    sys.path = [folder for folder in sys.path if folder != here]
    import torch
    sys.path.insert(0, here)
    import regions_page
    sys.path.remove(here)
    if "device=cuda" in sys.argv and not small and not torch.cuda.is_available():
        sys.exit("There is no CUDA device here: `python bench/by_region.py device=cuda small page=FILE` tries the "
                 "script on a CPU.")
    regions_page.main(sys.argv[1:])
