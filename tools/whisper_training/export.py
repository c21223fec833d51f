"""Writes a trained model as the folder that faster-whisper loads (CTranslate2 format, weights in 8 bits)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ctranslate2.specs.whisper_spec import WhisperSpec
from torch import Tensor, nn

from mockserver.engines.whisper.models import TRAINED_ON
from tools.whisper_training.features import BANDS, FRAME_RATE, SAMPLE_RATE
from tools.whisper_training.model import STATES, Attention, Layer, Whisper
from tools.whisper_training.tokenizer import SPECIAL, Vocabulary

QUANTIZATION = "int8_float16"  # weights that cannot be 8 bits are 16 on disk, and 32 in memory


@torch.no_grad()
def export(model: Whisper, vocabulary: Vocabulary, folder: Path) -> None:
    """Write the model's files into ``folder``."""
    shape = model.shape
    spec = WhisperSpec(len(shape.feed_forward), shape.heads, shape.decoder_layers, shape.heads)
    encoder, decoder = spec.encoder, spec.decoder
    for conv, module in ((encoder.conv1, model.conv1), (encoder.conv2, model.conv2)):
        conv.weight, conv.bias = _array(module.weight), _array(module.bias)
    encoder.position_encodings.encodings = _array(model.times[:STATES])
    decoder.position_encodings.encodings = _array(model.places)
    _set_norm(encoder.layer_norm, model.encoder_norm)
    _set_norm(decoder.layer_norm, model.decoder_norm)
    decoder.embeddings.weight = decoder.projection.weight = _array(model.vectors())
    for side, layers in ((encoder, model.encoder), (decoder, model.decoder)):
        for into, layer in zip(side.layer, layers, strict=True):
            assert isinstance(layer, Layer)
            _set_layer(into, layer)
    # Heads 0 and 1 of the last layer attend to the word that they write: they time the words.
    spec.config.alignment_heads = [(shape.decoder_layers - 1, head) for head in (0, 1)]
    spec.config.lang_ids = [vocabulary.id_of("<|en|>")]
    spec.config.suppress_ids = [vocabulary.id_of(name) for name in SPECIAL[1:]]
    spec.config.suppress_ids_begin = []
    spec.config.add_attribute("trained_on", TRAINED_ON)
    spec.register_vocabulary(vocabulary.tokens)
    spec.validate()
    spec.optimize(quantization=QUANTIZATION)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    vocabulary.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    # Unindented, to keep the folder small.
    tokens = json.dumps(vocabulary.tokens, ensure_ascii=False, separators=(",", ":"))
    (folder / "vocabulary.json").write_text(tokens + "\n", "utf-8")
    features = {
        "feature_size": BANDS,
        "sampling_rate": SAMPLE_RATE,
        "hop_length": SAMPLE_RATE // FRAME_RATE,
        "chunk_length": 30,
        "n_fft": 400,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(features, indent=2) + "\n", "utf-8")


def _array(values: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    return values.float().numpy().copy()  # Quantising happens in place.


def _set_norm(spec: Any, module: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _array(module.weight), _array(module.bias)


def _set_linear(spec: Any, module: nn.Linear) -> None:
    spec.weight, spec.bias = _array(module.weight), _array(module.bias)


def _set_layer(spec: Any, layer: Layer) -> None:
    """Set a layer of the encoder or the decoder, whose normalisations come first."""
    _set_norm(spec.self_attention.layer_norm, layer.attention_norm)
    attention = layer.attention
    _set_joined(spec.self_attention.linear[0], attention, "query", "key", "value")
    _set_linear(spec.self_attention.linear[1], attention.out)
    if hasattr(layer, "across"):
        _set_norm(spec.attention.layer_norm, layer.across_norm)
        _set_joined(spec.attention.linear[0], layer.across, "query")
        _set_joined(spec.attention.linear[1], layer.across, "key", "value")
        _set_linear(spec.attention.linear[2], layer.across.out)
    _set_norm(spec.ffn.layer_norm, layer.feed_norm)
    _set_linear(spec.ffn.linear_0, layer.rise)
    _set_linear(spec.ffn.linear_1, layer.fall)


def _set_joined(spec: Any, attention: Attention, *names: str) -> None:
    """Set several projections as one; a missing bias is zeros."""
    parts = [getattr(attention, name) for name in names]
    spec.weight = np.concatenate([_array(part.weight) for part in parts])
    empty = torch.zeros(attention.width)
    spec.bias = np.concatenate([_array(empty if part.bias is None else part.bias) for part in parts])
