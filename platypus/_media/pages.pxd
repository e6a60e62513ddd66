"""What a program is made of, on large pages: nothing here is for other modules."""

cdef enum:
    PAIRS_MAX = 32           # 64 MB: twice what any of our programs needs before it is ready

cdef struct pair_t:
    char *chunk              # ours until both halves are free
    bint taken[2]            # by an arena of Python's
