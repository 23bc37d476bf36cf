"""Gradients by hand against autograd: time and memory of forward and backward, 784 -> 50 -> relu -> 1.

    python benchmarks/layers.py [--rounds 40] [--rows 64 1024 50000] [--threads 1] [--json]

Both sides hold the same weights and must give the same gradients before anything is timed. They run in
turns, round after round; each round gives one ratio, and the table shows the median ratio and the middle
half of all. Memory is the peak of what the step itself allocates, to the byte.
"""
import argparse, itertools, json, statistics, time
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function
from foundations.checks import test_near
from foundations.layers import Linear, Model, Mse, Relu

ROWS = 64, 1024, 50_000


def contenders(n):
    """Pairs (there, back) for n rows: by hand, by autograd, by hand with the gradient of the images.

    back(there()) computes all gradients and forgets them again."""
    torch.manual_seed(0)
    x, y = torch.randn(n, 784), torch.randn(n)
    net = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 1))
    model, loss = Model(Linear(784, 50), Relu(), Linear(50, 1)), Mse()
    model.load_state_dict(net.state_dict())

    def by_hand(): return loss(model(x), y)
    def back(l, input_grad=False, keep=False):
        model.backward(loss.backward(), input_grad=input_grad)
        if not keep: model.zero_grad()

    def autograd(): return nn.functional.mse_loss(net(x).squeeze(-1), y)
    def autograd_back(l, keep=False):
        l.backward()
        if not keep: net.zero_grad()

    back(by_hand(), keep=True)
    autograd_back(autograd(), keep=True)
    for p, q in zip(model.parameters(), net.parameters(), strict=True): test_near(p.grad, q.grad, tol=1e-4)
    model.zero_grad()
    net.zero_grad()
    return dict(by_hand=(by_hand, back), autograd=(autograd, autograd_back),
                with_input=(by_hand, lambda l: back(l, input_grad=True)))


def seconds(f, calls):
    "Seconds that f() takes, as the mean of `calls` calls in a row."
    start = time.perf_counter()
    for _ in range(calls): f()
    return (time.perf_counter() - start) / calls


def times(fs, rounds):
    "Seconds that each function takes, once a round. All run in turn within a round; short ones warm up first."
    calls = max(1, int(2e-3 / seconds(fs['autograd'], 1)))
    took = {name: [] for name in fs}
    for _ in range(rounds):
        for name, f in fs.items():
            if calls > 1: f()
            took[name].append(seconds(f, calls))
    return took


def held(there, back):
    """Bytes held beyond what was there before, after each piece of memory taken or given back.

    Returns them, and how many of these pieces belong to the way there."""
    back(there())
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as prof:
        l = there()
        with record_function('way back'): back(l)
    events = prof.profiler.kineto_results.events()
    turn = next(e.start_ns() for e in events if e.name() == 'way back')
    memory = sorted((e for e in events if e.name() == '[memory]'), key=lambda e: e.start_ns())
    return list(itertools.accumulate(e.nbytes() for e in memory)), sum(e.start_ns() < turn for e in memory)


def measure(n, rounds):
    "One row of the table: ratios to autograd, one a round; ratios of each one's best time; bytes held."
    pairs = contenders(n)
    fs = {name: (lambda there=there, back=back: back(there())) for name, (there, back) in pairs.items()}
    took = times(fs, rounds if n < 10_000 else max(2, rounds // 5))
    ratios = {name: [t / base for t, base in zip(took[name], took['autograd'])] for name in fs}
    best = {name: min(took[name]) / min(took['autograd']) for name in fs}
    curves = {name: held(*pair) for name, pair in pairs.items()}
    return dict(rows=n, ratios=ratios, best=best, curves=curves,
                memory={name: max(curve) for name, (curve, _) in curves.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=40)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rows', type=int, nargs='+', default=ROWS)
    parser.add_argument('--json', action='store_true', help='print the rows as JSON instead of a table')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = [measure(n, args.rounds) for n in args.rows]
    if args.json: return print(json.dumps(table))
    print(f'torch {torch.__version__}, {args.threads} thread(s); autograd = 1\n')
    print(f'{"rows":>7}{"time":>7}{"middle half":>14}{"+ input grad":>14}{"memory":>9}{"+ input grad":>14}')
    for r in table:
        low, middle, high = statistics.quantiles(r['ratios']['by_hand'], n=4)
        extra, memory = statistics.median(r['ratios']['with_input']), r['memory']
        hand, more = (memory[name] / memory['autograd'] for name in ('by_hand', 'with_input'))
        print(f"{r['rows']:7,}{middle:7.2f}{low:9.2f}-{high:.2f}{extra:14.2f}{hand:9.3f}{more:14.2f}")


if __name__ == '__main__': main()
