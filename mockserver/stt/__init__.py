"""Speech-to-text jobs: created by one request, worked on in the background, asked about by others."""
