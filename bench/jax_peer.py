"""The workloads in JAX: a step is one jitted function, parameters and optimizer state donated. Weights are [in, out];
initial values are distributed as PyTorch's are.

A network is a function that takes initial values from `draw` and gives the parameters and `forward(params, *inputs)`."""
import math

import jax
import jax.numpy as jnp
from jax import lax

from workloads import random_data


class Draw:
    """Initial values, from a key of their own each."""

    def __init__(self, seed):
        self.key = jax.random.key(seed)

    def next(self):
        self.key, key = jax.random.split(self.key)
        return key

    def normal(self, *shape, std=1.0):
        return std * jax.random.normal(self.next(), shape)

    def uniform(self, bound, *shape):
        return jax.random.uniform(self.next(), shape, minval=-bound, maxval=bound)

    def linear(self, i, o):
        return {"w": self.uniform(i**-0.5, i, o), "b": self.uniform(i**-0.5, o)}


def linear(p, x):
    return x @ p["w"] + p["b"]


def perceptron(draw, widths):
    def forward(params, x):
        for layer in params[:-1]:
            x = jax.nn.relu(linear(layer, x))
        return linear(params[-1], x)

    return [draw.linear(i, o) for i, o in zip(widths, widths[1:])], forward


def rnn(draw, inputs, hidden, outputs):
    """Only the last scores are computed, and the letters' part of all states at once: faster than a product of
    `concat([x, h])` in each step; so are steps unrolled, as few as they are."""

    def forward(params, x):
        letters = jnp.swapaxes(x, 0, 1)
        of_letter, of_state = jnp.split(params["i2h"]["w"], [inputs])
        parts = letters[:-1] @ of_letter + params["i2h"]["b"]
        h, _ = lax.scan(lambda h, part: (part + h @ of_state, None), parts[0], parts[1:], unroll=True)
        return linear(params["i2o"], jnp.concatenate([letters[-1], h], axis=1))

    return {"i2h": draw.linear(inputs + hidden, hidden), "i2o": draw.linear(inputs + hidden, outputs)}, forward


def lstm(draw, vocab, d):
    """The inputs' part of all steps is one product. Unrolled, the loop is slower."""

    def cell(weights, state, part):
        h, c = state
        i, f, new, o = jnp.split(part + h @ weights, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(new)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def forward(params, x):
        parts = linear(params["of_input"], params["embed"][x.T]) + params["of_state"]["b"]
        zero = jnp.zeros((x.shape[0], d))
        _, hs = lax.scan(lambda state, part: cell(params["of_state"]["w"], state, part), (zero, zero), parts)
        return linear(params["out"], jnp.swapaxes(hs, 0, 1))

    gates = lambda: draw.linear(d, 4 * d)
    params = {"embed": draw.normal(vocab, d), "of_input": gates(), "of_state": gates(), "out": draw.linear(d, vocab)}
    return params, forward


def recommender(draw, users, items, hidden):
    def forward(params, user, item):
        both = jnp.concatenate([params["user"][user], params["item"][item]], axis=1)
        return linear(params["fc"], both)[:, 0]

    params = {"user": draw.normal(users, hidden), "item": draw.normal(items, hidden), "fc": draw.linear(2 * hidden, 1)}
    return params, forward


def layer_norm(p, x):
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * p["w"] + p["b"]


def attention(q, k, v):
    """Of `[n, t, heads, d / heads]`. Heads in front are faster than einsum over the axes as they are."""
    q, k, v = (jnp.swapaxes(x, 1, 2) for x in (q, k, v))
    scores = q @ jnp.swapaxes(k, 2, 3) / math.sqrt(q.shape[-1])
    allowed = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    return jnp.swapaxes(jax.nn.softmax(jnp.where(allowed, scores, -jnp.inf)) @ v, 1, 2)


def gpt(draw, vocab, context, d, heads, depth):
    def block(p, x):
        n, t, _ = x.shape
        qkv = linear(p["qkv"], layer_norm(p["ln1"], x)).reshape(n, t, 3, heads, d // heads)
        mixed = attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2]).reshape(n, t, d)
        y = x + linear(p["proj"], mixed)
        return y + linear(p["down"], jax.nn.gelu(linear(p["up"], layer_norm(p["ln2"], y)), approximate=True))

    def forward(params, x):
        h = params["token"][x] + params["position"][: x.shape[1]]
        for p in params["blocks"]:
            h = block(p, h)
        return layer_norm(params["ln"], h) @ params["head"]["w"]

    norm = lambda: {"w": jnp.ones(d), "b": jnp.zeros(d)}
    blocks = [{
        "ln1": norm(), "ln2": norm(), "qkv": draw.linear(d, 3 * d), "proj": draw.linear(d, d),
        "up": draw.linear(d, 4 * d), "down": draw.linear(4 * d, d),
    } for _ in range(depth)]
    return {
        "token": draw.normal(vocab, d), "position": draw.normal(context, d, std=0.02), "blocks": blocks, "ln": norm(),
        "head": {"w": draw.uniform(d**-0.5, d, vocab)},
    }, forward


def convolutional(draw, size, channels, layers):
    """Channels innermost: XLA is slow on pictures of the other order."""
    params, side, flat = [], size, None
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, stride, padding = numbers
            bound = (channels * kernel * kernel) ** -0.5
            params.append({"w": draw.uniform(bound, kernel, kernel, channels, outputs), "b": draw.uniform(bound, outputs)})
            side, channels = (side + 2 * padding - kernel) // stride + 1, outputs
        elif kind == "pool":
            kernel, stride = numbers
            params.append(None)
            side = (side - kernel) // stride + 1
        else:
            flat = flat or channels * side * side
            params.append(draw.linear(flat, numbers[0]))
            flat = numbers[0]

    def forward(params, x):
        x = jnp.transpose(x, (0, 2, 3, 1))
        for number, (p, (kind, *numbers)) in enumerate(zip(params, layers)):
            if kind == "conv":
                _, _, stride, padding = numbers
                x = lax.conv_general_dilated(
                    x, p["w"], (stride, stride), ((padding, padding),) * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
                x = jax.nn.relu(x + p["b"])
            elif kind == "pool":
                kernel, stride = numbers
                x = lax.reduce_window(x, -jnp.inf, lax.max, (1, kernel, kernel, 1), (1, stride, stride, 1), "VALID")
            else:
                x = linear(p, x.reshape(x.shape[0], -1))
                x = x if number + 1 == len(layers) else jax.nn.relu(x)
        return x

    return params, forward


def product(draw):
    return (), lambda params, a, b: a @ b


def gradient(draw):
    return (), lambda params, a, b: a.T @ b


NETWORKS = {create.__name__: create for create in (perceptron, convolutional, rnn, lstm, recommender, gpt, product, gradient)}


def sgd(params, state, grads, lr):
    return jax.tree.map(lambda p, g: p - lr * g, params, grads), state


def adam(params, state, grads, lr, weight_decay=0.0):
    """With PyTorch's defaults; the decay is AdamW's."""
    count, m, v = state
    count = count + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    rate, root, kept = lr / (1 - 0.9**count), jnp.sqrt(1 - 0.999**count), 1 - lr * weight_decay
    params = jax.tree.map(lambda p, m, v: kept * p - rate * m / (jnp.sqrt(v) / root + 1e-8), params, m, v)
    return params, (count, m, v)


OPTIMIZERS = {"sgd": sgd, "adam": adam, "adamw": adam}


def loss_of(scores, y):
    if jnp.issubdtype(y.dtype, jnp.floating):
        return jnp.mean((scores - y) ** 2)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), y[..., None], axis=-1))


class Jax:
    """`step` and `infer` do one; `wait` for what they gave."""

    def __init__(self, row):
        self.params, forward = NETWORKS[row.network](Draw(1), **row.sizes)
        data = [jnp.asarray(array) for array in random_data(row)]
        inputs = data[:-1] if row.optimizer else data
        predict = jax.jit(forward)
        self.step = self.infer = lambda: predict(self.params, *inputs)
        if not row.optimizer:
            return
        zeros = lambda: jax.tree.map(jnp.zeros_like, self.params)
        self.state = () if row.optimizer == "sgd" else (jnp.zeros(()), zeros(), zeros())

        def train(params, state, inputs, y):
            value, grads = jax.value_and_grad(lambda params: loss_of(forward(params, *inputs), y))(params)
            return *OPTIMIZERS[row.optimizer](params, state, grads, **row.settings), value

        update = jax.jit(train, donate_argnums=(0, 1))

        def step():
            self.params, self.state, value = update(self.params, self.state, inputs, data[-1])
            return value

        self.step = step

    def wait(self, result):
        result.block_until_ready()
