"""Recognises known speech inside a stream: fixtures, and what this server has spoken.

A turn that was cut from a stream has not the bytes of a known clip, and may be a part of it, or several, through a
telephone, at another loudness. It is found by a fingerprint of its sound, so that its words are exact.
"""
