"""What a run that begins from another takes over of its scores."""

from commands import composed
from omegaconf import OmegaConf

from semsynth.runs.inheritance import inherited


def test_a_judge_that_is_typed_scores_a_run_that_had_none():
    """The scores of the run are taken over, and go on following what the command line says of judge and protocol."""
    def plain(*overrides, resolve=False):
        return OmegaConf.to_container(composed("train", *overrides), resolve=resolve)

    named = ["dataset.classes=[a,b]", "dataset.colours=[]", "dataset.num_classes=2", "run_dir=r"]
    saved = plain("dataset=folder", *named)
    saved = {key: saved[key] for key in ("dataset", "size", "protocol", "segmenter", "scores")}
    saved["scores"]["assess"] |= {"protocol": saved["protocol"], "judge": None}  # as a run stores it
    kept = inherited(plain(), saved, [])
    assert (kept["segmenter"], kept["protocol"]["name"]) == (None, "photographs")
    typed = ["segmenter=trained", "segmenter.path=j.safetensors", "protocol=spade"]
    changed = inherited(plain(*typed), saved, typed)
    assert changed["scores"]["assess"]["judge"] == "${segmenter}"
    assert changed["scores"]["assess"]["protocol"] == "${protocol}"
    assert (changed["segmenter"]["path"], changed["protocol"]["name"]) == ("j.safetensors", "spade")
