"""What happens to every request, once and in order, before an endpoint sees it."""
