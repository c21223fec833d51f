"""Hears when someone speaks in a stream of audio, and decides when a turn begins and ends."""
