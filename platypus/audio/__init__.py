"""Sound: cards, files and made-up signals, as sources and sinks of a call's stream."""
