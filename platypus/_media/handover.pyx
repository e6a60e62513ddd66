"""Sockets on their way from Python to the media thread."""

from platypus._media.platform cimport (
    platform_socket_family, platform_socket_prepare, platform_socket_t,
)


cdef platform_socket_t socket_prepared(sock, int *family) except? -1:
    """The socket object still owns it."""
    cdef long number = sock.fileno()
    family[0] = platform_socket_family(<platform_socket_t>number) if number >= 0 else 0
    if not family[0]:
        raise ValueError("a leg needs open UDP sockets")
    if platform_socket_prepare(<platform_socket_t>number, family[0]) != 0:
        raise OSError("the socket can't be made non-blocking")
    return <platform_socket_t>number


cdef void sockets_detach(rtp_socket, rtcp_socket):
    """They are the thread's, which alone closes them."""
    rtp_socket.detach()
    if rtcp_socket is not None:
        rtcp_socket.detach()
