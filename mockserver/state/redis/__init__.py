"""State in Redis or Valkey, shared by servers on several machines."""
