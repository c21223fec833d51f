"""What the commands of the command line do; ``mockserver.cli`` declares them."""
