"""What the installed official SDK knows and this server does not, and the other way round."""
