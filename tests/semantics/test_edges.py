import pytest
import torch

from semsynth.semantics.edges import instance_edges


def naive(instances):
    count, height, width = instances.shape
    edges = torch.zeros(count, 1, height, width)
    for n in range(count):
        for i in range(height):
            for j in range(width):
                for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                    if 0 <= a < height and 0 <= b < width and instances[n, a, b] != instances[n, i, j]:
                        edges[n, 0, i, j] = 1
    return edges


@pytest.mark.parametrize("shape", [(2, 7, 9), (1, 1, 6), (1, 6, 1), (1, 1, 1)])
def test_against_a_loop(shape):
    instances = torch.randint(0, 3, shape) * 33001 + 24000
    edges = instance_edges(instances)
    assert edges.dtype == torch.float32
    assert torch.equal(edges, naive(instances))


def test_wrong_shape():
    with pytest.raises(ValueError, match=r"\(N,H,W\)"):
        instance_edges(torch.zeros(4, 4, dtype=torch.long))
