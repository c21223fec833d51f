"""The speech-to-text jobs of the AI/ML API."""
