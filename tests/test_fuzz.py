"""20,000 broken files: read_idx gives the right tensor or the right error, and no file makes it take more memory than an honest one."""
import gzip, math, random, struct, tracemalloc, zlib
import numpy as np, pytest, torch
from foundations.data import read_idx

KINDS = {0x08: 'u1', 0x09: 'i1', 0x0b: 'i2', 0x0c: 'i4', 0x0d: 'f4', 0x0e: 'f8'}
FILES, MB = 20_000, 2**20


def idx(kind, shape, data=None, chance=random):
    "The bytes of an IDX file; without `data` at random."
    data = chance.randbytes(math.prod(shape) * int(KINDS[kind][1])) if data is None else data
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f'>{len(shape)}I', *shape) + data


def honest(chance):
    "A small whole file, of any type, with 1 to 4 axes."
    return idx(chance.choice(list(KINDS)), [chance.randint(1, 5) for _ in range(chance.randint(1, 4))], chance=chance)


def flip(raw, chance): raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
def overwrite(raw, chance): raw[chance.randrange(len(raw))] = chance.choice([0, 1, 8, 0x1f, 0x8b, 0xff])
def head(raw, chance): raw[chance.randrange(min(12, len(raw)))] = chance.choice([*range(16), 255])
def cut(raw, chance): del raw[chance.randrange(len(raw)):]
def grow(raw, chance): raw += chance.choice([b"\0", b"!", bytes(9), bytes(raw), chance.randbytes(chance.randint(1, 40))])
def drop(raw, chance): del raw[chance.randrange(len(raw))]
def insert(raw, chance): raw.insert(chance.randrange(len(raw)), chance.randrange(256))
def lie(raw, chance): raw[4:8] = struct.pack('>I', chance.choice([0, 1, 2, 3, 6, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32 - 1]))
def lie_more(raw, chance): raw[3:12] = bytes([chance.choice([2, 3, 255])]) + b'\xff'*8
def trailer(raw, chance): raw[-chance.randint(1, min(8, len(raw)))] ^= 1 << chance.randrange(8)


DAMAGE = [flip, overwrite, head, cut, grow, drop, insert, lie, lie_more, trailer]


def broken(chance):
    "A file with one to three faults, planted before it is packed, or after, or not packed at all."
    raw, packed = bytearray(honest(chance)), chance.random() < .5
    before = chance.randint(0, 2) if packed else chance.randint(1, 3)
    for _ in range(before): raw and chance.choice(DAMAGE)(raw, chance)
    if packed:
        raw = bytearray(gzip.compress(raw, chance.choice([0, 1, 9])))
        for _ in range(chance.randint(not before, 1)): chance.choice(DAMAGE)(raw, chance)
    return bytes(raw)


def expected(content):
    "What the format's description says of these bytes: an array, or None where they are no whole file. Written apart from the library."
    if content[:2] == b'\x1f\x8b':
        try: content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error): return None
    if len(content) < 4 or content[:2] != b'\0\0' or content[2] not in KINDS or not content[3] or len(content) < 4 + 4*content[3]: return None
    shape = np.frombuffer(content, '>u4', content[3], 4).tolist()
    data = content[4 + 4*content[3]:]
    if not math.prod(shape) or len(data) != math.prod(shape) * int(KINDS[content[2]][1]): return None
    return np.frombuffer(data, '>' + KINDS[content[2]]).astype(KINDS[content[2]])      # flat: numpy stops at 64 axes, torch does not


def outcome(path):
    "What read_idx gives; None for the error it documents, which names the file. Every other error goes through."
    try: return read_idx(path)
    except ValueError as e:
        assert str(e).startswith(f'{path}: '), e
        return None


def test_broken_files(tmp_path):
    chance, path, read = random.Random(0), tmp_path/'broken', 0
    for i in range(FILES):
        content = broken(chance)
        path.write_bytes(content)
        want, got = expected(content), outcome(path)
        assert (want is None) == (got is None), (i, content)
        if got is None: continue
        read += 1
        assert got.dtype == torch.from_numpy(want).dtype and got.is_contiguous() and got.numpy().tobytes() == want.tobytes(), (i, content)
    assert FILES/20 < read < FILES/2       # some damage makes another whole file: both sides of the line are tried


def peak(path):
    "The most memory that Python held while read_idx read `path`, and what it gave."
    tracemalloc.start()
    try: return outcome(path), tracemalloc.get_traced_memory()[1]
    finally: tracemalloc.stop()


@pytest.fixture(scope='module')
def bomb():
    "200 MB of zeros in 200 kB."
    packer = zlib.compressobj(9, wbits=-15)
    return b''.join(packer.compress(bytes(MB)) for _ in range(200)) + packer.flush(zlib.Z_SYNC_FLUSH)


HEADS = {'no IDX file': b'\1\0\x08\1', 'an unknown type': b'\0\0\x0a\1' + b'\0\0\0\1', 'no axes': b'\0\0\x08\0', 'an empty axis': idx(8, [0, 28, 28]),
         'one image': idx(8, [1, 28, 28], b''), '255 axes of 1': idx(8, [1]*255, b''), 'a megabyte': idx(0x0e, [2**17], b'')}


@pytest.mark.parametrize('head', HEADS)
def test_a_bomb_is_stopped(tmp_path, bomb, head):
    "A small honest size, and then zeros without an end: reading stops where the header's size does."
    start = zlib.compressobj(9, wbits=31)
    content = start.compress(HEADS[head]) + start.flush(zlib.Z_SYNC_FLUSH) + bomb
    (tmp_path/'bomb').write_bytes(content)
    got, most = peak(tmp_path/'bomb')
    assert got is None and most < 4*MB


@pytest.mark.parametrize('shape', [[2**32 - 1]*3, [2**32 - 1], [2**31, 2**31], [10**9]])
@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_a_promise_takes_no_memory(tmp_path, shape, pack):
    "Sizes up to 2**96 bytes in a file of 100: nothing is set aside for what is not there."
    (tmp_path/'lie').write_bytes(pack(idx(0x0e, shape, bytes(100))))
    got, most = peak(tmp_path/'lie')
    assert got is None and most < 4*MB


def test_a_large_plain_file_of_a_small_size(tmp_path):
    "A header of one image, and a gigabyte behind it, which the file system need not store."
    with (tmp_path/'large').open('wb') as f:
        f.write(idx(8, [1, 28, 28]))
        f.truncate(2**30)
    got, most = peak(tmp_path/'large')
    assert got is None and most < 4*MB


@pytest.mark.parametrize('pack', [bytes, lambda raw: gzip.compress(raw, 1)])
def test_honest_memory(tmp_path, pack):
    "Python holds the file once; numbers of several bytes are turned around in a second copy, torch's, and the first is let go."
    want = np.arange(4*MB, dtype='>f8')
    (tmp_path/'honest').write_bytes(pack(idx(0x0e, [4*MB], want.tobytes())))
    got, most = peak(tmp_path/'honest')
    assert np.array_equal(got.numpy(), want) and most < 1.3 * want.nbytes
