"""The smallest possible Whisper, in torch.

Shapes: B windows, T encoder states (50 a second), N tokens, D = ``Shape.width``.

It differs from a plain Whisper in three ways, none of which shows in the exported model:

- A window of 30 s is mostly padding. Training sees its beginning and a few states of the rest; each stands for
  many, expressed as a bias on the keys of the attention.
- The first dimensions of encoder states and tokens encode the time, others the position in the text. Some heads begin
  as heads that look a little to the left or right, and the decoder's begin to read on where they stopped.
- The vectors of timestamps are made of those of their times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn

STATES = 1500  # of a window of 30 s
CONTEXT = 448  # tokens
TIME = 32  # dimensions that encode the time: sine and cosine of 16 frequencies
PLACE = 16  # dimensions that encode the position in the text, likewise
HEAD = 32  # dimensions of a head
FUSED_FROM = 400  # states from which on torch's fused attention is the faster one on a CPU


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a model. ``feed_forward`` are the inner widths of the encoder's layers."""

    text_tokens: int
    tokens: int
    phonemes: int
    width: int = 160
    feed_forward: tuple[int, ...] = (320, 480, 640, 640)
    decoder_layers: int = 3
    decoder_feed_forward: int = 640
    phoneme_layer: int = 2  # the layers after which the phonemes must be known

    @property
    def heads(self) -> int:
        """Return the number of attention heads of a layer."""
        return self.width // HEAD


def waves(positions: int, dimensions: int, shortest: float, longest: float) -> Tensor:
    """Return positions as sines and cosines, [positions, dimensions]; the wavelengths are in positions."""
    steps = torch.linspace(0, 1, dimensions // 2)
    lengths = shortest * (longest / shortest) ** steps
    angles = 2 * math.pi * torch.arange(positions)[:, None] / lengths
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)


def shift(dimensions: int, shortest: float, longest: float, offset: float) -> Tensor:
    """Return the matrix that turns the ``waves`` of a position into those of the position plus ``offset``."""
    lengths = shortest * (longest / shortest) ** torch.linspace(0, 1, dimensions // 2)
    matrix = torch.zeros(dimensions, dimensions)
    for pair, angle in enumerate((2 * math.pi * offset / lengths).tolist()):
        row = 2 * pair
        matrix[row, row], matrix[row, row + 1] = math.cos(angle), math.sin(angle)
        matrix[row + 1, row], matrix[row + 1, row + 1] = -math.sin(angle), math.cos(angle)
    return matrix


TIME_WAVES = (6.0, 3000.0)  # shortest and longest, in states
PLACE_WAVES = (3.0, 900.0)  # in tokens


class Attention(nn.Module):
    """Multi-head attention. As in Whisper, keys have no bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.heads = width, width // HEAD
        self.query, self.value = nn.Linear(width, width), nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.query.bias)
        nn.init.zeros_(self.value.bias)
        nn.init.zeros_(self.out.bias)

    def split(self, states: Tensor) -> Tensor:
        """Reshape [B, T, D] to [B, heads, T, HEAD]."""
        return states.unflatten(-1, (self.heads, HEAD)).transpose(1, 2)

    def forward(self, x: Tensor, bias: Tensor | None = None, *, causal: bool = False) -> Tensor:
        """Attend from ``x`` to itself; ``bias`` [T] is added to the scores of keys."""
        query, key, value = (self.split(part(x)) for part in (self.query, self.key, self.value))
        if bias is None or x.shape[1] > FUSED_FROM:
            mask = None if bias is None else bias.to(query.dtype).expand(x.shape[0], 1, x.shape[1], -1)
            found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        else:
            scores = (query / math.sqrt(HEAD)) @ key.transpose(-1, -2) + bias.to(query.dtype)
            found = scores.softmax(-1).to(value.dtype) @ value
        return self.out(found.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def across(self, x: Tensor, states: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from tokens ``x`` to encoder states; return also the weights [B, heads, N, T] before the softmax."""
        query, key, value = (
            self.split(self.query(x)),
            self.split(self.key(states)),
            self.split(self.value(states)),
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(HEAD) + bias.to(query.dtype)
        found = scores.softmax(-1).to(value.dtype) @ value
        return self.out(found.transpose(1, 2).flatten(2)), scores

    @torch.no_grad()
    def look(self, head: int, matrix: Tensor, dimension: int, sharpness: float) -> None:
        """Make ``head`` attend to the state whose waves, from ``dimension`` on, are ``matrix`` times its own."""
        rows = slice(head * HEAD, head * HEAD + len(matrix))
        columns = slice(dimension, dimension + len(matrix))
        for part, block in ((self.query, matrix), (self.key, torch.eye(len(matrix)))):
            part.weight[head * HEAD : (head + 1) * HEAD] *= 0.1
            part.weight[rows, columns] = sharpness * block


class Layer(nn.Module):
    """A layer of the encoder, or, with ``across``, of the decoder."""

    def __init__(self, width: int, feed_forward: int, *, across: bool) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), Attention(width)
        if across:
            self.across_norm, self.across = nn.LayerNorm(width), Attention(width)
        self.feed_norm = nn.LayerNorm(width)
        self.rise, self.fall = nn.Linear(width, feed_forward), nn.Linear(feed_forward, width)

    def feed(self, x: Tensor) -> Tensor:
        """Apply the feed-forward half."""
        return x + self.fall(F.gelu(self.rise(self.feed_norm(x))))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Heard:
    """The encoding of a batch: states [B, T, D], bias of each as a key [T], the phonemes' scores."""

    states: Tensor
    bias: Tensor
    phonemes: Tensor


class Whisper(nn.Module):
    """Encoder and decoder."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.shape = shape
        self.conv1, self.conv2 = nn.Conv1d(80, width, 3, padding=1), nn.Conv1d(width, width, 3, 2, padding=1)
        self.encoder = nn.ModuleList(Layer(width, inner, across=False) for inner in shape.feed_forward)
        self.encoder_norm = nn.LayerNorm(width)
        self.decoder = nn.ModuleList(
            Layer(width, shape.decoder_feed_forward, across=True) for _ in range(shape.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.embedding = nn.Parameter(torch.randn(shape.tokens - STATES - 1, width) * 0.25)
        self.time_embedding = nn.Linear(TIME, width)
        self.places = nn.Parameter(torch.zeros(CONTEXT, width))
        self.phoneme_scores = nn.Linear(width, shape.phonemes)
        self.frame_token = nn.Linear(width, width)  # from a state to the vector of the token spoken there
        times = torch.zeros(STATES + 1, width)
        times[:, :TIME] = waves(STATES + 1, TIME, *TIME_WAVES)
        self.register_buffer("times", times, persistent=False)
        self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        """Set the weights with which training begins; see the docstring of this module."""
        width = self.shape.width
        self.conv2.weight *= 2
        self.conv2.weight[:TIME] *= 0.1
        self.places[:, TIME : TIME + PLACE] = waves(CONTEXT, PLACE, *PLACE_WAVES)
        self.embedding[:, : TIME + PLACE] *= 0.2
        nn.init.normal_(self.time_embedding.weight, std=0.02)
        self.time_embedding.weight[:TIME] += torch.eye(TIME)
        nn.init.normal_(self.time_embedding.bias, std=0.25)
        self.time_embedding.bias[: TIME + PLACE] = 0
        self.decoder_norm.weight.fill_(0.3)
        offsets = ((-3, 3, -8, 8), (-5, 5, -12, 12), (-8, 8, -18, 18), (-10, 10, -25, 25))
        for layer, row in zip(self.encoder, offsets, strict=False):
            for head, offset in enumerate(row[: self.shape.heads - 1]):
                layer.attention.look(head, shift(TIME, *TIME_WAVES, offset), 0, 1.3)
        for layer in self.decoder:
            for head, offset in enumerate((-1, -2)):
                layer.attention.look(head, shift(PLACE, *PLACE_WAVES, offset), TIME, 1.6)
        first, last = self.decoder[0].across, self.decoder[-1].across
        first.look(0, torch.eye(TIME), 0, 1.3)
        for head in (0, 1):  # pass the time that they attend to on to the next layer
            rows = slice(head * HEAD, head * HEAD + TIME)
            first.value.weight[rows] *= 0.1
            first.value.weight[rows, :TIME] += 0.7 * torch.eye(TIME)
            first.out.weight[:TIME, rows] += torch.eye(TIME)
        last.look(0, shift(TIME, *TIME_WAVES, 6), 0, 1.3)
        last.look(1, shift(TIME, *TIME_WAVES, 12), 0, 1.3)
        assert width >= 2 * (TIME + PLACE)

    def vectors(self) -> Tensor:
        """Return the vectors of all tokens, [tokens, D], for reading and writing."""
        return torch.cat((self.embedding, self.time_embedding(self.times[:, :TIME])))

    def encode(self, mel: Tensor, padding: int = 0, phase: float = 0.5) -> Heard:
        """Encode normalised features [B, 2T, 80] at the beginning of a window, the rest of which is padding.

        ``padding`` states of the rest are sampled evenly; ``phase`` (0 to 1) says where between two of them.
        """
        silence = torch.zeros(1, 16, mel.shape[2])
        x = self._convolve(mel) + self.times[: mel.shape[1] // 2]
        rest = STATES - x.shape[1]
        bias = torch.zeros(x.shape[1])
        if padding and rest > padding:
            every = rest / padding
            places = x.shape[1] + ((torch.arange(padding) + phase) * every).long()
            empty = self._convolve(silence)[:, 3] + self.times[places]
            x = torch.cat((x, empty.expand(len(x), -1, -1)), 1)
            bias = torch.cat((bias, torch.full((padding,), math.log(every))))
        for number, layer in enumerate(self.encoder):
            if number == self.shape.phoneme_layer:
                phonemes = self.phoneme_scores(F.layer_norm(x, x.shape[-1:]))
            x = x + layer.attention(layer.attention_norm(x), bias)
            x = layer.feed(x)
        return Heard(self.encoder_norm(x), bias, phonemes)

    def _convolve(self, mel: Tensor) -> Tensor:
        x = F.gelu(self.conv1(mel.transpose(1, 2)))
        return F.gelu(self.conv2(x)).transpose(1, 2)

    def decode(
        self, tokens: Tensor, heard: Heard, vectors: Tensor, first: int = 0
    ) -> tuple[Tensor, list[Tensor]]:
        """Decode tokens [B, N]: return what follows each, as vectors [B, N, D], and each layer's attention scores.

        ``first`` is the place of the first token: as if there were others before it that cannot be seen.
        """
        x = F.embedding(tokens, vectors) + self.places[first : first + tokens.shape[1]]
        looks = []
        for layer in self.decoder:
            x = x + layer.attention(layer.attention_norm(x), causal=True)
            found, scores = layer.across.across(layer.across_norm(x), heard.states, heard.bias)
            looks.append(scores)
            x = layer.feed(x + found)
        return self.decoder_norm(x), looks
