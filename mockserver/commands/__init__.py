"""The commands of the command line, a module for each; ``mockserver.cli`` declares them."""
