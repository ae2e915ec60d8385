"""Workers: take the rounds of many organisations from one queue, on any number of machines.

A round is a job of Procrastinate. Its `lock` lets one worker at a time work on an organisation, and
its `queueing_lock` keeps at most one further round waiting.
"""
