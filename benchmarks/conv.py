"""A training step of the course's convolutional network beside torch.nn's, and beside a plain one.

    python benchmarks/conv.py [--rounds 40] [--threads 1] [--json]

All networks hold the same weights and must give the same gradients before anything is timed. They
run in turns, round after round; every round gives one ratio to torch.nn, and the table shows the
median ratio and the middle half of all rounds. The last column says what a change is worth: how
much lower its median is than that of the row before.
"""
import argparse, json, statistics, time
import torch
from torch import nn
from torch.nn import functional as F
from foundations.checks import test_near
from foundations.conv import Conv2d, Flatten, conv2d, conv2d_grad
from foundations.cross_entropy import CrossEntropy
from foundations.layers import Linear, Model, Relu, add_grad
from foundations.train import SGD

BASE = 'torch.nn'
LAYERS = (1, 16, 5, 2, 2), (16, 32, 3, 2, 1), (32, 64, 3, 2, 1)  # n_in, n_out, k, stride, padding


class Plain(Conv2d):
    "The layer as first written: F.unfold, a product an image, unfolded again for gw, F.fold."
    first = False  # leave out the gradient of the images?

    def forward(self, x):
        w, b, k = self.weight, self.bias, self.weight.shape[2]
        rows, how = w.flatten(1), dict(kernel_size=k, padding=self.padding, stride=self.stride)
        h, v = ((s + 2*self.padding - k)//self.stride + 1 for s in x.shape[2:])
        def back(g, input_grad=True):
            g = g.flatten(2)
            add_grad(w, (g @ F.unfold(x, **how).transpose(1, 2)).sum(0).view_as(w))
            add_grad(b, g.sum((0, 2)))
            if input_grad or not self.first: return F.fold(rows.T @ g, x.shape[2:], **how)
        return (rows @ F.unfold(x, **how) + b[:, None]).view(-1, len(w), h, v), back


class PlainFirst(Plain):
    "Plain, but without the gradient of the images."
    first = True


class Recomputed(Conv2d):
    "Channels last, but the patches are taken a second time for the gradient of the weights."
    def forward(self, x):
        w, b, how = self.weight, self.bias, (self.stride, self.padding)
        def back(g, input_grad=True):
            gx, gw, gb = conv2d_grad(g, x, w, b, *how, input_grad)
            add_grad(w, gw)
            add_grad(b, gb)
            return gx
        return conv2d(x, w, b, *how), back


class Jumpy(Flatten):
    "Flatten whose gradient keeps the order in memory of its own output."
    def forward(self, x): return x.flatten(1), lambda g: g.view(x.shape)


def course(conv, flatten):
    g = torch.Generator().manual_seed(0)
    layers = [layer for how in LAYERS for layer in (conv(*how, g), Relu())]
    return Model(*layers, flatten(), Linear(LAYERS[-1][1]*16, 10, g))


def theirs(model):
    "The same network in torch.nn, with the weights of `model`."
    layers = [layer for how in LAYERS for layer in (nn.Conv2d(*how), nn.ReLU())]
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(LAYERS[-1][1]*16, 10))
    net.load_state_dict(model.state_dict())
    return net


CONTENDERS = {'plain: unfold, matmul, fold': (Plain, Jumpy),
              '+ no gradient of the images': (PlainFirst, Jumpy),
              '+ channels last, one product': (Recomputed, Jumpy),
              '+ patches kept for backward': (Conv2d, Jumpy),
              "+ gradient in x's order": (Conv2d, Flatten)}


def stepper(model, loss, opt, backward, x, y):
    def step():
        backward(loss(model(x), y))
        opt.step()
        opt.zero_grad()
    return step


def build(n):
    "One step for each contender, on the same n images and weights, once their gradients agree."
    g = torch.Generator().manual_seed(1)
    x, y = torch.randn(n, 1, 28, 28, generator=g), torch.arange(n) % 10
    net, steps = theirs(course(Conv2d, Flatten)), {}
    nn.CrossEntropyLoss()(net(x), y).backward()
    for name, kinds in CONTENDERS.items():
        model, loss = course(*kinds), CrossEntropy()
        def backward(l, model=model, loss=loss): model.backward(loss.backward(), input_grad=False)
        backward(loss(model(x), y))
        for p, q in zip(model.parameters(), net.parameters()): test_near(p.grad, q.grad, tol=1e-2)
        model.zero_grad()
        steps[name] = stepper(model, loss, SGD(model.parameters(), 1e-3, 0.9), backward, x, y)
    net.zero_grad()
    opt = torch.optim.SGD(net.parameters(), 1e-3, 0.9)
    return {BASE: stepper(net, nn.CrossEntropyLoss(), opt, torch.Tensor.backward, x, y), **steps}


def seconds(f, times):
    "Seconds that f() takes, as the mean of `times` calls in a row."
    start = time.perf_counter()
    for _ in range(times): f()
    return (time.perf_counter() - start) / times


def measure(n, rounds):
    "{contender: [lower quartile, median, upper quartile] of its time over torch.nn's}."
    steps = build(n)
    found = {name: [] for name in steps}
    for _ in range(rounds):
        took = {}
        for name, f in steps.items():
            f()
            took[name] = seconds(f, 2)
        for name in steps: found[name].append(took[name] / took[BASE])
    return {name: statistics.quantiles(r, n=4) for name, r in found.items()}


def rows(table):
    "The lines of `table`, each contender with what it saves over the one before."
    before = None
    for name, (low, middle, high) in table.items():
        worth = '' if before is None else f'{before - middle:+10.2f}'
        yield f'  {name:34}{middle:6.2f}   {low:.2f} to {high:.2f}{worth}'
        if name != BASE: before = middle  # nothing was saved from torch.nn


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=40)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--json', action='store_true', help='print the table as JSON')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tables = {f'batch {n}, {args.threads} thread(s)': measure(n, args.rounds) for n in (64, 128)}
    if args.json: return print(json.dumps(tables))
    for title, table in tables.items():
        print(f'\n{title}: time of a step over torch.nn\'s (middle half), and what it saves')
        for row in rows(table): print(row)


if __name__ == '__main__': main()
