"""Tests of transcriptions by other processes."""
