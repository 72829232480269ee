"""Check, time and profile one GPU, against the released formulation: writes bench/results_cuda.md in nine minutes.

    python bench/cuda.py                     on a CUDA device; minutes=9 and page=FILE may be given
    python bench/cuda.py small page=FILE     tries the script itself, tiny and on a CPU
    python bench/cuda.py small traced        the same with what torch.compile traces

Every section is written as soon as it is there, so that a run that is cut leaves a page.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # torch looks for a package of this name, and may find this file: it is empty then
    here, small = str(Path(__file__).resolve().parent), "small" in sys.argv
    if small:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks
    sys.path = [folder for folder in sys.path if folder != here]  # here torch finds the package, if there is one,
    import torch
    sys.path.insert(0, here)
    import page
    sys.path.remove(here)  # and so do the processes that it starts
    if not small and not torch.cuda.is_available():
        sys.exit("There is no CUDA device here: `python bench/cuda.py small page=FILE` tries the script on a CPU.")
    sys.exit(page.main(sys.argv[1:]))
