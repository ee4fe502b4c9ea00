"""The models whose training steps are timed, for any library with PyTorch's names: `nn` is its module of layers."""

from types import ModuleType


def mlp(nn: ModuleType) -> object:
    """784-500-10."""
    return nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))


def cnn(nn: ModuleType) -> object:
    """Two convolutions and two linear layers, for images of 28×28."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 10),
    )  # fmt: skip


def lstm(nn: ModuleType, inputs: int = 64, units: int = 128) -> object:
    """One layer; called with (steps, batch, inputs), it returns the hidden states and the last state."""
    return nn.LSTM(inputs, units)


def gpt(
    nn: ModuleType,
    vocabulary: int = 65,
    context: int = 64,
    layers: int = 4,
    heads: int = 4,
    width: int = 128,
    tied: bool = True,
) -> object:
    """A language model of characters like nanoGPT: of tokens (batch, length) it makes scores of the next ones."""

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project_in = nn.Linear(width, 3 * width)
            self.project_out = nn.Linear(width, width)

        def forward(self, x: object) -> object:
            batch, length, _ = x.shape
            parts = self.project_in(x).split(width, 2)
            q, k, v = (part.reshape(batch, length, heads, width // heads).transpose(1, 2) for part in parts)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.project_out(y.transpose(1, 2).reshape(batch, length, width))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(width)
            self.attention = Attention()
            self.norm2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: object) -> object:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(vocabulary, width)
            self.positions = nn.Embedding(context, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)
            if tied:
                self.head.weight = self.tokens.weight
            for module in self.modules():
                if isinstance(module, (nn.Linear, nn.Embedding)):
                    nn.init.normal_(module.weight, 0.0, 0.02)

        def forward(self, tokens: object) -> object:
            x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
            return self.head(self.norm(self.blocks(x)))

    return GPT()
