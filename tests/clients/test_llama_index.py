"""LlamaIndex reads the base URL only from `OPENAI_API_BASE`, the older name."""

from __future__ import annotations

from llama_index.core.llms import AudioBlock, ChatMessage, TextBlock
from llama_index.llms.openai import OpenAI

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi

HELLO = data_folder("fixtures") / "hello.wav"  # says "Hello world, this is a test."


def test_the_fixture_leads_the_default_model_to_the_server(audio_api: AudioApi) -> None:
    audio_api.on_chat().reply("Hello.")
    assert OpenAI().complete("Hi.").text == "Hello."
    audio_api.verify_chat(times=1)


def test_an_audio_block_is_transcribed(audio_api: AudioApi) -> None:
    audio_api.on_chat(heard="Hello world*").reply("Hello yourself.")
    clip = AudioBlock(path=HELLO, format="wav")
    message = ChatMessage(role="user", blocks=[TextBlock(text="Answer this."), clip])
    assert OpenAI("gpt-4o-audio-preview").chat([message]).message.content == "Hello yourself."
