"""The bodies of event packages, as values: what a NOTIFY says once it has arrived.

    message_summary   application/simple-message-summary (RFC 3842)
    dialog_info       application/dialog-info+xml (RFC 4235)
    presence          application/pidf+xml (RFC 3863)

Text in, value out, or ProtocolError. How they got here is `subscription`'s matter.
"""
