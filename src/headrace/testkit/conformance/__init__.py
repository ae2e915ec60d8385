"""A black-box suite: whether a server speaks Upflow's API v1, and how sure that claim is.

It knows a server by its base URL and a key pair alone. Each case is a small function in `cases/`,
marked with the operations that it proves and with its evidence.
"""
