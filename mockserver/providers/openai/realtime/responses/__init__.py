"""The responses of a session: what each is made with and reads, and how it is made."""
