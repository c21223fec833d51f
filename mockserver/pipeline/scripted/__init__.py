"""What stubs and faults do to requests and their replies."""
