"""The workloads of the benchmark, as the peers and the table see them; tools/dlc-bench.cpp has the same list for dlc.

A row is a network (widths of its layers, batch, loss, optimizer) or a product of two matrices m x k x n."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    widths: tuple = ()  # of a perceptron with relu between its layers; empty for a product
    batch: int = 0
    regression: bool = False  # mean squared error and plain descent, else cross-entropy and Adam
    m: int = 0
    k: int = 0
    n: int = 0

    @property
    def is_product(self):
        return not self.widths

    @property
    def flops(self):
        """What the mathematics of a step needs: forward, weight gradient, and the data gradient but of the first layer."""
        if self.is_product:
            return 2 * self.m * self.k * self.n
        layers = list(zip(self.widths, self.widths[1:]))
        return sum(2 * self.batch * i * o * (2 if at == 0 else 3) for at, (i, o) in enumerate(layers))

    @property
    def state_bytes(self):
        """Parameters and optimizer state, in f32."""
        parameters = sum(i * o + o for i, o in zip(self.widths, self.widths[1:]))
        return 4 * parameters * (1 if self.regression else 3)


def product(name, m, n, k):
    return Row(name, m=m, k=k, n=n)


ROWS = [
    Row("linear", (10, 50, 1), 32, regression=True),
    Row("mlp_small", (784, 128, 10), 64),
    Row("mlp", (784, 512, 256, 10), 128),
    product("square_512", 512, 512, 512),
    product("square_1024", 1024, 1024, 1024),
    product("ragged_128x512x784", 128, 512, 784),
    product("ragged_768x384x128", 768, 384, 128),
    product("ragged_64x10x128", 64, 10, 128),
    product("ragged_100x300x77", 100, 300, 77),
]


def select(names):
    """The rows of these names; `square` and `ragged` stand for all of their kind. Raises ValueError for an unknown name."""
    if not names:
        return ROWS
    unknown = [name for name in names if not any(name in (row.name, row.name.split("_")[0]) for row in ROWS)]
    if unknown:
        raise ValueError(f"unknown row {unknown[0]}; there are {', '.join(row.name for row in ROWS)}")
    # mlp is a row of its own, no kind: mlp_small is asked for by its name.
    return [row for row in ROWS if row.name in names or (row.is_product and row.name.split("_")[0] in names)]
