"""Tests of the ways to deploy the server, by ``make test-deploy``."""
