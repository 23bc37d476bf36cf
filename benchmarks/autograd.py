"""A step of 784 -> 50 -> relu -> 10 with Vars, beside Model and torch.nn: time and peak memory.

    python benchmarks/autograd.py [--rounds 40] [--rows 64 1024 10000] [--threads 1] [--json]

All three hold the same weights and must give the same gradients before anything is timed. They run
in turns, round after round; every round gives one ratio to Model, and the table shows the median
ratio and the middle half of all. Memory is the peak of what the step itself allocates, to the byte.
"""
import argparse, json, statistics
import torch
from torch import nn
from layers import held, seconds
from foundations.autograd import Var, lift
from foundations.backward import lin_grad, relu_grad
from foundations.checks import test_near
from foundations.cross_entropy import CrossEntropy, cross_entropy, cross_entropy_grad
from foundations.forward import lin, relu
from foundations.layers import Linear, Model, Relu

BASE, ROWS = 'Model', (64, 1024, 10_000)


def contenders(n):
    "{name: (there, back)} for n rows; back(there()) computes all gradients and forgets them again."
    gen = torch.Generator().manual_seed(0)
    x, y = torch.randn(n, 784, generator=gen), torch.arange(n) % 10
    model, loss = Model(Linear(784, 50, gen), Relu(), Linear(50, 10, gen)), CrossEntropy()
    net = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    net.load_state_dict(model.state_dict())
    weights = [Var(p.T.clone() if p.ndim > 1 else p.clone()) for p in model.parameters()]
    w1, b1, w2, b2 = weights                       # in the same order in memory, too
    vlin, vrelu = lift(lin, lin_grad), lift(relu, relu_grad)
    vloss = lift(cross_entropy, cross_entropy_grad)

    def by_model(l, keep=False):
        model.backward(loss.backward(), input_grad=False)
        if not keep: model.zero_grad()

    def by_var(l, keep=False):
        l.backward()
        if not keep:
            for v in weights: v.grad = None

    def by_torch(l, keep=False):
        l.backward()
        if not keep: net.zero_grad()

    pairs = {BASE: (lambda: loss(model(x), y), by_model),
             'Var': (lambda: vloss(vlin(vrelu(vlin(x, w1, b1)), w2, b2), y), by_var),
             'torch.nn': (lambda: nn.functional.cross_entropy(net(x), y), by_torch)}
    for there, back in pairs.values(): back(there(), keep=True)
    for p, v, q in zip(model.parameters(), weights, net.parameters(), strict=True):
        test_near(v.grad.T if p.ndim > 1 else v.grad, p.grad, tol=0)       # bit for bit
        test_near(q.grad, p.grad, tol=1e-4)
        p.grad = v.grad = q.grad = None
    return pairs


def measure(n, rounds):
    "{name: [lower quartile, median, upper quartile] of its time over Model's, its memory over Model's}."
    pairs = contenders(n)
    fs = {name: (lambda there=there, back=back: back(there())) for name, (there, back) in pairs.items()}
    for f in fs.values(): f()
    calls = max(1, int(5e-3 / seconds(fs[BASE], 1)))
    ratios = {name: [] for name in fs}
    for _ in range(rounds):
        took = {name: seconds(f, calls) for name, f in fs.items()}
        for name in fs: ratios[name].append(took[name] / took[BASE])
    peaks = {name: max(held(*pair)[0]) for name, pair in pairs.items()}
    return {name: [*statistics.quantiles(r, n=4), peaks[name] / peaks[BASE]] for name, r in ratios.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=40)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rows', type=int, nargs='+', default=ROWS)
    parser.add_argument('--json', action='store_true', help='print the table as JSON')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tables = {n: measure(n, args.rounds) for n in args.rows}
    if args.json: return print(json.dumps(tables))
    print(f'\na step with Vars, torch {torch.__version__}, {args.threads} thread(s); {BASE} = 1\n')
    print(f'{"rows":>7}  {"":10}{"time":>6}{"middle half":>15}{"memory":>9}')
    for n, table in tables.items():
        for name, (low, middle, high, memory) in table.items():
            print(f'{n:7,}  {name:10}{middle:6.2f}{low:9.2f}-{high:.2f}{memory:10.2f}')


if __name__ == '__main__': main()
