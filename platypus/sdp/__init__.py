"""Session descriptions and what two of them agree on (RFC 8866, RFC 3264)."""
