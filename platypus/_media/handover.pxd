"""Sockets of Python that become the media thread's."""

from platypus._media.platform cimport platform_socket_t

# Its number, made ready for the thread; `family` becomes 4 or 6.
cdef platform_socket_t socket_prepared(sock, int *family) except? -1
# The thread alone closes them from here on; there need be no second.
cdef void sockets_detach(rtp_socket, rtcp_socket)
