"""A black-box suite that tests whether a server implements Upflow's API v1.

It needs only the server's base URL and a key pair. Each case is a small function in `cases/`,
marked with the operations that it covers and with the evidence for its rule.
"""
