"""The engines that transcribe, speak and reply: protocols and implementations."""
