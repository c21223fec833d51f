"""What responses and conversations are made of, where they are kept, and the work on those in the background."""
