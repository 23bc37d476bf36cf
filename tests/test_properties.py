"""What holds for every input, not only for those that the chapters chose: right beside PyTorch in float64, nothing handed in is changed, no nan or inf is hidden.

Hypothesis draws the sizes, dtypes, numbers and memory layouts, the same ones each time. EXAMPLES=1000 draws more."""
import gzip, math, operator, os, struct
import numpy as np, pytest, torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from foundations.all import *

settings.register_profile('course', max_examples=int(os.environ.get('EXAMPLES', 150)), derandomize=True, database=None, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
settings.load_profile('course')

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
EXTREME = [math.nan, math.inf, -math.inf, 1e4, -1e4, 1e-30, 0.]
SIZE, FULL = st.integers(0, 5), st.integers(1, 5)      # an axis that may be empty, one that is not


def contiguous(x): return x.contiguous()
def swapped(x): return x.permute(list(range(x.ndim))[::-1]).contiguous().permute(list(range(x.ndim))[::-1])     # as columns
def spread(x): return torch.stack([x, x + 1], -1)[..., 0]                      # every other number of the memory
def shifted(x): return torch.cat([x.new_zeros(3), x.flatten()])[3:].view(x.shape)     # not where memory begins
def expanded(x): return x[:1].expand_as(x) if x.ndim and len(x) else x         # one row, seen many times
def plain(x, layout): return layout(x)
def leaf(x, layout): return layout(x).requires_grad_()
def result(x, layout): return layout(x.requires_grad_())
def inference(x, layout):
    with torch.inference_mode(): return layout(x.clone())


@st.composite
def tensors(draw, *shapes, dtypes=DTYPES, extreme=EXTREME):
    "Tensors of `shapes` and one dtype: random, some very large or small, some entries extreme; each in a layout of its own, all in one state."
    dtype, state = draw(st.sampled_from(dtypes)), draw(st.sampled_from([plain, leaf, result, inference]))
    def tensor(shape):
        chance = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
        x = torch.randn(shape, generator=chance, dtype=torch.float64)
        if extreme: x = x * draw(st.sampled_from([1, 1, 1, 1e4, 1e-30, 0]))
        if extreme and x.numel() and draw(st.booleans()):
            for value in draw(st.lists(st.sampled_from(extreme), max_size=2)): x.view(-1)[draw(st.integers(0, x.numel() - 1))] = value
        return state(x.to(dtype), draw(st.sampled_from([contiguous, swapped, spread, shifted, expanded])))
    return [tensor(shape) for shape in shapes]


def double(x): return x.detach().double() if torch.is_tensor(x) and x.is_floating_point() else x
def same(a, b): return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | (a.isnan() & b.isnan())).all())


def calm(f, *args, **named):
    "f(*args), which leaves its arguments as they were."
    before = [a.detach().clone() if torch.is_tensor(a) else a for a in args]
    out = f(*args, **named)
    for i, (a, b) in enumerate(zip(args, before)): assert not torch.is_tensor(a) or same(a.detach(), b), f'argument {i} has changed'
    return out


def judge(got, want, scale, terms=1, like=None):
    """`got` is `want` as well as its dtype can say: `terms` roundings of numbers up to `scale`. Where `want` is not finite, neither is `got`.

    It may overflow where `scale` does."""
    assert got.shape == want.shape and (like is None or got.dtype == like.dtype), (got.shape, got.dtype)
    limits, got = torch.finfo(got.dtype), got.detach().double()
    right = ((got - want).abs() <= (terms + 8) * (limits.eps * scale + limits.tiny)) | ~got.isfinite() & (scale > limits.max/4)
    right = torch.where(want.isfinite(), right, ~got.isfinite()) & (got.isnan() | ~want.isnan())
    assert right.all(), (got[~right], want[~right])


def truth(f, *args, g=None):
    "f of `args` by PyTorch in float64; with g, the gradients of sum(g*f) with respect to the floating ones."
    args = [double(a).clone().requires_grad_(g is not None) if torch.is_tensor(a) and a.is_floating_point() else a for a in args]
    out = f(*args)
    if g is None: return out
    return torch.autograd.grad(out, [a for a in args if torch.is_tensor(a) and a.is_floating_point()], double(g))


# 00: checks

@given(st.data())
def test_near_is_a_fence(data):
    "Half the tolerance passes, twice of it does not, at any entry; nan is near nothing, and shapes are not broadcast."
    x, = data.draw(tensors(data.draw(st.lists(SIZE, max_size=3))))
    if x.isnan().any():
        with pytest.raises(AssertionError): test_near(x, x)
        return
    calm(test_near, x, x)
    with pytest.raises(AssertionError): calm(test_near, x[None], x)
    if not x.numel(): return
    at = data.draw(st.integers(0, x.numel() - 1))
    largest = max([abs(v) for v in double(x).flatten().tolist() if math.isfinite(v)], default=0)
    tol, off = data.draw(st.sampled_from([1e-3, 1e-6])), double(x).flatten().clone()
    off[at] += .5 * tol * largest
    test_near(off, double(x).flatten(), tol)
    off[at] = off[at] + 1.5 * tol * largest if largest and off[at].isfinite() else 1e-30
    with pytest.raises(AssertionError): test_near(off, double(x).flatten(), tol)


@given(st.data())
def test_stats_are_python_s(data):
    x, = data.draw(tensors(data.draw(st.lists(SIZE, max_size=3))))
    n, numbers = x.numel(), double(x).flatten().tolist()
    if n < 2:
        with pytest.raises(ValueError): stats(x)
        return
    got = calm(stats, x)
    if not all(map(math.isfinite, numbers)): assert not any(map(math.isfinite, got))
    else:
        mean = math.fsum(numbers) / n
        want = mean, math.sqrt(math.fsum((v - mean)**2 for v in numbers) / (n - 1)), math.sqrt(math.fsum(v*v for v in numbers) / n)
        assert all(abs(a - b) <= 1e-12 * want[2] for a, b in zip(got, want)), (got, want)


@given(st.data())
def test_need_lets_in_what_fits(data):
    "Shapes (n,i), (i,o) and () or a number, of one floating dtype, with n > 0; each other set is refused with the right kind of error."
    shapes = [data.draw(st.lists(st.integers(0, 2), max_size=3)) for _ in range(3)]
    dtypes = [data.draw(st.sampled_from([torch.float32]*4 + [torch.float64, torch.int64])) for _ in range(3)]
    if data.draw(st.booleans()): shapes, dtypes = [[data.draw(st.integers(0, 2)), 1], [1, 0], []], [torch.float32]*3      # nearly all fits
    args = [torch.zeros(shape, dtype=dtype) for shape, dtype in zip(shapes, dtypes)]
    if data.draw(st.booleans()): args[2], shapes[2], dtypes[2] = 1.5, [], dtypes[0]
    a, b, c = shapes
    error = (TypeError if set(dtypes) not in ({torch.float32}, {torch.float64}) else
             ValueError if [len(a), len(b), len(c)] != [2, 2, 0] or a[1] != b[0] or a[0] == 0 else None)
    if error is None: calm(need, 'f', 'a (n,i), b (i,o), c (), n > 0', *args)
    else:
        with pytest.raises(error, match='f takes'): need('f', 'a (n,i), b (i,o), c (), n > 0', *args)


# 02: data

@given(st.data(), st.booleans())
def test_idx_and_back(tmp_path_factory, data, packed):
    kind, name = data.draw(st.sampled_from([(0x08, '>u1'), (0x09, '>i1'), (0x0b, '>i2'), (0x0c, '>i4'), (0x0d, '>f4'), (0x0e, '>f8')]))
    shape = data.draw(st.lists(FULL, min_size=1, max_size=4))
    numbers = np.frombuffer(data.draw(st.binary(min_size=(n := math.prod(shape) * int(name[2])), max_size=n)), name).reshape(shape)
    path = tmp_path_factory.getbasetemp()/'numbers'
    path.write_bytes((gzip.compress if packed else bytes)(bytes([0, 0, kind, len(shape)]) + struct.pack(f'>{len(shape)}I', *shape) + numbers.tobytes()))
    np.testing.assert_array_equal(read_idx(path).numpy(), numbers)


@given(st.data())
def test_normalize(data):
    x, = data.draw(tensors(data.draw(st.lists(SIZE, max_size=3))))
    mean, std = data.draw(st.sampled_from([0., 1., -100.])), data.draw(st.sampled_from([.5, 1., 30.]))
    judge(calm(normalize, x, mean, std), (double(x) - mean)/std, (double(x).abs() + abs(mean))/std, like=x)


# 05 to 07: functions and their gradients

def linear(x, w, b): return x @ w + b


@given(st.data(), SIZE, SIZE, SIZE)
def test_lin(data, n, i, o):
    x, w, b = args = data.draw(tensors((n, i), (i, o), (o,)))
    judge(calm(lin, *args), truth(linear, *args), truth(linear, *[a.abs() for a in args]), i, like=x)


@given(st.data(), SIZE, SIZE, SIZE)
def test_lin_grad(data, n, i, o):
    g, x, w, b = data.draw(tensors((n, o), (n, i), (i, o), (o,)))
    got, scales = calm(lin_grad, g, x, w, b), truth(linear, x.abs(), w.abs(), b.abs(), g=g.abs())
    for ours, want, scale in zip(got, truth(linear, x, w, b, g=g), scales): judge(ours, want, scale, max(n, o), like=x)
    none, *rest = lin_grad(g, x, w, b, input_grad=False)
    assert none is None and all(map(same, rest, got[1:]))


@given(st.data())
def test_matmul(data):
    n, k, m = [data.draw(SIZE) for _ in range(3)]
    a, b = data.draw(tensors((n, k), (k, m)))
    judge(calm(matmul, a, b), truth(torch.matmul, a, b), truth(torch.matmul, a.abs(), b.abs()), k, like=a)


@given(st.data())
def test_relu(data):
    "To the bit: it only chooses."
    shape = data.draw(st.lists(SIZE, max_size=4))
    g, x = data.draw(tensors(shape, shape))
    assert same(double(calm(relu, x)), double(x).relu())
    assert same(double(calm(relu_grad, g, x)), truth(torch.relu, x, g=g)[0])


@given(st.data(), FULL, st.booleans(), st.booleans())
def test_mse(data, n, column, whole):
    output, targ, g = data.draw(tensors((n, 1) if column else (n,), (n,), ()))
    if whole: targ = torch.randint(-50, 50, (n,), generator=torch.Generator().manual_seed(n))
    def loss(output): return (output.view(n) - double(targ)).square().mean()
    size = double(output).view(n).abs() + double(targ).abs()
    judge(calm(mse, output, targ), truth(loss, output), size.square().mean(), n, like=output)
    judge(calm(mse_grad, g, output, targ), truth(loss, output, g=g)[0], (double(g).abs() * 2/n * size).view(output.shape), like=output)


FUNCTIONS = {'lin': (lin, lin_grad), 'relu': (relu, relu_grad), 'exp': (torch.exp, lambda g, x: g * x.exp()), 'mse': (mse, mse_grad)}


@settings(max_examples=settings().max_examples // 4)
@given(st.data(), st.sampled_from(sorted(FUNCTIONS)), SIZE, SIZE, SIZE)
def test_check_grad_tells_right_from_wrong(data, name, n, i, o):
    "One entry wrong by a thousandth of the largest is found, wherever it is."
    f, f_grad = FUNCTIONS[name]
    n = max(n, 1) if name == 'mse' else n
    shapes = {'lin': [(n, i), (i, o), (o,)], 'mse': [(n,), (n,)]}.get(name, [(n, i)])
    args = data.draw(tensors(*shapes, extreme=[]))
    if name == 'mse': args[1] = args[1].detach().sign().long()
    assume(name != 'relu' or not (double(args[0]).abs() < 1e-3).any())      # a kink is another matter
    with data.draw(st.sampled_from([torch.enable_grad, torch.no_grad, torch.inference_mode]))(): calm(check_grad, f, f_grad, *args)
    def wrong(g, *args):
        grads = f_grad(g, *args)
        grads = [t.contiguous().clone() for t in grads] if isinstance(grads, tuple) else [grads.contiguous().clone()]
        grads[k].view(-1)[at] += 1e-3 * grads[k].abs().max() + 1e-3
        return grads
    k = data.draw(st.integers(0, len(shapes) - 1)) if name == 'lin' else 0
    if not args[k].numel(): return
    at = data.draw(st.integers(0, args[k].numel() - 1))
    with pytest.raises(AssertionError, match=f'argument {k}'): check_grad(f, wrong, *args)


# 08: layers

@given(st.data(), SIZE, st.lists(FULL, min_size=2, max_size=4))
def test_a_model_is_torch_s(data, n, sizes):
    "Output and all gradients, by any way of asking for them; two walks add up. A model may begin or end with a relu, hold it twice, or be empty."
    x, = data.draw(tensors((n, sizes[0]), dtypes=[torch.float32, torch.float64], extreme=[]))
    chance, act = torch.Generator().manual_seed(0), Relu()
    layers = [l for i, o in zip(sizes, sizes[1:]) for l in (Linear(i, o, chance, dtype=x.dtype), act)]
    model = Model(*[act][:data.draw(st.integers(0, 1))], *layers[:data.draw(st.integers(0, len(layers)))])
    theirs = torch.nn.Sequential(*[torch.nn.Linear(*l.weight.shape[::-1]) if isinstance(l, Linear) else torch.nn.ReLU() for l in model]).double()
    theirs.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
    out = calm(model, x)
    z = double(x).clone().requires_grad_()
    want = theirs(z)
    g = torch.randn(want.shape, generator=chance).to(x.dtype)
    want.backward(g.double())
    def right(got, want): judge(got, want, want.abs().max() if want.numel() else want, 50, like=x)
    right(out, want.detach())
    right(calm(model.backward, g), z.grad)
    for ours, other in zip(model.parameters(), theirs.parameters()): right(ours.grad, other.grad)
    model(x)
    assert model.backward(g, input_grad=False) is None
    for ours, other in zip(model.parameters(), theirs.parameters()): right(ours.grad, 2*other.grad)


@given(st.data(), SIZE, FULL, FULL)
def test_a_layer_is_its_functions(data, n, i, o):
    "With any numbers, nan and inf too: to the bit, and the parameters stay as they are."
    x, g = data.draw(tensors((n, i), (n, o)))
    layer = Linear(i, o, torch.Generator().manual_seed(0), dtype=x.dtype)
    w, b = layer.weight.clone().T, layer.bias.clone()
    assert same(calm(layer, x).detach(), lin(x, w, b).detach())
    for got, want in zip((calm(layer.backward, g), layer.weight.grad.T, layer.bias.grad), lin_grad(g, x, w, b)): assert same(got.detach(), want.detach())
    assert same(layer.weight.T, w) and same(layer.bias, b)


@given(st.data(), FULL)
def test_what_is_nan_stays_nan(data, n):
    "One nan in a row of the input: nan in that row's output, in its gradient and in the loss; the other rows as without it."
    x, = data.draw(tensors((n, 4), dtypes=[torch.float32, torch.float64], extreme=[]))
    row, chance = data.draw(st.integers(0, n - 1)), torch.Generator().manual_seed(0)
    y = double(x).clone().to(x.dtype)
    y[row, data.draw(st.integers(0, 3))] = math.nan
    model, loss = Model(Linear(4, 5, chance, x.dtype), Relu(), Linear(5, 3, chance, x.dtype)), CrossEntropy()
    good, out = model(x).detach(), model(y)
    rest = torch.arange(n) != row
    assert out[row].isnan().all() and out[rest].isfinite().all()
    test_near(out[rest], good[rest])
    assert loss(out, torch.zeros(n, dtype=torch.int64)).isnan()
    assert model.backward(loss.backward())[row].isnan().all() and all(p.grad.isnan().any() for p in model.parameters())


# 09: cross-entropy

@given(st.data())
def test_log_softmax(data):
    x, = data.draw(tensors((*data.draw(st.lists(SIZE, max_size=2)), data.draw(FULL))))
    c, size = x.shape[-1], double(x).abs().amax(-1, keepdim=True)
    judge(calm(log_softmax, x), truth(lambda x: x.log_softmax(-1), x), (size + math.log(c) + 1).expand(x.shape), c, like=x)


@given(st.data(), FULL, FULL)
def test_cross_entropy(data, n, c):
    output, g = data.draw(tensors((n, c), ()))
    targ = torch.tensor(data.draw(st.lists(st.integers(0, c - 1), min_size=n, max_size=n)))
    def theirs(output): return F.cross_entropy(output, targ)
    size = double(output).abs().amax() + math.log(c) + 1
    value, loss = calm(cross_entropy, output, targ), CrossEntropy()
    judge(value, truth(theirs, output), size, n + c, like=output)
    grad = calm(cross_entropy_grad, g, output, targ)
    want = double(g)/n * (double(output).softmax(1) - F.one_hot(targ, c))      # PyTorch's own says nan for some infinite g
    judge(grad, want, (double(g).abs()/n).expand(n, c), n + c, like=output)
    if g.isfinite(): judge(want, truth(theirs, output, g=g)[0], want.abs() + 1)
    assert same(calm(loss, output, targ).detach(), value.detach()) and same(calm(loss.backward, g).detach(), grad.detach())


@given(st.data(), FULL, FULL)
def test_a_label_that_is_none(data, n, c):
    output, = data.draw(tensors((n, c)))
    targ, row = torch.zeros(n, dtype=torch.int64), data.draw(st.integers(0, n - 1))
    targ[row] = data.draw(st.sampled_from([-1, c, -100, 2**40]))            # -100: what PyTorch skips without a word
    for f in (cross_entropy, CrossEntropy(), accuracy):
        with pytest.raises(ValueError, match=f'found {targ[row]} in row {row}'): calm(f, output, targ)


# 12: convolution

@st.composite
def images(draw):
    "Shapes of g (n,o,p,q), x (n,i,h,w), w (o,i,k,k), b (o,) that fit together, and how: stride and padding."
    k, stride, padding = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    n, i, o, h, w = draw(SIZE), draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 7)), draw(st.integers(1, 7))
    assume(min(h, w) + 2*padding >= k)
    p, q = [(size + 2*padding - k)//stride + 1 for size in (h, w)]
    return [(n, o, p, q), (n, i, h, w), (o, i, k, k), (o,)], (stride, padding)


@given(st.data(), images())
def test_patches(data, form):
    "As PyTorch's unfold, which puts the channels outermost."
    (_, shape, (_, i, k, _), _), (stride, padding) = form
    x, = data.draw(tensors(shape))
    want = F.unfold(double(x), k, padding=padding, stride=stride) if len(x) else None
    got = double(calm(patches, x, k, stride, padding))
    assert got.shape == (len(got), k*k*i)
    if len(x): assert same(got.view(len(x), -1, k*k, i), want.mT.reshape(len(x), -1, i, k*k).mT)


@given(st.data(), images())
def test_conv2d(data, form):
    shapes, how = form
    g, *args = data.draw(tensors(*shapes))
    def theirs(x, w, b): return F.conv2d(x, w, b, *how)
    terms = args[1][0].numel()
    judge(calm(conv2d, *args, *how), truth(theirs, *args), truth(theirs, *[a.abs() for a in args]), terms, like=g)
    got, scales = calm(conv2d_grad, g, *args, *how), truth(theirs, *[a.abs() for a in args], g=g.abs())
    for ours, want, scale in zip(got, truth(theirs, *args, g=g), scales): judge(ours, want, scale, g.numel() + terms, like=g)


@given(st.data(), images())
def test_conv2d_layer(data, form):
    "A layer, then Flatten: its functions to the bit; the way back as PyTorch's."
    (_, shape, (o, i, k, _), _), (stride, padding) = form
    x, = data.draw(tensors(shape, dtypes=[torch.float32, torch.float64], extreme=[]))
    conv = Conv2d(i, o, k, stride, padding, torch.Generator().manual_seed(0), dtype=x.dtype)
    model = Model(conv, Flatten())
    out = calm(model, x)
    g = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(x.dtype)
    def theirs(x, w, b): return F.conv2d(x, w, b, stride, padding).flatten(1)
    scale = lambda t: t.abs().max().expand(t.shape) if t.numel() else t
    judge(out, want := truth(theirs, x, conv.weight, conv.bias), scale(want), 50, like=x)
    gx = calm(model.backward, g)
    for got, want in zip((gx, conv.weight.grad, conv.bias.grad), truth(theirs, x, conv.weight, conv.bias, g=g)): judge(got, want, scale(want), 200, like=x)


# 10: training

@given(st.data(), st.integers(1, 20), st.integers(1, 25), st.booleans())
def test_batches(data, n, bs, shuffle):
    "Every row once, with its own label, in batches of bs but for the last."
    x, = data.draw(tensors((n, 2), extreme=[]))
    y = torch.arange(n)
    got = calm(lambda x, y: list(batches(x, y, bs, shuffle, torch.Generator().manual_seed(n))), x, y)
    assert [len(yb) for _, yb in got] == [min(bs, n - i) for i in range(0, n, bs)]
    rows = torch.cat([yb for _, yb in got])
    assert rows.sort().values.equal(y) and (shuffle or rows.equal(y)) and same(torch.cat([xb for xb, _ in got]).detach(), x.detach()[rows])


@given(st.data(), st.sampled_from([0., .5, .9]), st.sampled_from([0., .1, 1e4]))
def test_sgd_is_torch_s(data, momentum, lr):
    "Parameters of any form, gradients of any size, nan too; three steps, one of them after a rest in a state_dict."
    shapes = data.draw(st.lists(st.lists(SIZE, max_size=2), min_size=1, max_size=3))
    params = [p.detach().clone() for p in data.draw(tensors(*shapes))]
    copies = [p.clone().requires_grad_() for p in params]
    ours, theirs = SGD(params, lr, momentum), torch.optim.SGD(copies, lr, momentum)
    for step in range(3):
        grads = [g.detach().clone() for g in data.draw(tensors(*shapes, dtypes=[params[0].dtype]))]
        for p, c, g in zip(params, copies, grads): p.grad, c.grad = g, g.clone()
        if step == 1:
            state, ours = ours.state_dict(), SGD(params, 1.)
            ours.load_state_dict(state)
        ours.step(), theirs.step()
        assert all(same(p.grad, g) for p, g in zip(params, grads))
        for p, c in zip(params, copies): assert same(p, c.detach()), (p, c)


@given(st.data(), FULL, FULL)
def test_accuracy(data, n, c):
    "The first of the largest, and never in a row with nan."
    output, = data.draw(tensors((n, c)))
    targ = torch.tensor(data.draw(st.lists(st.integers(0, c - 1), min_size=n, max_size=n)))
    right = [not any(map(math.isnan, row)) and row.index(max(row)) == t for row, t in zip(double(output).tolist(), targ.tolist())]
    assert calm(accuracy, output, targ).item() == sum(right) / n


@given(st.data(), st.integers(1, 20), st.integers(1, 25))
def test_evaluate_does_not_see_the_batches(data, n, bs):
    x, = data.draw(tensors((n, 3), dtypes=[torch.float32, torch.float64], extreme=[]))
    chance = torch.Generator().manual_seed(n)
    y, model, loss = torch.randint(4, (n,), generator=chance), Linear(3, 4, chance, x.dtype), CrossEntropy()
    (l, right), whole = calm(evaluate, model, loss, x, y, bs), lin(double(x), model.weight.T.double(), model.bias.double())
    test_near(l, F.cross_entropy(whole, y))
    assert right == accuracy(whole, y)


@given(st.floats(0, 1e6), st.integers(1, 300), st.sampled_from([0., .1, .3, .99]))
def test_one_cycle(lr, steps, warm):
    "Up, then down to 0, never above lr; no step beyond the last."
    rates = [one_cycle(lr, steps, warm)(step) for step in range(steps)]
    top = rates.index(max(rates))
    assert rates[:top + 1] == sorted(rates[:top + 1]) and rates[top:] == sorted(rates[top:], reverse=True) and 0 <= min(rates) and max(rates) <= lr
    assert rates[-1] <= lr / (steps * (1 - warm))**2       # half a step before the end of a cosine
    for step in (-1, steps):
        with pytest.raises(ValueError): one_cycle(lr, steps, warm)(step)


@settings(max_examples=settings().max_examples // 4)
@given(st.data(), st.integers(1, 12), st.integers(1, 14), st.integers(1, 3))
def test_fit_goes_on_where_it_stopped(data, n, bs, epochs):
    "Any number of steps, then the rest from `start`: the same parameters, to the bit, as in one run; the data as they were."
    x, = data.draw(tensors((n, 3), dtypes=[torch.float32, torch.float64], extreme=[]))
    x, y = x.detach(), torch.arange(n) % 2
    steps = epochs * math.ceil(n/bs)
    def run(stop=None, state=None, start=0):
        model = Linear(3, 2, torch.Generator().manual_seed(0), x.dtype)
        opt = SGD(model.parameters(), .1, .9)
        if state: model.load_state_dict(state[0]), opt.load_state_dict(state[1])
        def schedule(step):
            if step == stop: raise KeyboardInterrupt
            return .1 / (1 + step)
        history = {}
        try: history = calm(fit, model, CrossEntropy(), opt, (x, y), (x, y), epochs, bs, schedule, generator=torch.Generator().manual_seed(1), progress=False, start=start)
        except KeyboardInterrupt as e: history = e.history
        return model.state_dict(), opt.state_dict(), history['loss']
    whole, stop = run(), data.draw(st.integers(0, steps - 1))
    if stop == steps - 1: stop = None           # the last rate is asked for before the first step
    first = run(stop)
    if stop is None: return
    rest = run(state=first, start=stop)
    assert first[2] + rest[2] == whole[2] and all(same(a, b) for a, b in zip(whole[0].values(), rest[0].values()))


# 14: autograd

STEPS = {'add': lambda a, b: a + b, 'sub': lambda a, b: a - b, 'mul': lambda a, b: a * b, 'div': lambda a, b: a / (b*b + .5), 'pow': lambda a, b: (a*a + .5) ** b,
         'neg': lambda a, b: -a, 'exp': lambda a, b: (a / (1 + a*a)).exp(), 'log': lambda a, b: (a*a + .5).log(), 'number': lambda a, b: 2 - a / 3 + 1 / (b*b + 2)}


@given(st.data(), FULL, FULL)
def test_a_random_program(data, n, m):
    "Eight steps at random on Vars of shapes that broadcast, each result used again or not: PyTorch's gradients."
    shapes = data.draw(st.lists(st.sampled_from([(), (m,), (1, m), (n, 1), (n, m)]), min_size=1, max_size=3))
    leaves = data.draw(tensors(*shapes, dtypes=[torch.float64], extreme=[]))
    program = data.draw(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=8))
    def run(values):
        for name, a, b in program: values = [*values, STEPS[name](values[a % len(values)], values[b % len(values)])]
        return values[-1].sum(), values
    ours, theirs = [Var(t) for t in leaves], [t.detach().clone().requires_grad_() for t in leaves]
    (out, _), (want, values) = calm(lambda *_: run(ours), *leaves), run(theirs)
    grads = torch.autograd.grad(want, theirs, materialize_grads=True)
    largest = max(t.detach().abs().max().item() for t in (*values, *grads))
    assume(largest < 1e6)
    calm(lambda *_: out.backward(), *leaves)
    for v, t in zip([out.data, *[v.grad for v in ours]], [want.detach(), *grads]):
        torch.testing.assert_close(torch.zeros_like(t) if v is None else v, t, rtol=1e-9, atol=1e-9 * (1 + largest))


@given(st.data(), st.sampled_from(['add', 'sub', 'mul', 'truediv', 'neg', 'exp', 'log', 'pow']))
def test_an_operator_of_any_numbers(data, name):
    "nan, inf, 0 and tiny ones too: what is true in float64, or else, where the dtype's range is left on the way, what PyTorch says in it."
    shape = data.draw(st.lists(SIZE, max_size=2))
    a, b, g = data.draw(tensors(shape, shape, shape))
    args = (a, b) if hasattr(operator, name) and name != 'neg' else (a,)
    f = getattr(operator, name, None) or (lambda x: getattr(x, name)())
    ours = [Var(t) for t in args]
    out = f(*ours)
    calm(out.backward, g)
    theirs = [t.detach().clone().requires_grad_() for t in args]
    want, limits = f(*theirs), torch.finfo(a.dtype)
    want = [want, *torch.autograd.grad(want, theirs, g.detach())]
    for got, t, true in zip([out.data, *[v.grad for v in ours]], want, [truth(f, *args), *truth(f, *args, g=g)]):
        near = [(got == w) | (got.isnan() & w.isnan()) | ((got.double() - w.double()).abs() <= 8*limits.eps * w.double().abs() + limits.tiny) for w in (t, true)]
        wrong = ~(near[0] | near[1])
        assert got.dtype == t.dtype and not wrong.any(), (got[wrong], t[wrong], true[wrong])
    if a.numel(): assert len({t.untyped_storage().data_ptr() for t in (g, *[v.grad for v in ours])}) == 1 + len(ours), 'gradients share memory'


@given(st.data(), SIZE, SIZE, SIZE, st.lists(FULL, max_size=2))
def test_products_of_any_axes(data, n, k, m, more):
    "Vectors, matrices and stacks of them, on either side of @."
    left, right = data.draw(st.sampled_from([(k,), (n, k), (*more, n, k), (1, n, k)])), data.draw(st.sampled_from([(k,), (k, m), (*more, k, m), (1, k, m)]))
    a, b = data.draw(tensors(left, right, dtypes=[torch.float64], extreme=[]))
    ours, theirs = [Var(a), Var(b)], [a.detach().clone().requires_grad_(), b.detach().clone().requires_grad_()]
    out, want = ours[0] @ ours[1], theirs[0] @ theirs[1]
    g = numbers(*want.shape).double()
    calm(out.backward, g)
    grads = torch.autograd.grad(want, theirs, g)
    for v, t in zip(ours, grads): test_near(v.grad, t, 1e-9)


@given(st.data())
def test_views_and_sums(data):
    "reshape, T, sums and means over an axis, rows by number, slice, mask and list: the places that were used get the gradient."
    n, m = data.draw(SIZE), data.draw(FULL)
    x, = data.draw(tensors((n, m), dtypes=[torch.float64, torch.float32], extreme=[]))
    at = data.draw(st.sampled_from([slice(None), slice(1, None, 2), torch.arange(n) % 2 == 0, [0, 0, n - 1] if n else [], (slice(None), 0), (None, ...)]))
    axis, keepdim = data.draw(st.sampled_from([0, 1, -1, (0, 1)])), data.draw(st.booleans())
    def all_of_it(x): return (x.T.reshape(n*m) * 2).sum() + (x[at] * x[at]).sum() + (x.mean(axis, keepdim) * 3).sum() + (x * x.sum(1, keepdim=True)).sum() + (x - x.sum(0)).sum()
    assume(n > 0)
    ours, theirs = Var(x), x.detach().clone().requires_grad_()
    all_of_it(ours).backward()
    test_near(ours.grad, torch.autograd.grad(all_of_it(theirs), theirs)[0], 1e-5)


# one thread or several

def numbers(*shape): return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


WORK = {
    'lin': lambda: [lin(numbers(512, 784), numbers(784, 300), numbers(300))], 'lin_grad': lambda: lin_grad(numbers(512, 300), numbers(512, 784), numbers(784, 300), numbers(300)),
    'mse': lambda: [mse(numbers(200_000), numbers(200_000)[torch.arange(199_999, -1, -1)])], 'cross_entropy': lambda: [cross_entropy(numbers(50_000, 10), torch.arange(50_000) % 10)],
    'cross_entropy_grad': lambda: [cross_entropy_grad(1., numbers(50_000, 10), torch.arange(50_000) % 10)], 'log_softmax': lambda: [log_softmax(numbers(50_000, 10))],
    'conv2d': lambda: [conv2d(numbers(64, 3, 28, 28), numbers(16, 3, 5, 5), numbers(16))], 'conv2d_grad': lambda: conv2d_grad(numbers(64, 16, 24, 24), numbers(64, 3, 28, 28), numbers(16, 3, 5, 5), numbers(16)),
    'stats': lambda: list(stats(numbers(2000, 1000))), 'accuracy': lambda: [accuracy(numbers(50_000, 10), torch.arange(50_000) % 10)],
    'Var': lambda: [(v := Var(numbers(300, 784))), (v @ numbers(784, 300) / 100).exp().mean().backward(), v.grad][2:],
}


@pytest.mark.parametrize('name', WORK)
def test_threads_do_not_matter(name):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = WORK[name]()
        torch.set_num_threads(3)
        for a, b in zip(one, WORK[name](), strict=True): test_near(a, b, 1e-6)
    finally: torch.set_num_threads(before)
