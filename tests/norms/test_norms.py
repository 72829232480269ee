import itertools
from functools import partial

import pytest
import reference
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.norms.base import PONO, batch_norm, group_norm, inject_moments, layer_norm
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.conditional import ConditionalNorm, Unconditional, adain
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

N, K, C, H, W = 2, 4, 3, 5, 6
PIXELS = list(itertools.product(range(N), range(H), range(W)))


def semantics(labels=None, edges=True, offsets=True):
    labels = torch.randint(0, K, (N, H, W)) if labels is None else labels
    return Semantics(labels, K, torch.rand(N, 1, H, W).round().double() if edges else None,
                     torch.rand(N, 2, H, W).double() * 2 - 1 if offsets else None)


def randomised(norm):
    for p in norm.parameters():
        nn.init.normal_(p)
    return norm.double()


@pytest.mark.parametrize(("edges", "kernel_size"), [(False, 3), (True, 3), (True, 5)])
def test_spade_equals_the_formula_at_every_pixel(edges, kernel_size):
    norm = randomised(SPADE(C, K, edges=edges, hidden=7, kernel_size=kernel_size))
    sem, x = semantics(), torch.randn(N, C, H, W).double()
    out, base = norm(x, sem), reference.normalised(x)
    hot = reference.one_hot(sem.labels, K, sem.edges if edges else None)
    hidden = torch.zeros(N, 7, H, W).double()
    for n, i, j in PIXELS:
        hidden[n, :, i, j] = reference.conv_at(hot, norm.shared.weight, norm.shared.bias, n, i, j).clamp(min=0)
    for n, i, j in PIXELS:
        gamma = reference.conv_at(hidden, norm.gamma.weight, norm.gamma.bias, n, i, j)
        beta = reference.conv_at(hidden, norm.beta.weight, norm.beta.bias, n, i, j)
        assert_close(out[n, :, i, j], base[n, :, i, j] * (1 + gamma) + beta)


def test_a_kernel_of_even_size_is_refused():
    with pytest.raises(ValueError, match="kernel_size must be odd .* got 4"):
        SPADE(C, K, kernel_size=4)


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("cls", [CLADE, CLADE_ICPE, CLADE_DISTF])
def test_clade_equals_the_formula_at_every_pixel(cls, edges):
    norm = randomised(cls(C, K, edges=edges))
    sem, x = semantics(), torch.randn(N, C, H, W).double()
    out, base = norm(x, sem), reference.normalised(x)
    assert out.shape[1] == norm.out_channels == C + edges + (cls is CLADE_DISTF)
    for n, i, j in PIXELS:
        gamma, beta, d = norm.gamma[sem.labels[n, i, j]], norm.beta[sem.labels[n, i, j]], sem.offsets[n, :, i, j]
        if cls is CLADE_ICPE:
            gamma = gamma * (1 + norm.position_gamma.weight[0, :, 0, 0] @ d + norm.position_gamma.bias)
            beta = beta * (1 + norm.position_beta.weight[0, :, 0, 0] @ d + norm.position_beta.bias)
        assert_close(out[n, :C, i, j], base[n, :, i, j] * gamma + beta)
        if edges:
            assert_close(out[n, C, i, j], (norm.edge.weight * sem.edges[n, 0, i, j] + norm.edge.bias).squeeze())
        if cls is CLADE_DISTF:
            assert_close(out[n, -1, i, j], (norm.position.weight[0, :, 0, 0] @ d + norm.position.bias).squeeze())


@pytest.mark.parametrize("cls", [SPADE, CLADE, CLADE_ICPE, CLADE_DISTF])
def test_gradients(cls):
    norm = randomised(cls(2, K, edges=True))
    sem = semantics()
    x = torch.randn(N, 2, H, W).double().requires_grad_()
    names, values = zip(*norm.named_parameters(), strict=True)

    def function(x, *values):
        return torch.func.functional_call(norm, dict(zip(names, values, strict=True)), (x, sem))

    if cls is SPADE:  # 128 hidden channels: only the input and the last layers
        assert torch.autograd.gradcheck(lambda x: norm(x, sem), (x,))
        assert torch.autograd.gradcheck(lambda b: torch.func.functional_call(norm, {"gamma.bias": b}, (x, sem)),
                                        (norm.gamma.bias,))
    else:
        assert torch.autograd.gradcheck(function, (x, *values))


@pytest.mark.parametrize("cls", [SPADE, CLADE, CLADE_ICPE])
def test_hard_and_certain_soft_maps_agree(cls):
    norm, x = randomised(cls(C, K)), torch.randn(N, C, H, W).double()
    hard = semantics(edges=False)
    soft = Semantics.from_probabilities(hard.one_hot().double(), offsets=hard.offsets)
    norm.base.eval()
    assert_close(norm(x, soft), norm(x, hard))


@pytest.mark.parametrize("cls", [partial(SPADE, hidden=4), CLADE])
@pytest.mark.parametrize("size", [(H, W), (H // 2, W // 2)])
def test_soft_maps_have_gradients(cls, size):
    """As a segmenter's answer in the cycle needs them; also where the map is read at another size."""
    norm, x = randomised(cls(C, K)), torch.randn(N, C, *size).double()
    norm.base.eval()

    def function(soft):
        return norm(x, Semantics.from_probabilities(soft).prepare([size]))

    soft = torch.randn(N, K, H, W).double().softmax(1).requires_grad_()
    assert torch.autograd.gradcheck(function, (soft,))


@pytest.mark.parametrize("base", [batch_norm, lambda c: nn.InstanceNorm2d(c), group_norm, layer_norm, PONO])
@pytest.mark.parametrize("cls", [SPADE, CLADE])
def test_any_parameter_free_norm(cls, base):
    norm, x, sem = cls(4, K, base), torch.randn(N, 4, H, W), semantics(edges=False)
    gamma, beta = norm.modulation(sem)
    expected = base(4)(x) * (gamma + (cls is SPADE)) + beta
    assert_close(norm(x, sem), expected)
    assert not list(norm.base.parameters())


def test_icpe_starts_as_clade():
    clade, icpe = CLADE(C, K), CLADE_ICPE(C, K)
    icpe.load_state_dict(clade.state_dict(), strict=False)
    x, sem = torch.randn(N, C, H, W), Semantics(torch.randint(0, K, (N, H, W)), K, offsets=torch.randn(N, 2, H, W))
    assert_close(icpe(x, sem), clade(x, sem), rtol=0, atol=1e-6)


@pytest.mark.parametrize("cls", [SPADE, CLADE, CLADE_ICPE, CLADE_DISTF])
def test_where_offsets_are_read_missing_ones_are_an_error(cls):
    norm, x, sem = cls(C, K), torch.randn(N, C, H, W), Semantics(torch.zeros(N, H, W).long(), K)
    assert norm.uses_offsets == (cls in (CLADE_ICPE, CLADE_DISTF))
    if norm.uses_offsets:
        with pytest.raises(ValueError, match=r"icpe\.enabled"):
            norm(x, sem)
    else:
        assert norm(x, sem).shape == x.shape


# Published equivalences

def test_spade_on_a_constant_map_is_conditional_batch_norm():
    spade = SPADE(C, K)
    x = torch.randn(N, C, 9, 9)
    for k in range(K):
        sem = Semantics(torch.full((N, 9, 9), k), K)
        gamma, beta = spade.modulation(sem)
        conditional = ConditionalNorm(C, K)
        with torch.no_grad():  # inside the border of the 5x5 reach, gamma and beta are constant
            conditional.gamma[k], conditional.beta[k] = 1 + gamma[0, :, 4, 4], beta[0, :, 4, 4]
        inside = slice(2, -2)
        out = conditional(x, torch.full((N,), k))
        assert_close(spade(x, sem)[..., inside, inside], out[..., inside, inside])


def test_spatially_invariant_modulation_by_an_image_is_adain():
    x, style = torch.randn(1, C, 8, 8), torch.randn(1, C, 8, 8) * 2 + 3
    norm = CLADE(C, 1, nn.InstanceNorm2d)
    with torch.no_grad():
        norm.gamma[0], norm.beta[0] = style.var((0, 2, 3), correction=0).sqrt(), style.mean((0, 2, 3))
    assert_close(norm(x, Semantics(torch.zeros(1, 8, 8).long(), 1)), adain(x, style), rtol=1e-4, atol=1e-4)


def test_clade_with_equal_rows_is_batch_norm():
    norm, bn = CLADE(C, K), nn.BatchNorm2d(C)
    with torch.no_grad():
        norm.gamma[:], norm.beta[:] = norm.gamma[0].clone(), torch.randn(C)
        bn.weight[:], bn.bias[:] = norm.gamma[0], norm.beta[0]
    x = torch.randn(N, C, H, W)
    assert_close(norm(x, semantics(edges=False)), bn(x))


def test_clade_on_a_flat_map_over_instance_norm_is_conditional_instance_norm():
    clade, conditional = CLADE(C, K, nn.InstanceNorm2d), ConditionalNorm(C, K, nn.InstanceNorm2d)
    conditional.load_state_dict(clade.state_dict())
    x, classes = torch.randn(N, C, H, W), torch.tensor([1, 3])
    sem = Semantics(classes[:, None, None].expand(N, H, W).contiguous(), K)
    assert_close(clade(x, sem), conditional(x, classes))


@pytest.mark.parametrize("base", [nn.InstanceNorm2d, batch_norm])
def test_wash_away(base):
    """A norm of a convolved flat mask gives the same for every class; SPADE and CLADE do not."""
    conv = nn.Conv2d(K, C, 3)
    norms = [Unconditional(C, K, base), SPADE(C, K, base), CLADE(C, K, base)]
    nn.init.normal_(norms[1].beta.weight)
    nn.init.normal_(norms[2].beta)
    maps = [Semantics(torch.full((1, 9, 9), k), K).prepare([(7, 7)]) for k in range(K)]
    washed, spade, clade = ([norm(conv(sem.one_hot()), sem) for sem in maps] for norm in norms)

    def spread(maps):
        return torch.stack([m.mean((0, 2, 3)) for m in maps]).std(0).mean()

    assert spread(washed) < 1e-3
    assert spread(spade) > 0.1
    assert spread(clade) > 0.1


def test_pono_moments_are_put_back():
    x, pono = torch.randn(N, C, H, W), PONO(C)
    assert_close(inject_moments(pono(x), *pono.moments(x)), x)
    assert_close(pono(x).mean(1), torch.zeros(N, H, W), atol=1e-5, rtol=0)


def test_mixed_takes_the_low_norm_first():
    schedule = Mixed(SPADE, CLADE, transition=2)
    assert [schedule(i) for i in range(1, 5)] == [SPADE, SPADE, CLADE, CLADE]
    with pytest.raises(ValueError, match=r"norm\.transition"):
        Mixed(SPADE, CLADE, transition=9)
