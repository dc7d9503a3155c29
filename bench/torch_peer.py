"""The workloads in PyTorch, eager or compiled, with its fused optimizers. Initial values are PyTorch's own; the library of
dlc has the same."""
import torch
from torch import nn
from torch.nn import functional

from workloads import random_data


def perceptron(widths):
    layers = []
    for i, o in zip(widths, widths[1:]):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Rnn(nn.Module):
    """Only the last scores are computed, and the letters' part of all states at once: faster than a product of
    `concat([x, h])` in each step."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.inputs = inputs
        self.i2h = nn.Linear(inputs + hidden, hidden)
        self.i2o = nn.Linear(inputs + hidden, outputs)

    def forward(self, x):
        of_letter, of_state = self.i2h.weight.split([self.inputs, self.i2h.out_features], dim=1)
        first, *rest = functional.linear(x[:, :-1].transpose(0, 1), of_letter, self.i2h.bias).unbind(0)
        h = first
        for letter in rest:
            h = torch.addmm(letter, h, of_state.t())
        return self.i2o(torch.cat([x[:, -1], h], dim=1))


class Lstm(nn.Module):
    def __init__(self, vocab, d):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.lstm = nn.LSTM(d, d, batch_first=True)
        self.out = nn.Linear(d, vocab)

    def forward(self, x):
        return self.out(self.lstm(self.embed(x))[0])


class Recommender(nn.Module):
    def __init__(self, users, items, hidden):
        super().__init__()
        self.user_embedding = nn.Embedding(users, hidden)
        self.item_embedding = nn.Embedding(items, hidden)
        self.fc = nn.Linear(2 * hidden, 1)

    def forward(self, user, item):
        return self.fc(torch.cat([self.user_embedding(user), self.item_embedding(item)], dim=1)).squeeze(1)


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = x + self.proj(mixed.transpose(1, 2).reshape(n, t, d))
        return y + self.down(functional.gelu(self.up(self.ln2(y)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, vocab, context, d, heads, depth):
        super().__init__()
        self.token = nn.Embedding(vocab, d)
        self.position = nn.Parameter(0.02 * torch.randn(context, d))
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(depth)])
        self.ln = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab, bias=False)

    def forward(self, x):
        return self.head(self.ln(self.blocks(self.token(x) + self.position[: x.shape[1]])))


def convolutional(size, channels, layers):
    modules, side, flat = [], size, None
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, stride, padding = numbers
            modules += [nn.Conv2d(channels, outputs, kernel, stride, padding), nn.ReLU()]
            side, channels = (side + 2 * padding - kernel) // stride + 1, outputs
        elif kind == "pool":
            kernel, stride = numbers
            modules.append(nn.MaxPool2d(kernel, stride))
            side = (side - kernel) // stride + 1
        else:
            if flat is None:
                flat = channels * side * side
                modules.append(nn.Flatten())
            modules += [nn.Linear(flat, numbers[0]), nn.ReLU()]
            flat = numbers[0]
    return nn.Sequential(*modules[:-1])


NETWORKS = {
    "perceptron": perceptron,
    "convolutional": convolutional,
    "rnn": Rnn,
    "lstm": Lstm,
    "recommender": Recommender,
    "gpt": Gpt,
    "product": lambda: torch.matmul,
    "gradient": lambda: lambda a, b: a.T @ b,
}
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def loss_of(scores, y):
    if y.is_floating_point():
        return functional.mse_loss(scores, y)
    return functional.cross_entropy(scores.flatten(0, -2), y.flatten())


class Torch:
    """`step` and `infer` do one; `wait` for what they gave."""

    def __init__(self, row, threads, compiled, channels_last=False):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        compile = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
        network = NETWORKS[row.network](**row.sizes)
        # Labels must be int64 here.
        data = [torch.from_numpy(array) for array in random_data(row)]
        data = [tensor if tensor.is_floating_point() else tensor.long() for tensor in data]
        if channels_last:
            network = network.to(memory_format=torch.channels_last)
            data = [tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor for tensor in data]
        inputs = data[:-1] if row.optimizer else data
        forward = compile(lambda *inputs: network(*inputs))
        self.step = self.infer = torch.inference_mode()(lambda: forward(*inputs))
        if not row.optimizer:
            return
        y = data[-1]
        optimizer = OPTIMIZERS[row.optimizer](network.parameters(), fused=True, **row.settings)

        def step():
            optimizer.zero_grad(set_to_none=True)
            value = loss_of(network(*inputs), y)
            value.backward()
            optimizer.step()
            return value

        # The whole step at once. PyTorch leaves nn.LSTM as it is, which is faster than its steps unrolled and compiled.
        self.step = compile(step)

    def wait(self, result):
        """Calls of PyTorch on the CPU end when their result is there."""
