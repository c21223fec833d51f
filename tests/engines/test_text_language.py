import pytest

from mockserver.catalog.languages import espeak_voices, is_language
from mockserver.engines.espeak.driver import init_engine
from mockserver.engines.text_language import language_of_text

SENTENCES = {
    "Hello, how are you today?": "en",
    "The quick brown fox jumps over the lazy dog.": "en",
    "Café society is naïve.": "en",
    "I'd like a coffee to go.": "en",
    "My name is Juan and I live in Paris.": "en",
    "Guten Tag, wie geht es Ihnen?": "de",
    "Bonjour, comment allez-vous ?": "fr",
    "C\u2019est la vie, je ne sais pas.": "fr",
    "Hola, ¿cómo estás?": "es",
    "El perro come en la casa.": "es",
    "Ciao, come stai?": "it",
    "Olá, como você está?": "pt",
    "O gato não quer sair de casa.": "pt",
    "Hoe gaat het met jou?": "nl",
    "Dzień dobry, jak się masz?": "pl",
    "Hej, hur mår du idag?": "sv",
    "Hej, hvad hedder du?": "da",
    "Hei, hvordan går det?": "no",
    "Hyvää päivää, mitä kuuluu?": "fi",
    "Merhaba, nasılsın?": "tr",
    "Dobrý den, jak se máte?": "cs",
    "Jó napot kívánok, hogy van?": "hu",
    "Bună ziua, ce mai faci?": "ro",
    "Xin chào, bạn khỏe không?": "vi",
    "Selamat pagi, apa kabar?": "id",
    "Привет, как дела?": "ru",
    "Привіт, як твої справи?": "uk",
    "Γειά σου κόσμε": "el",
    "שלום עולם": "he",
    "مرحبا بالعالم": "ar",
    "سلام، چطور هستی؟": "fa",
    "नमस्ते दुनिया": "hi",
    "สวัสดีชาวโลก": "th",
    "안녕하세요": "ko",
    "こんにちは世界": "ja",
    "東京へ行く": "ja",
    "你好，世界": "zh",
}


@pytest.mark.parametrize(("text", "language"), SENTENCES.items(), ids=lambda value: value)
def test_the_language_of_a_short_sentence_is_detected(text: str, language: str) -> None:
    assert language_of_text(text) == language


@pytest.mark.parametrize("text", ["", "   ", "42", "😀", "Zyx", "\ud800"])
def test_a_text_that_tells_nothing_is_taken_for_english(text: str) -> None:
    assert language_of_text(text) == "en"


def test_a_foreign_name_does_not_change_the_language_of_the_sentence() -> None:
    assert language_of_text("We are flying to 北京 in the morning.") == "en"


@pytest.mark.parametrize(
    ("hint", "language"), [("fr", "fr"), ("de-AT", "de"), ("PT_br", "pt"), (" yue ", "yue")]
)
def test_an_explicit_hint_is_believed(hint: str, language: str) -> None:
    assert language_of_text("Hello, how are you today?", hint) == language


@pytest.mark.parametrize("code", ["de", "de-AT", "PT_br", *espeak_voices()])
def test_a_language_that_can_be_spoken_is_one(code: str) -> None:
    assert is_language(code)


@pytest.mark.parametrize("code", ["", "klingon", "xx", "english", "e"])
def test_what_cannot_be_spoken_is_no_language(code: str) -> None:
    assert not is_language(code)


def test_every_language_that_can_be_detected_can_be_spoken() -> None:
    languages = set(SENTENCES.values())

    assert languages <= set(espeak_voices())


def test_every_voice_of_the_languages_exists_in_the_installed_espeak() -> None:
    existing = {voice.id for voice in init_engine().getProperty("voices")}

    assert set(espeak_voices().values()) - existing == set()
