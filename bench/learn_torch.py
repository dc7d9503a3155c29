#!/usr/bin/env python3
"""The programs of ../shared/design/programs in PyTorch (eager), for learn.py: one in this process alone, from reading its data to
its last step. Prints one JSON object with the figures that learn.py compares: ROW DATA [--threads N] [--seed S]."""
import argparse
import collections
import gzip
import json
import pathlib
import re
import unicodedata

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def table(path):
    return torch.from_numpy(np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32))


def batches(rows, size, shuffle=True):
    order = torch.randperm(rows) if shuffle else torch.arange(rows)
    return order.split(size)


def train(model, optimizer, rows, batch, epochs, loss_of, after=None):
    """Gives the mean loss of the last epoch; `loss_of(rows)` may give a pair with a share that is also averaged."""
    for _ in range(epochs):
        model.train()
        sums = np.zeros(2)
        for index in batches(rows, batch):
            optimizer.zero_grad(set_to_none=True)
            found = loss_of(index)
            loss, share = found if isinstance(found, tuple) else (found, torch.tensor(0.0))
            loss.backward()
            if after:
                after()
            optimizer.step()
            sums += len(index) * np.array([loss.item(), share.item()])
        means = sums / rows
    return means


@torch.no_grad()
def mean_over(model, rows, batch, value_of):
    model.eval()
    return sum(value_of(index).item() * len(index) for index in batches(rows, batch, False)) / rows


def linear(data):
    rows = table(data / "made/points.csv")
    x, y = rows[:, :10], rows[:, 10:]
    model = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 1))
    loss = train(model, torch.optim.SGD(model.parameters(), 0.05), len(x), 32, 20, lambda i: F.mse_loss(model(x[i]), y[i]))
    return {"loss": loss[0]}


def idx(path):
    raw = gzip.open(path).read()
    axes = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape).copy())


def mnist(data):
    x, label, tx, tlabel = (idx(data / f"mnist/{name}-ubyte.gz") for name in (
        "train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"))
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    scores = lambda images: model(images.float() / 255)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(5):  # validated after each epoch, as the program does
        train(model, optimizer, len(x), 64, 1, lambda i: F.cross_entropy(scores(x[i]), label[i].long()))
        accuracy = mean_over(model, len(tx), 64, lambda i: (scores(tx[i]).argmax(1) == tlabel[i]).float().mean())
    return {"val.accuracy": accuracy}


def cifar(paths):
    raw = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in paths])
    return torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(raw[:, 0].astype(np.int64))


def cnn(data):
    x, label = cifar(sorted((data / "cifar10").glob("data_batch_*.bin")))
    tx, tlabel = cifar([data / "cifar10/test_batch.bin"])
    model = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Linear(128, 10))

    def scores(images):
        images = (images.float() / 255 - 0.47) / 0.25
        if model.training:
            images = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)
        return model(images)

    optimizer = torch.optim.Adam(model.parameters(), 1e-3, weight_decay=1e-4)
    for _ in range(10):
        train(model, optimizer, len(x), 64, 1, lambda i: F.cross_entropy(scores(x[i]), label[i]))
        accuracy = mean_over(model, len(tx), 64, lambda i: (scores(tx[i]).argmax(1) == tlabel[i]).float().mean())
    return {"val.accuracy": accuracy}


def recommender(data):
    rows = np.loadtxt(data / "anime/ratings.csv", delimiter=",", skiprows=1, dtype=np.float32)
    user, item = (torch.from_numpy(np.unique(rows[:, i], return_inverse=True)[1]) for i in (0, 1))
    rating = torch.from_numpy(rows[:, 2])
    order = torch.randperm(len(rows))
    first = round(0.9 * len(rows))
    kept, rest = order[:first], order[first:]
    users, items, fc = nn.Embedding(int(user.max()) + 1, 64), nn.Embedding(int(item.max()) + 1, 64), nn.Linear(128, 1)
    model = nn.ModuleList([users, items, fc])
    guess = lambda i: fc(torch.cat([users(user[i]), items(item[i])], 1)).squeeze(1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, weight_decay=1e-5)
    for _ in range(5):
        train(model, optimizer, len(kept), 256, 1, lambda i: F.mse_loss(guess(kept[i]), rating[kept[i]]))
        loss = mean_over(model, len(rest), 256, lambda i: F.mse_loss(guess(rest[i]), rating[rest[i]]))
    return {"val.loss": loss}


def rnn(data):
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;'"
    rows, languages = [], []
    for number, path in enumerate(sorted((data / "names/by-nationality").glob("*.txt"))):
        for line in path.read_text().splitlines():
            plain = "".join(c for c in unicodedata.normalize("NFD", line.strip()) if c in letters)
            rows.append(([0] * 20 + [letters.index(c) + 1 for c in plain])[-20:])
            languages.append(number)
    x, label = torch.tensor(rows), torch.tensor(languages)
    model = nn.ModuleList([nn.Linear(58 + 128, 128), nn.Linear(58 + 128, 18)])

    def loss_of(i):
        h = torch.zeros(len(i), 128)
        for letter in F.one_hot(x[i], 58).float().unbind(1):
            both = torch.cat([letter, h], 1)
            scores, h = model[1](both), model[0](both)
        return F.cross_entropy(scores, label[i]), (scores.argmax(1) == label[i]).float().mean()

    clip = lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    loss, accuracy = train(model, torch.optim.SGD(model.parameters(), 0.05), len(x), 64, 10, loss_of, clip)
    return {"loss": loss, "accuracy": accuracy}


class Block(nn.Module):
    def __init__(self, d, heads, rate):
        super().__init__()
        self.heads, self.rate = heads, rate
        self.ln1, self.ln2, self.qkv, self.proj = nn.LayerNorm(d), nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.permute(0, 2, 1, 3).reshape(n, t, d))
        return x + self.down(F.dropout(F.gelu(self.up(self.ln2(x)), approximate="tanh"), self.rate, self.training))


class Gpt(nn.Module):
    def __init__(self, vocab, context, rate, d=128):
        super().__init__()
        self.token, self.position = nn.Embedding(vocab, d), nn.Parameter(torch.randn(context, d) * 0.02)
        self.blocks = nn.Sequential(*[Block(d, 4, rate) for _ in range(4)])
        self.ln, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)

    def forward(self, tokens):
        return self.head(self.ln(self.blocks(self.token(tokens) + self.position[: tokens.shape[1]])))


def transformer(data, rate=0.1, validate=20_000):
    """As the program stands, with dropout; the figure of measure.md is of rate 0 (row `transformer-plain`)."""
    text = (data / "tinyshakespeare/input.txt").read_text()
    symbols = sorted(set(text))
    codes = torch.tensor([symbols.index(c) for c in text])
    windows = codes.unfold(0, 65, 1)
    first = round(0.9 * len(windows))
    model = Gpt(len(symbols), 64, rate)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: s / 100 if s < 100 else 0.5 * (1 + np.cos(np.pi * (s - 100) / 1900)))
    loss_of = lambda rows: F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
    losses = []
    for index in torch.randperm(first)[: 2000 * 12].split(12):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(windows[index])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    rest = windows[first:]
    found = {"loss": np.mean(losses[-200:])}
    if validate:
        rest = rest[:: max(1, len(rest) // validate)]
        found["val.loss"] = mean_over(model, len(rest), 256, lambda i: loss_of(rest[i]))
    return found


def words_of(sentence):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]", unicodedata.normalize("NFC", sentence.lower()))


def seq2seq(data):
    pairs = [line.split("\t")[:2] for line in (data / "eng-fra/eng-fra-30k.tsv").read_text().splitlines()]
    sides, sizes = [], (12, 14)
    for side, size in enumerate(sizes):
        sentences = [words_of(pair[side]) for pair in pairs]
        counts = collections.Counter(word for words in sentences for word in words)
        known = sorted(counts, key=lambda word: (-counts[word], word.encode()))[: 4000 - 4]
        number = {word: i + 4 for i, word in enumerate(known)}  # 0 nothing, 1 start, 2 end, 3 unknown
        rows = [([1] if side else []) + [number.get(word, 3) for word in words] + [2] for words in sentences]
        sides.append(torch.tensor([(row + [0] * size)[:size] for row in rows]))
    src, dst = sides
    order = torch.randperm(len(src))
    first = round(0.95 * len(src))
    kept, rest = order[:first], order[first:]
    read, word = nn.Embedding(4000, 128), nn.Embedding(4000, 128)
    encoder, decoder, out = nn.LSTM(128, 128, batch_first=True), nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 4000)
    model = nn.ModuleList([read, word, encoder, decoder, out])

    def loss_of(i):
        _, state = encoder(read(src[i]))
        hidden, _ = decoder(word(dst[i, :-1]), state)
        return F.cross_entropy(out(hidden).flatten(0, 1), dst[i, 1:].flatten(), ignore_index=0)

    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    clip = lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for _ in range(10):
        train(model, optimizer, len(kept), 64, 1, lambda i: loss_of(kept[i]), clip)
        loss = mean_over(model, len(rest), 64, lambda i: loss_of(rest[i]))
    return {"val.loss": loss}


class BayesLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.mean = nn.Parameter(torch.randn(inputs, outputs) * 0.3)
        self.rho = nn.Parameter(torch.full((inputs, outputs), -3.0))

    def forward(self, x):
        return x @ (self.mean + F.softplus(self.rho) * torch.randn_like(self.mean))

    def kl(self):
        s = F.softplus(self.rho)
        return (0.5 * (s**2 + self.mean**2 - 1) - s.log()).sum()


def bayes(data):
    rows = table(data / "made/wave.csv")
    x, y = rows[:, :1], rows[:, 1:]
    a, b = BayesLinear(1, 16), BayesLinear(16, 1)
    model = nn.ModuleList([a, b])
    guess = lambda x: b(torch.tanh(a(x)))
    train(model, torch.optim.Adam(model.parameters(), 1e-2), len(x), 32, 200,
          lambda i: F.mse_loss(guess(x[i]), y[i]) + 1e-3 * (a.kl() + b.kl()))
    with torch.no_grad():
        deviation = torch.stack([guess(torch.linspace(-2, 2, 100)[:, None]) for _ in range(50)]).std(0)[:, 0]
        return {"mse": F.mse_loss(guess(x), y).item(), "inside": deviation[25:75].mean().item(),
                "beyond": torch.cat([deviation[:13], deviation[87:]]).mean().item()}


ROWS = {"linear": linear, "mnist": mnist, "fashion": mnist, "cnn": cnn, "recommender": recommender, "rnn": rnn,
        "transformer": transformer, "transformer-plain": lambda data: transformer(data, rate=0.0), "seq2seq": seq2seq,
        "bayes": bayes}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=sorted(ROWS))
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    print(json.dumps({key: float(value) for key, value in ROWS[arguments.row](arguments.data).items()}))


if __name__ == "__main__":
    main()
