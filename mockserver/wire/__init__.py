"""The form of responses: transcripts, chat completions, events, subtitles, tokens and usage."""
