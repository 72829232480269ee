import pytest

from semsynth.data.sampler import ResumableSampler


def test_order_depends_on_seed_and_epoch_alone():
    first, again, other = ResumableSampler(50, seed=1), ResumableSampler(50, seed=1), ResumableSampler(50, seed=2)
    assert list(first) == list(again) == list(first)
    assert sorted(first) == list(range(50))
    assert list(first) != list(other)
    again.set_epoch(1)
    assert list(first) != list(again)
    first.set_epoch(1)
    assert list(first) == list(again)


def test_skip_continues_the_epoch_and_ends_with_it():
    whole, resumed = ResumableSampler(20), ResumableSampler(20)
    whole.set_epoch(3)
    expected = list(whole)
    resumed.set_epoch(3)
    resumed.skip(8)
    resumed.set_epoch(3)
    assert len(resumed) == 20
    assert list(resumed) == expected[8:]
    for sampler in (whole, resumed):
        sampler.set_epoch(4)
    assert list(resumed) == list(whole)


def test_skip_survives_an_iterator_that_was_not_finished():
    sampler = ResumableSampler(20)
    expected = list(ResumableSampler(20))
    sampler.skip(5)
    next(iter(sampler))
    assert list(sampler) == expected[5:]
    sampler.skip(5)
    next(iter(sampler))
    sampler.set_epoch(1)
    assert len(list(sampler)) == 20


def test_a_skip_that_nobody_iterates_ends_with_its_epoch():
    sampler = ResumableSampler(20)
    sampler.skip(20)
    sampler.set_epoch(1)
    assert len(list(sampler)) == 20


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_another_number_of_ranks_takes_what_is_left_of_the_epoch(before, after):
    seen = [index for rank in range(before) for index in list(ResumableSampler(23, rank=rank, world=before))[:4]]
    rest = []
    for rank in range(after):
        sampler = ResumableSampler(23, rank=rank, world=after)
        sampler.skip(4 * before)
        rest.append(list(sampler))
    assert len({len(mine) for mine in rest}) == 1
    all_of_them = seen + [index for mine in rest for index in mine]
    assert len(set(all_of_them)) == len(all_of_them) > 23 - after


@pytest.mark.parametrize(("shuffle", "each"), [(True, 3), (False, 4)])
def test_ranks_share_the_samples_equally(shuffle, each):
    ranks = [list(ResumableSampler(10, shuffle=shuffle, rank=rank, world=3)) for rank in range(3)]
    assert [len(rank) for rank in ranks] == [each] * 3
    assert all(len(ResumableSampler(10, shuffle=shuffle, rank=rank, world=3)) == each for rank in range(3))
    seen = [index for rank in ranks for index in rank]
    if shuffle:
        assert len(set(seen)) == 9
    else:
        assert set(seen) == set(range(10))
        whole = list(ResumableSampler(10, shuffle=False))
        assert max(whole[:4]) - min(whole[:4]) > 4  # a beginning is spread over the set
        assert ranks[0] == whole[::3]


def test_set_epoch_reaches_the_data_set():
    epochs = []
    ResumableSampler(4, on_epoch=epochs.append).set_epoch(7)
    assert epochs == [7]


def test_errors():
    with pytest.raises(ValueError, match="length"):
        ResumableSampler(0)
    with pytest.raises(ValueError, match="rank"):
        ResumableSampler(4, rank=2, world=2)
    with pytest.raises(ValueError, match="skip 5"):
        ResumableSampler(4).skip(5)
