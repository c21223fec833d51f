"""What chat completions and responses have in common: hearing the audio of a conversation, and replying to it."""
