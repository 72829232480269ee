"""Networks, data and terms as small as the interfaces allow, so that tests of the loop take a moment."""

from functools import partial
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, Dataset

from semsynth.data.sampler import ResumableSampler
from semsynth.generators.base import BaseGenerator
from semsynth.semantics import Reading
from semsynth.style import Posterior, Style
from semsynth.training.paired import PairedSystem

CLASSES = 3
SIZE = 8


class Generator(BaseGenerator):
    """Class colours through a spectral-normed convolution, batch norm and dropout (state and chance of every kind)."""

    z_dim, styled = 2, True

    def __init__(self) -> None:
        super().__init__((SIZE, SIZE))
        self.colour = nn.Embedding(CLASSES, 4)
        self.style = nn.Linear(self.z_dim, 4)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.2)
        self.conv = spectral_norm(nn.Conv2d(4, 3, 3, padding=1))

    def readings(self, h: int, w: int) -> list[Reading]:
        return [Reading(h, w)]

    def draw_style(self, count, semantics=None, normal=None):
        shape = count, self.z_dim
        return Style(vector=torch.randn(shape, device=self.style.weight.device) if normal is None else normal(shape))

    def forward(self, semantics, style=None):
        style = self.style(style.vector.to(self.style.weight))
        x = self.colour(semantics.labels).permute(0, 3, 1, 2) + style[:, :, None, None]
        return torch.tanh(self.conv(self.drop(self.norm(x))))


class Discriminator(nn.Module):
    """One scale, one intermediate map and a prediction; remembers the batch sizes that it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.first = spectral_norm(nn.Conv2d(3 + CLASSES, 4, 3))
        self.last = nn.Conv2d(4, 1, 3)
        self.seen: list[tuple[int, bool]] = []

    def forward(self, semantics, images):
        self.seen.append((len(images), torch.is_grad_enabled()))
        labels = semantics.one_hot().to(images).repeat(len(images) // len(semantics), 1, 1, 1)
        first = torch.relu(self.first(torch.cat([images, labels], 1)))
        return [[first, self.last(first)]]


class Encoder(nn.Module):
    """Mean colour to a style."""

    z_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.mu, self.logvar = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, image):
        mean = image.mean((2, 3))
        return self.mu(mean), self.logvar(mean)

    def encode(self, image, semantics=None):
        mean, log_variance = self(image)
        return Style(vector=mean, posterior=Posterior(mean, log_variance))


class Term(nn.Module):
    """A loss term around a function of the step."""

    def __init__(self, function, weight: float = 1.0) -> None:
        super().__init__()
        self.function, self.weight = function, weight

    def forward(self, step):
        return self.function(step)


def divergence(posterior):
    mean, log_variance = posterior.mean, posterior.log_variance
    return -0.5 * (1 + log_variance - mean ** 2 - log_variance.exp()).sum()


def losses():
    return {
        "generator": {
            "adversarial": Term(lambda s: -s.fake_maps[0][-1].mean()),
            "feature_matching": Term(lambda s: (s.fake_maps[0][0] - s.real_maps[0][0].detach()).abs().mean(), 10.0),
            "kl": Term(lambda s: s.fake.new_zeros(()) if s.style is None else divergence(s.style.posterior), 0.05),
        },
        "discriminator": {
            "adversarial": Term(lambda s: torch.relu(1 - s.real_maps[0][-1]).mean()
                                + torch.relu(1 + s.fake_maps[0][-1]).mean()),
        },
    }


class Pairs(Dataset):
    """Random pairs that depend on (epoch, index) alone."""

    def __init__(self, length: int) -> None:
        self.length, self.epoch = length, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int):
        chance = torch.Generator().manual_seed(1000 * self.epoch + index)
        labels = torch.randint(0, CLASSES, (SIZE, SIZE), generator=chance)
        return {"image": torch.rand(3, SIZE, SIZE, generator=chance) * 2 - 1, "labels": labels, "name": str(index)}


class Data(pl.LightningDataModule):
    """Loaders over `Pairs` with the resumable sampler."""

    def __init__(self, length: int = 12, batch: int = 2, rank: int = 0, world: int = 1) -> None:
        super().__init__()
        self.length, self.batch, self.share = length, batch, {"rank": rank, "world": world}

    def _loader(self, shuffle: bool) -> DataLoader:
        pairs = Pairs(self.length)
        sampler = ResumableSampler(len(pairs), seed=0, shuffle=shuffle, on_epoch=pairs.set_epoch if shuffle else None,
                                   **self.share)
        return DataLoader(pairs, self.batch, sampler=sampler, drop_last=shuffle)

    def train_dataloader(self):
        return self._loader(True)

    def val_dataloader(self):
        return self._loader(False)


def make_system(encoder: bool = True, **settings) -> PairedSystem:
    torch.manual_seed(0)
    optimizers = {"generator": partial(torch.optim.Adam, lr=1e-2, betas=(0.0, 0.9)),
                  "discriminator": partial(torch.optim.Adam, lr=4e-2, betas=(0.0, 0.9))}
    settings = {"num_classes": CLASSES, "epochs": 3, "decay_epochs": 2, **settings}
    return PairedSystem(Generator(), Discriminator(), Encoder() if encoder else None, losses(), optimizers, **settings)


def make_trainer(path, callbacks=(), **settings) -> pl.Trainer:
    defaults = {"max_epochs": 3, "accelerator": "cpu", "devices": 1, "logger": False, "enable_checkpointing": False,
                "enable_model_summary": False, "enable_progress_bar": False, "num_sanity_val_steps": 0,
                "use_distributed_sampler": False, "limit_val_batches": 1, "default_root_dir": path}
    return pl.Trainer(callbacks=list(callbacks), **{**defaults, **settings})


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    """Factories: `system(encoder, **settings)`, `data(length, batch, **share)`, `trainer(path, callbacks, **settings)`.
    """
    return SimpleNamespace(system=make_system, data=Data, trainer=make_trainer, classes=CLASSES, size=SIZE,
                           generator=Generator, discriminator=Discriminator, term=Term, pairs=Pairs)
