"""What stands between the pipeline and WSGI, and between it and Flask."""
