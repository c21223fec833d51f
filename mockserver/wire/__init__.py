"""How answers look on the wire: JSON styles, SSE, subtitles, ids, usage."""
