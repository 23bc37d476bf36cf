"""Data that nobody here made goes through the whole training loop."""
import os
from pathlib import Path
import pytest, torch
from foundations.all import *

FOLDER = Path(os.environ.get('FASHION_MNIST', '/usr/share/datasets/fashion-mnist'))     # where Debian's package puts it


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f'Fashion-MNIST is not in {FOLDER} (Debian: apt install dataset-fashion-mnist)')
def test_fashion_mnist():
    "The README's lines for data of one's own: the 10,000 test images, once, at the end."
    x, y, x_valid, y_valid = mnist(FOLDER)
    x_test, y_test = mnist_test(FOLDER)
    assert [len(t) for t in (x, x_valid, x_test)] == [50_000, 10_000, 10_000] and y_test.bincount().tolist() == [1000]*10
    mean, std = x.mean(), x.std()
    x, x_valid, x_test = [normalize(t, mean, std) for t in (x, x_valid, x_test)]
    chance = torch.Generator().manual_seed(0)
    model, loss = Model(Linear(784, 50, generator=chance), Relu(), Linear(50, 10, generator=chance)), CrossEntropy()
    opt, steps = SGD(model.parameters(), 0.02, momentum=0.9), 8 * (len(x) // 128 + 1)
    history = fit(model, loss, opt, (x, y), (x_valid, y_valid), epochs=8, bs=128, schedule=one_cycle(0.02, steps), generator=chance, progress=False)
    assert history['accuracy'][-1] >= 0.86
    assert evaluate(model, loss, x_test, y_test)[1] >= 0.86
