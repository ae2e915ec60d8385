"""The commands, each with the sentence that `headrace --help` shows of it.

They stand here so that the program's own help, and the start of each command, load no other
command. The command NAME is the module `headrace.cli.NAME`, which has a function `command` or a
typer.Typer `app`.
"""

from __future__ import annotations

COMMANDS = {
    "adopt": "Start with an Upflow organisation that already holds data, so that nothing is "
    "sent twice.",
    "alerts": "Look at what is announced to people, and try the addresses.",
    "apply": "Plan, then send what the API lacks.",
    "approve": "Approve a plan that waits for a person, and send it.",
    "audit": "Look at what was decided about plans, and verify that nobody changed it.",
    "check": "Try everything that a sync needs, and send nothing.",
    "collected": "See what Upflow collected itself, and say what it is to the source.",
    "conformance": "Find out whether a server speaks Upflow's API v1, by its answers alone.",
    "console": "Say who may sign in to a hub's console; also while the hub runs.",
    "demo": "Bring a real accounting file into a hub, balance it to the cent, and keep it in step.",
    "drift": "Compare what the API holds with what it acknowledged, field by field.",
    "explain": "Explain one record: where it comes from, what is sent of it, and what the API "
    "said.",
    "fleet": "Look after the organisations that workers share: add, list, pause, resume, remove, "
    "sync now.",
    "forget": "Take a customer's data out of what is kept here, for good.",
    "generate": "Make up a billing database: customers, invoices, payments and all that happens "
    "to them.",
    "hints": "Let a billing database tell `headrace run` at once that something changed.",
    "hub": "Look after a hub and its database.",
    "init": "Draft a project for a billing system: look in, propose the models, and try them.",
    "keys": "Make, list, rotate and revoke the keys of a hub's organisations; also while the "
    "hub runs.",
    "logs": "Show the requests that a hub has answered, newest last; also while it runs.",
    "plan": "Show what `apply` would send; nothing is sent.",
    "preview": "Show the rows of a model or of a table of the source: types, nulls, distinct "
    "values.",
    "proxy": "Pass requests on to the real server, and tell where a hub would answer otherwise.",
    "reconcile": "Prove that the API holds what the models say, per customer and document, to "
    "the cent.",
    "rejects": "Look at records that the API refused, and decide what becomes of them.",
    "run": "Keep every organisation in step, each at its own interval, until stopped.",
    "sandbox": "Make an organisation of a hub for a while: with a key pair, data, limits and an "
    "end.",
    "serve": "Serve Upflow's API v1 from a database of your own: the hub.",
    "snapshot": "Make, list, restore and delete copies of a hub's database and PDFs; also while "
    "it runs.",
    "sources": "Show which systems can be read, what each needs, and what the project's own "
    "sources have.",
    "status": "Show what the API has, the last runs, and what it refused; works during a "
    "running sync.",
    "tables": "List the tables that models may read, with their rows and columns.",
    "worker": "Take rounds of organisations from the queue, together with other workers, until "
    "stopped.",
    "test": "Run the unit tests of the models: given rows of the source, expected rows.",
}
"""By name; the sentence is the first one of the command's own help."""
