import pytest
import torch
from torch.testing import assert_close

from semsynth.errors import EvaluationError, SegmenterError
from semsynth.evaluation.evaluator import NEIGHBOURS
from semsynth.metrics.confusion import Confusion
from semsynth.metrics.features import JudgeFeatures
from semsynth.metrics.frechet import Moments
from semsynth.metrics.neighbours import neighbourhoods
from semsynth.metrics.pixels import eight_bits
from semsynth.metrics.statistics import FeatureSet
from semsynth.metrics.style_recovery import StyleRecovery


class Colour:
    """Reads the mean colour as style, and serves as `inception` features."""

    name = "inception"
    general = True

    def predict(self, images):
        return images.mean((2, 3))

    def __call__(self, images):
        return torch.cat([images.mean((2, 3)), images.std((2, 3))], 1)

    def description(self):
        return {"name": self.name}

    def to(self, device):
        return self


def full(small):
    """An evaluator of every kind of score."""
    judge = small.judge()
    evaluator = small.evaluator(judge, recovery=StyleRecovery(Colour()))
    evaluator.features.append(Colour())
    evaluator.real["inception"] = {}
    evaluator.reset()
    return evaluator


def run(evaluator, fake, labels, real, step=3):
    style = real.mean((2, 3)) + 0.01
    for start in range(0, len(fake), step):
        part = slice(start, start + step)
        evaluator.update(fake[part], labels[part], real=real[part], style=style[part])
    return evaluator.compute()


def test_the_judge_and_the_data_set_decide_what_the_protocol_leaves_open(small):
    fake, labels, _ = small.batch()
    labels[labels == 2] = 3  # no cars, and the last class is void
    found = {}
    for mean in ("all", "present"):
        evaluator = small.evaluator(small.judge(class_mean=mean), unknown=3, dataset="streets",
                                    protocol=small.protocol(void_is_wrong=["streets"]))
        evaluator.update(fake, labels)
        found[mean] = evaluator.compute()
        assert (evaluator.protocol.class_mean, evaluator.protocol.void_is_wrong) == (mean, True)
    assert found["all"].scores["miou"] == pytest.approx(found["present"].scores["miou"] * 2 / 3)
    dropped = small.evaluator(small.judge(), unknown=3, dataset="other",
                              protocol=small.protocol(void_is_wrong=["streets"]))
    dropped.update(fake, labels)
    counted = float((labels < 3).double().mean())
    assert found["all"].scores["accuracy"] == pytest.approx(dropped.compute().scores["accuracy"] * counted)


def test_scores_are_those_of_the_parts(small):
    fake, labels, real = small.batch()
    found = run(full(small), fake, labels, real)
    judge = small.judge()
    fake, real = eight_bits(fake), eight_bits(real)
    confusion = Confusion(4)
    confusion.update(judge.logits(fake).argmax(1), labels)
    assert found.scores["miou"] == pytest.approx(confusion.compute().miou)
    assert found.scores["accuracy"] == pytest.approx(confusion.compute().accuracy)
    moments = [Moments(6) for _ in range(2)]
    for m, images in zip(moments, (fake, real), strict=True):
        m.update(judge.features(images))
    assert found.scores["frechet/small"] == pytest.approx(moments[0].distance(moments[1]), rel=1e-6)
    near = neighbourhoods(Colour()(real), Colour()(fake), 5)
    assert [found.scores[f"{kind}/inception"] for kind in NEIGHBOURS] == \
        [near.precision, near.recall, near.density, near.coverage]
    assert set(found.scores) == {"frechet/small", "fid/val", "kid/val", "miou", "accuracy", "miou_rare",
                                 "precision/inception", "recall/inception", "density/inception", "coverage/inception",
                                 "style_r2/time", "style_r2/haze", "style_r2/hue"}
    assert list(found.iou) == small.classes
    assert found.rare == sorted(small.classes, key=found.frequency.get)[:2]
    assert found.scores["miou_rare"] == pytest.approx(sum(found.iou[name] for name in found.rare) / 2)
    assert sum(found.frequency.values()) == pytest.approx(1)
    wanted, read = real.mean((2, 3)).double(), fake.mean((2, 3)).double()
    r2 = 1 - (wanted - read).square().sum(0) / (wanted - wanted.mean(0)).square().sum(0)
    assert found.scores["style_r2/hue"] == pytest.approx(float(r2[2]))
    assert found.count == 10


def test_batches_of_any_size_score_alike(small):
    data = small.batch()
    one, other = run(full(small), *data, step=1), run(full(small), *data, step=10)
    assert one.scores == pytest.approx(other.scores, rel=1e-5)
    evaluator = full(small)
    first = run(evaluator, *data)
    evaluator.reset()
    assert run(evaluator, *data).scores == pytest.approx(first.scores, rel=1e-9)


def test_real_statistics_of_the_first_round_stay(small):
    evaluator = small.evaluator()
    fake, labels, real = small.batch()
    first = run(evaluator, fake, labels, real).scores["frechet/small"]
    evaluator.reset()
    for part in range(0, 10, 5):
        evaluator.update(fake[part:part + 5], labels[part:part + 5])
    assert evaluator.compute().scores["frechet/small"] == pytest.approx(first)


def test_labels_at_their_own_sizes_and_images_at_the_segmenters(small):
    evaluator = small.evaluator(protocol=small.protocol(segmenter_size=[32, 32]))
    fake, _, real = small.batch(4)
    labels = [torch.randint(0, 4, size) for size in ((16, 16), (20, 31), (16, 16), (8, 40))]
    evaluator.update(fake, labels, real=real)
    found = evaluator.compute()
    assert int(evaluator.confusion.matrix.sum()) == sum(t.numel() for t in labels)
    assert 0 <= found.scores["miou"] <= 1


def test_classes_that_do_not_count(small):
    judge = small.judge(ignore=3)
    evaluator = small.evaluator(judge, protocol=small.protocol(ignore=["car"]), unknown=3)
    assert evaluator.ignored == ["car", "other"]
    fake, labels, real = small.batch()
    found = run(evaluator, fake, labels, real)
    assert list(found.iou) == ["sky", "road"]
    assert int(evaluator.confusion.matrix.sum()) == int((labels < 2).sum())
    with pytest.raises(EvaluationError, match="ignore names boat"):
        small.evaluator(protocol=small.protocol(ignore=["boat"]))


def test_bad_input_is_named(small):
    with pytest.raises(SegmenterError, match="other classes than the data set"):
        small.evaluator(small.judge(["sky", "road", "cow", "other"]))
    evaluator = small.evaluator()
    fake, labels, real = small.batch(3)
    fake[1, 0, 2, 2] = torch.nan
    with pytest.raises(EvaluationError, match=r"runs/x \(last\.ckpt\): the image for b holds NaN"):
        evaluator.update(fake, labels, names=["a", "b", "c"], where="runs/x (last.ckpt)")
    evaluator.reset()
    evaluator.update(real[:1], labels[:1])
    with pytest.raises(EvaluationError, match="two or more generated images, got 1"):
        evaluator.compute()


def test_kept_vectors_follow_positions_not_batches():
    one, other = FeatureSet(4), FeatureSet(4)
    x = torch.randn(8, 3)
    one.update(x, torch.arange(8))
    for rows in ([5, 0], [3, 7], [1, 2, 4, 6]):
        other.update(x[rows], torch.tensor(rows))
    assert_close(one.vectors, x[:4])
    assert_close(other.vectors, one.vectors)
    assert other.count == 8


def test_a_judges_description_names_its_features(small):
    assert JudgeFeatures(small.judge()).description()["name"] == "small"
