"""What came and what was answered: the journal, its verification, and the metrics."""
