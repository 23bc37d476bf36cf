"""Time of a training step on 1 and on 2 processes, and of the messages between them.

    python benchmarks/parallel.py [--rounds 15] [--json]

Each process has one thread. The processes take turns with a single one, round after round; the
first table shows the median time alone, and the median of the rounds' ratios with its middle half.
The second shows how long the sum of a message over two processes takes, beside what it weighs.
"""
import argparse, json, os, socket, statistics, subprocess, sys, time
import torch
import torch.distributed as dist
from foundations.cross_entropy import CrossEntropy
from foundations.layers import Linear, Model, Relu
from foundations.parallel import Averaged, join
from foundations.train import SGD

NETS = {'784-50-10, batch 64': (50, 64, 200), '784-1024-10, batch 2,048': (1024, 2048, 5)}
MESSAGES = 1, 1_000, 39_760, 1_000_000, 10_000_000


def stepper(hidden, rows, world):
    "A function that takes one step on this process's share of `rows`; gradients are averaged."
    g = torch.Generator().manual_seed(0)
    model, loss = Model(Linear(784, hidden, g), Relu(), Linear(hidden, 10, g)), CrossEntropy()
    x, y = torch.randn(rows // world, 784, generator=g), torch.arange(rows // world) % 10
    opt = SGD(model.parameters(), 1e-3)
    if world > 1: opt = Averaged(opt)
    def step():
        loss(model(x), y)
        model.backward(loss.backward(), input_grad=False)
        opt.step()
        opt.zero_grad()
    return step


def seconds(f, times):
    "Seconds that f() takes, as the mean of `times` calls in a row; the processes start together."
    f()
    dist.barrier()
    start = time.perf_counter()
    for _ in range(times): f()
    return (time.perf_counter() - start) / times


def measure(rounds):
    "What process 0 finds: seconds of steps, [alone, on two] a round, and of messages."
    rank, _ = join()
    steps = {name: [] for name in NETS}
    for name, (hidden, rows, times) in NETS.items():
        one, two = stepper(hidden, rows, 1), stepper(hidden, rows, 2)
        for _ in range(rounds):
            alone = seconds(one if rank == 0 else lambda: None, times)  # the other one waits
            steps[name].append([alone, seconds(two, times)])
    messages = {}
    for n in MESSAGES:
        x = torch.zeros(n)
        took = [seconds(lambda: dist.all_reduce(x), 20 if n < 10**6 else 3) for _ in range(rounds)]
        messages[n] = statistics.median(took)
    return dict(steps=steps, messages=messages)


def two_processes(rounds):
    "Run `measure` in two processes, on one thread each; what process 0 has found."
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = str(s.getsockname()[1])
    env = dict(os.environ, OMP_NUM_THREADS='1', WORLD_SIZE='2', LOCAL_WORLD_SIZE='2',
               MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    command = [sys.executable, __file__, '--rounds', str(rounds), '--worker']
    group = [subprocess.Popen(command, env={**env, 'RANK': rank, 'LOCAL_RANK': rank}, text=True,
                              stdout=subprocess.PIPE) for rank in '01']
    try: said = [process.communicate()[0] for process in group]
    finally:
        for process in group: process.kill()
    if any(process.returncode for process in group): sys.exit('a process has failed')
    return json.loads(said[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--json', action='store_true', help='print all times as JSON')
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.worker: return print(json.dumps(measure(args.rounds)))
    found = two_processes(args.rounds)
    if args.json: return print(json.dumps(found))
    print(f'torch {torch.__version__}, gloo, {os.cpu_count()} cores; a thread a process\n')
    print(f'{"a step":28}{"alone":>10}{"on two":>10}{"times as fast":>16}{"middle half":>15}')
    for name, times in found['steps'].items():
        alone, two = (statistics.median(column) * 1e3 for column in zip(*times))
        low, middle, high = statistics.quantiles([a / b for a, b in times], n=4)
        print(f'{name:28}{alone:7.2f} ms{two:7.2f} ms{middle:16.2f}{low:9.2f}-{high:.2f}')
    print(f'\n{"floats summed over two":28}{"bytes":>13}{"time":>11}')
    for n, took in found['messages'].items():
        print(f'{int(n):<28,}{4 * int(n):13,}{took * 1e3:8.2f} ms')


if __name__ == '__main__': main()
