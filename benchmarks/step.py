"""A training step of 784 -> 50 -> relu -> 10 with cross-entropy and plain SGD: the course's against others', and against its matrix products alone.

    python benchmarks/step.py [--rounds 60] [--json docs/bench.json] [--plot docs/bench.png] [--readme README.md]

All contenders start from the same weights and must have the same ones after an epoch before anything is timed. Then they run in turns, round
after round, each after an epoch to warm up, and with several threads a pause; every round gives one ratio to torch.nn, and the table shows the median ratio and the
middle half of all rounds.
NumPy and JAX take part where they are installed (pip install -e '.[bench]'), torch.compile where a C++ compiler is.
"""
import argparse, datetime, json, os, platform, statistics, subprocess, sys, time
from pathlib import Path
import torch
from torch import nn
from foundations.checks import test_near
from foundations.cross_entropy import CrossEntropy
from foundations.data import mnist
from foundations.layers import Linear, Model, Relu
from foundations.normalize import normalize
from foundations.speed import Step
from foundations.train import SGD

LR = 0.1
BASE = 'torch.nn, autograd, optim.SGD'
PAUSE = 0.1  # seconds: the threads of the contender before, which spin in wait of more work and would take this one's core, fall asleep
MARKS = '<!-- make bench writes this table -->', '<!-- end of the table -->'


def course_model(weights):
    "The course's network holding copies of `weights` w1 (i,h), b1 (h,), w2 (h,o), b2 (o,)."
    w1, b1, w2, b2 = weights
    model = Model(Linear(*w1.shape), Relu(), Linear(*w2.shape))
    for p, w in zip(model.parameters(), weights): p.copy_(w.t())
    return model


def turned(model): return lambda: [p.detach().t() for p in model.parameters()]


def torch_model(weights):
    "The same network in torch.nn, which stores (out,in)."
    w1, b1, w2, b2 = weights
    model = nn.Sequential(nn.Linear(*w1.shape), nn.ReLU(), nn.Linear(*w2.shape))
    with torch.no_grad():
        for p, w in zip(model.parameters(), weights): p.copy_(w.t())
    return model


# Each contender: (batches, weights) -> (a function that runs an epoch, a function that gives the weights or None)

def framework(batches, weights, wrap=lambda f: f):
    model, loss = torch_model(weights), nn.CrossEntropyLoss()
    opt, forward = torch.optim.SGD(model.parameters(), LR), wrap(lambda x, y: loss(model(x), y))
    def epoch():
        for x, y in batches:
            forward(x, y).backward()
            opt.step()
            opt.zero_grad()
    return epoch, turned(model)


def compiled(batches, weights): return framework(batches, weights, torch.compile)


def course(batches, weights):
    model, loss = course_model(weights), CrossEntropy()
    opt = SGD(model.parameters(), LR)
    def epoch():
        for x, y in batches:
            loss(model(x), y)
            model.backward(loss.backward(), input_grad=False)
            opt.step()
            opt.zero_grad()
    return epoch, turned(model)


def bare(batches, weights):
    "The operations of `course` in one function, without layers, checks or .grad."
    w1, b1, w2, b2 = ws = [w.t().contiguous().t() for w in weights]
    def epoch():
        for x, y in batches:
            z = torch.addmm(b1, x, w1)
            a = z.relu()
            log_p = torch.addmm(b2, a, w2).log_softmax(1)
            nn.functional.nll_loss(log_p, y)
            p = log_p.exp().scatter_(1, y[:, None], -1., reduce='add').mul_(1/len(x))
            g = torch.ops.aten.threshold_backward(p@w2.T, z, 0)
            for w, gw in zip(ws, ((g.T@x).T, g.sum(0), (p.T@a).T, p.sum(0))): w.sub_(gw, alpha=LR)
    return epoch, lambda: ws


def tuned(batches, weights):
    model = course_model(weights)
    step = Step(model, len(batches[0][0]))
    return lambda: step.epoch(batches, LR), turned(model)


def numpy(batches, weights):
    import numpy as np
    w1, b1, w2, b2 = (w.numpy().copy() for w in weights)
    batches, rows = [(x.numpy(), y.numpy()) for x, y in batches], np.arange(len(batches[0][0]))
    def epoch():
        for x, y in batches:
            z = x@w1
            z += b1
            np.maximum(z, 0, out=z)
            p = z@w2
            p += b2
            p -= p.max(1, keepdims=True)
            np.exp(p, out=p)
            p *= LR/len(x) / p.sum(1, keepdims=True)
            p[rows, y] -= LR/len(x)
            g = p@w2.T
            g *= z > 0
            for w, gw in ((w2, z.T@p), (b2, p.sum(0)), (w1, x.T@g), (b1, g.sum(0))): w -= gw
    return epoch, lambda: [torch.from_numpy(w) for w in (w1, b1, w2, b2)]


def jax(batches, weights):
    import jax, jax.numpy as jnp
    def loss(ws, x, y):
        w1, b1, w2, b2 = ws
        logits = jnp.maximum(x@w1 + b1, 0)@w2 + b2
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()
    def step(ws, batch): return [w - LR*g for w, g in zip(ws, jax.grad(loss)(ws, *batch))], None
    xs, ys = (jnp.asarray(torch.stack(t).numpy()) for t in zip(*batches))
    run, state = jax.jit(lambda ws: jax.lax.scan(step, ws, (xs, ys))[0]), [[jnp.asarray(w.numpy()) for w in weights]]
    def epoch(): state[0] = jax.block_until_ready(run(state[0]))
    return epoch, lambda: [torch.tensor(jax.device_get(w)) for w in state[0]]


def products(batches, weights, transposed):
    "Only the five matrix products of a step, with outputs that exist already; in the course's usual layout or with all of them transposed."
    w1, _, w2, _ = weights
    n, (i, h), o = len(batches[0][0]), w1.shape, w2.shape[1]
    new = lambda *shape: torch.full(shape, 0.01)
    w1, w2, g1, g2 = w1.T.contiguous(), w2.T.contiguous(), new(h, i), new(o, h)
    if transposed:
        z, p, g = new(h, n), new(o, n), new(h, n)
        calls = lambda x: ((w1, x.T, z), (w2, z, p), (w2.T, p, g), (p, z.T, g2), (g, x, g1))
    else:
        z, p, g = new(n, h), new(n, o), new(n, h)
        calls = lambda x: ((x, w1.T, z), (z, w2.T, p), (p, w2, g), (p.T, z, g2), (g.T, x, g1))
    def epoch():
        for x, _ in batches:
            for a, b, out in calls(x): torch.mm(a, b, out=out)
    return epoch, None


CONTENDERS = {BASE: framework, 'torch.compile of it': compiled, 'foundations, Model and SGD': course, 'its operations alone': bare, 'foundations, tuned Step': tuned, 'NumPy by hand': numpy,
              'JAX, jit and scan': jax, 'only the products': lambda b, w: products(b, w, False), 'only the products, transposed': lambda b, w: products(b, w, True)}


def build(batches, weights):
    "The contenders that can run here, each after one epoch that left it with the same weights as torch.nn."
    built, want = {}, None
    for name, contender in CONTENDERS.items():
        try:
            epoch, state = contender(batches, [w.clone() for w in weights])
            epoch()
        except (ImportError, torch._dynamo.exc.TorchDynamoException, torch._inductor.exc.InductorError) as e:
            print(f'  without {name}: {type(e).__name__}', file=sys.stderr)
            continue
        if state:
            want = want or [p.detach().clone() for p in state()]
            for p, w in zip(state(), want): test_near(p, w, tol=1e-3)
        built[name] = epoch
    return built


def keep_to(threads):
    "Compute on `threads` threads, and on as many cores where the system can see to that: JAX takes a second one whatever its settings say."
    torch.set_num_threads(threads)
    if hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def measure(hidden, rows, threads, rounds, count):
    "The table of one setting: {contender: [lower quartile, median, upper quartile] of torch.nn's time over its own}."
    keep_to(threads)
    x, y, _, _ = mnist()
    x = normalize(x[:rows*count], x.mean(), x.std())
    g = torch.Generator().manual_seed(0)
    weights = [torch.randn(784, hidden, generator=g)*(2/784)**.5, torch.zeros(hidden), torch.randn(hidden, 10, generator=g)*(2/hidden)**.5, torch.zeros(10)]
    built = build(list(zip(x.split(rows), y.split(rows))), weights)
    ratios = {name: [] for name in built}
    for _ in range(rounds):
        took = {}
        for name, epoch in built.items():
            if threads > 1: time.sleep(PAUSE)
            epoch()
            start = time.perf_counter()
            epoch()
            took[name] = time.perf_counter() - start
        for name in built: ratios[name].append(took[BASE]/took[name])
    return {name: statistics.quantiles(r, n=4) for name, r in ratios.items()}


def show(title, table):
    print(f'\n{title}: how many times as fast as torch.nn (middle half of the rounds)')
    for name, (low, middle, high) in table.items(): print(f'  {name:34}{middle:6.2f}   {low:.2f} to {high:.2f}')


def markdown(about, tables):
    "The table of medians for the README, with the date and the machine."
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    lines = [['', *tables], ['---', *['---:']*len(tables)], *[[name, *(f'{t[name][1]:.2f}' if name in t else '' for t in tables.values())] for name in names]]
    where = f'{about["date"]}, {about["processor"]}, {about["cores"]} cores, PyTorch {about["torch"]}, Python {about["python"]}'
    return '\n'.join(['| ' + ' | '.join(line) + ' |' for line in lines] + ['', f'Measured {where}.'])


def write_readme(path, words):
    "Put `words` between the README's two marks."
    before, rest = path.read_text(encoding='utf-8').split(MARKS[0])
    path.write_text(f'{before}{MARKS[0]}\n{words}\n{MARKS[1]}{rest.split(MARKS[1])[1]}', encoding='utf-8')


def processor():
    "The processor's name, or its kind where the system does not say more."
    try: found = [line.split(':', 1)[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name')]
    except OSError: found = []
    return (found or [platform.processor() or platform.machine()])[0]


def plot(tables, path):
    "A bar for each contender and setting."
    import matplotlib.pyplot as plt
    plt.style.use('foundations.course')
    fig, axes = plt.subplots(1, len(tables), figsize=(3.2*len(tables) + 2, 3.4), sharey=True)
    for ax, (title, table) in zip(axes, tables.items()):
        names = list(table)
        ax.barh(names, [table[k][1] for k in names], xerr=[[table[k][1] - table[k][0] for k in names], [table[k][2] - table[k][1] for k in names]],
                color=['C1' if k.startswith('foundations') else '0.6' if k.startswith('only') else 'C0' for k in names], error_kw=dict(lw=1))
        ax.set(title=title, xlabel='times as fast as torch.nn')
    axes[0].invert_yaxis()
    fig.savefig(path, dpi=200)


SETTINGS = [dict(hidden=50, rows=64, threads=1, count=60), dict(hidden=50, rows=64, threads=os.cpu_count(), count=60), dict(hidden=512, rows=512, threads=1, count=4)]


def title(hidden, rows, threads, count): return f'batch {rows}, {hidden} hidden, {threads} thread' + ('s' if threads > 1 else '')


def alone(setting, rounds):
    "`measure` in a process of its own, because NumPy and JAX take their number of threads from the environment when they start."
    threads = str(setting['threads'])
    env = {**os.environ, **{f'{name}_NUM_THREADS': threads for name in ('OMP', 'MKL', 'OPENBLAS')}}
    if threads == '1': env['XLA_FLAGS'] = '--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1'
    done = subprocess.run([sys.executable, __file__, '--rounds', str(rounds), '--setting', json.dumps(setting)], env=env, check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=60)
    parser.add_argument('--json', type=Path)
    parser.add_argument('--plot', type=Path)
    parser.add_argument('--readme', type=Path)
    parser.add_argument('--setting', type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.setting: return print(json.dumps(measure(rounds=args.rounds, **args.setting)))
    tables = {}
    for setting in SETTINGS:
        name = title(**setting)
        tables[name] = alone(setting, args.rounds)
        show(name, tables[name])
    about = dict(date=datetime.date.today().isoformat(), torch=torch.__version__, python=platform.python_version(), processor=processor(), cores=os.cpu_count())
    if args.json: args.json.write_text(json.dumps(dict(about=about, times_as_fast_as_torch_nn=tables), indent=1) + '\n')
    if args.plot: plot(tables, args.plot)
    if args.readme: write_readme(args.readme, markdown(about, tables))


if __name__ == '__main__': main()
