"""What is heard, measured: speech, the paths it takes, receivers, and what they score.

    speech -> packets -> path (loss, delay) -> receiver -> what was heard -> PESQ, delay, CQ

Everything is seeded; the sans-I/O stream plays it in virtual time.
"""
