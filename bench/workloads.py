"""The workloads of the benchmark, as the peers and the table see them; bench/Workloads.h is the same list for dlc.

A row is a network that the peers know by its name, with its sizes, the data that it is given, and how it is trained."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Noise:
    """What a network is given, made of random numbers: floats around 0, integers from 0 to below `limit`."""

    name: str
    dtype: str
    shape: tuple  # of a whole batch
    limit: int = 0


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    network: str
    sizes: dict  # of the network
    data: tuple  # what the network takes, in this order; then, where something is trained, the target
    flops: float  # the arithmetic that the mathematics of a step needs, in its products
    parameters: int = 0
    optimizer: str = ""  # sgd, adam or adamw; without one a step is a call of the network
    settings: dict = dataclasses.field(default_factory=dict)  # of the optimizer, by PyTorch's names

    @property
    def state_bytes(self):
        """Parameters and optimizer state, in f32."""
        return 4 * self.parameters * (1 if self.optimizer == "sgd" else 3)


def product(m, k, n):
    """Floating-point operations of a product [m, k] x [k, n]."""
    return 2 * m * k * n


def trained(forward):
    """Of a layer's products in a step: forward, gradient of the weights, gradient of the data."""
    return 3 * forward


def trained_first(forward):
    """The same where the data are given and need no gradient."""
    return 2 * forward


def linear(i, o):
    """Parameters of a layer with its bias."""
    return i * o + o


def perceptron(name, n, widths, optimizer, settings):
    """relu between the layers. Targets of one number are for regression, else there are labels."""
    layers = list(zip(widths, widths[1:]))
    forward = [product(n, i, o) for i, o in layers]
    y = Noise("y", "float32", (n, 1)) if widths[-1] == 1 else Noise("y", "int64", (n,), widths[-1])
    return Row(
        name, "perceptron", {"widths": widths}, (Noise("x", "float32", (n, widths[0])), y),
        trained_first(forward[0]) + trained(sum(forward[1:])), sum(linear(i, o) for i, o in layers), optimizer, settings)


def rnn(name, n, t):
    """Surnames letter by letter. Only the last scores count, so the last state and the scores before need no arithmetic;
    nor does the first state, which is zero."""
    i, h, o = 57, 128, 18
    of_letters = product((t - 1) * n, i, h) + product(n, i, o)
    of_states = product((t - 2) * n, h, h) + product(n, h, o)
    return Row(
        name, "rnn", {"inputs": i, "hidden": h, "outputs": o},
        (Noise("x", "float32", (n, t, i)), Noise("y", "int64", (n,), o)),
        trained_first(of_letters) + trained(of_states), linear(i + h, h) + linear(i + h, o), "sgd", {"lr": 0.05})


def lstm():
    """Text, a character at a time. The first state is zero: a product less."""
    n, t, d, vocab = 32, 64, 256, 65
    forward = product(t * n, d, 4 * d) + product((t - 1) * n, d, 4 * d) + product(t * n, d, vocab)
    return Row(
        "lstm", "lstm", {"vocab": vocab, "d": d},
        (Noise("x", "int32", (n, t), vocab), Noise("y", "int32", (n, t), vocab)),
        trained(forward), vocab * d + 2 * linear(d, 4 * d) + linear(d, vocab), "adam", {"lr": 1e-3})


def recommender():
    """Two tables of which a step looks at few rows, and changes all."""
    n, users, items, hidden = 256, 5000, 2000, 64
    return Row(
        "recommender", "recommender", {"users": users, "items": items, "hidden": hidden},
        (Noise("user", "int32", (n,), users), Noise("item", "int32", (n,), items), Noise("y", "float32", (n,))),
        trained(product(n, 2 * hidden, 1)), (users + items) * hidden + linear(2 * hidden, 1), "adam", {"lr": 1e-3})


def gpt():
    """The transformer without dropout, whose random numbers each peer makes in another way. Attention needs the products
    below the diagonal and on it."""
    n, t, d, heads, depth, vocab = 12, 64, 128, 4, 4, 65
    attention = 2 * product(n * heads * t * (t + 1) // 2, d // heads, 1)
    block = product(n * t, d, 3 * d) + attention + product(n * t, d, d) + 2 * product(n * t, d, 4 * d)
    of_block = 2 * 2 * d + linear(d, 3 * d) + linear(d, d) + linear(d, 4 * d) + linear(4 * d, d)
    return Row(
        "gpt", "gpt", {"vocab": vocab, "context": t, "d": d, "heads": heads, "depth": depth},
        (Noise("x", "int32", (n, t), vocab), Noise("y", "int32", (n, t), vocab)),
        trained(depth * block + product(n * t, d, vocab)), (vocab + t) * d + depth * of_block + 2 * d + d * vocab,
        "adamw", {"lr": 1e-3, "weight_decay": 0.1})


def convolutional(name, n, size, channels, layers, optimizer, settings):
    """Layers on pictures of `size` x `size`: ("conv", outputs, kernel, stride, padding) with relu behind it, ("pool", kernel,
    stride), ("linear", outputs) with relu behind all but the last."""
    forward, parameters, side, width = [], 0, size, channels
    flat = None
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, stride, padding = numbers
            side = (side + 2 * padding - kernel) // stride + 1
            forward.append(product(n * side * side, width * kernel * kernel, outputs))
            parameters += linear(width * kernel * kernel, outputs)
            width = outputs
        elif kind == "pool":
            kernel, stride = numbers
            side = (side - kernel) // stride + 1
        else:
            flat = flat or width * side * side
            forward.append(product(n, flat, numbers[0]))
            parameters += linear(flat, numbers[0])
            flat = numbers[0]
    return Row(
        name, "convolutional", {"size": size, "channels": channels, "layers": layers},
        (Noise("x", "float32", (n, channels, size, size)), Noise("y", "int64", (n,), layers[-1][1])),
        trained_first(forward[0]) + trained(sum(forward[1:])), parameters, optimizer, settings)


LENET5 = (("conv", 6, 5, 1, 0), ("pool", 2, 2), ("conv", 16, 5, 1, 0), ("pool", 2, 2), ("linear", 120), ("linear", 84),
          ("linear", 10))
CNN = (("conv", 32, 3, 1, 1), ("pool", 2, 2), ("conv", 64, 3, 1, 1), ("pool", 2, 2), ("linear", 128), ("linear", 10))
ALEXNET = (("conv", 64, 11, 4, 2), ("pool", 3, 2), ("conv", 192, 5, 1, 2), ("pool", 3, 2), ("conv", 384, 3, 1, 1),
           ("conv", 256, 3, 1, 1), ("conv", 256, 3, 1, 1), ("pool", 3, 2), ("linear", 4096), ("linear", 4096),
           ("linear", 1000))


def matmul(kind, m, n, k):
    """A product of matrices, which trains nothing."""
    name = f"{kind}_{m}" if m == n == k else f"{kind}_{m}x{n}x{k}"
    return Row(name, "product", {}, (Noise("a", "float32", (m, k)), Noise("b", "float32", (k, n))), product(m, k, n))


def gradient(m, n, k):
    """The product of a weight's gradient: both operands have the axis of the sum, of length k, in front."""
    return Row(f"gradient_{m}x{n}x{k}", "gradient", {}, (Noise("a", "float32", (k, m)), Noise("b", "float32", (k, n))),
               product(m, k, n))


ROWS = [
    perceptron("linear", 32, (10, 50, 1), "sgd", {"lr": 0.05}),
    perceptron("mlp_small", 64, (784, 128, 10), "adam", {"lr": 1e-3}),
    perceptron("mlp", 128, (784, 512, 256, 10), "adam", {"lr": 1e-3}),
    convolutional("lenet5", 128, 28, 1, LENET5, "adam", {"lr": 1e-3}),
    convolutional("cnn", 64, 32, 3, CNN, "adam", {"lr": 1e-3}),
    convolutional("alexnet", 16, 224, 3, ALEXNET, "sgd", {"lr": 0.01}),
    rnn("rnn_b1", 1, 10),
    rnn("rnn_b64", 64, 16),
    lstm(),
    recommender(),
    gpt(),
    matmul("square", 512, 512, 512),
    matmul("square", 1024, 1024, 1024),
    matmul("ragged", 128, 512, 784),
    matmul("ragged", 768, 384, 128),
    matmul("ragged", 64, 10, 128),
    matmul("ragged", 100, 300, 77),
    gradient(1024, 256, 2048),
    gradient(128, 185, 1024),
]


def select(names):
    """The rows of these names; what is no row's name is that of a kind (`square`, `ragged`, `rnn`). All without names.
    Raises ValueError for an unknown name."""
    known = {row.name for row in ROWS}

    def is_meant(row, name):
        return name == (row.name if name in known else row.name.split("_")[0])

    for name in names:
        if not any(is_meant(row, name) for row in ROWS):
            raise ValueError(f"unknown row {name}; there are {', '.join(row.name for row in ROWS)}")
    return [row for row in ROWS if not names or any(is_meant(row, name) for name in names)]


def random_data(row):
    """The data of a row, as NumPy arrays."""
    import numpy

    draw = numpy.random.default_rng(1)

    def make(noise):
        if noise.limit:
            return draw.integers(0, noise.limit, noise.shape, dtype=noise.dtype)
        return draw.standard_normal(noise.shape, dtype=noise.dtype)

    return [make(noise) for noise in row.data]
