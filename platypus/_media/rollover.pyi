"""Which index a packet of SRTP has where its sender uses several keys; nothing is for Python."""
