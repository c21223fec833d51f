"""Audio by URL: local files, or fetched from allowed hosts."""
