"""Who says why, where several processes fail at once."""

from contextlib import nullcontext

import pytest
import torch

from semsynth import sharing
from semsynth.errors import DataError, ToldElsewhere

MEMORY, FILE = torch.OutOfMemoryError(), DataError("x.png is broken")


@pytest.mark.parametrize(("errors", "speaker"), [
    ([None, FILE], 1), ([FILE, FILE], 0), ([MEMORY, FILE], 1), ([FILE, MEMORY], 0), ([MEMORY, MEMORY], None)])
def test_one_process_says_why_all_end(monkeypatch, errors, speaker):
    """Where memory is short in all that fail, they go on with less."""
    told = [("", sharing._Failed(error is MEMORY)) if error else ("scores", 1.0) for error in errors]
    monkeypatch.setattr(sharing, "_exchanged", lambda own: told)
    for rank, error in enumerate(errors):
        monkeypatch.setattr(sharing, "processes", lambda rank=rank: (rank, len(errors)))
        if error is not None:
            with nullcontext() if speaker in (rank, None) else pytest.raises(ToldElsewhere):
                sharing.announce(error)
