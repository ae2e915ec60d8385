"""Worlds with errors and what stays of them as the API has it, for `test_pins_in_words.py`."""

# `error` are records in error, `flaws` links in error and what is wrong with them, `parents`
# customers whose parent is in error, `unkept` records whose payload the journal did not keep.
WORLDS = """
api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100 USD; P1:C1 100
flaws: P1>I1 currency
waits: I1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100 USD; P1:C1 100; P2:C1 20 USD I1=20
flaws: P1>I1 currency
waits: I1
pinned: P1>I1=80
refused: P2>I1

api: C1; I1:C1 100; P1:C1 100
rows: C1; I1:C1 100 USD; P1:C1 100
flaws: P1>I1 currency

api: C1; I1:C1 100
rows: C1; I1:C1 100; P1:C1 100
flaws: P1>I1 currency

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 50; P1:C1 100 I1=40
error: P1
waits: I1, P1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; P1:C1 100 I1=40; P2:C1 60 I1=60
error: P1
waits: P1
pinned: P1>I1=80
refused: P2>I1

api: C1; I1:C1 100; I2:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; I2:C1 100; P1:C1 100 I2=80; P2:C1 60 I1=60
error: P1
waits: P1
pinned: P1>I1=80
refused: P1>I2, P2>I1

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; P1:C1 100
flaws: P1>I1 no target
waits: I1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100
flaws: P1>I1 no source
waits: P1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; P1:C1 100
flaws: P1>I1 currency
unkept: P1
waits: P1

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; P1:C1 100
flaws: P1>I1 shape

api: C1; C2; I1:C1 100; P1:C1 100 I1=80
rows: C1; C2; I1:C2 100; P1:C2 100 I1=80
error: P1
waits: I1, P1
pinned: P1>I1=80

api: C1; C2; I1:C1 100; P1:C1 100 I1=80
rows: C1; C2; I1:C2 100; P1:C2 100 I1=80
error: I1
waits: I1, P1
pinned: P1>I1=80

api: C1; C2; I1:C1 100; P1:C1 100
rows: C1; C2; I1:C2 100; P1:C2 100 I1=80
error: I1
waits: I1
refused: P1>I1

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2; I1:C1 100; P1:C2 100
flaws: P1>I1 family
waits: C2
pinned: P1>I1=80

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2<C3; C3; I1:C1 100; P1:C2 100
flaws: P1>I1 family
waits: C2
pinned: P1>I1=80
families: C2<C3

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2; I1:C1 100; P1:C1 100 I1=80
error: C2
waits: C2

api: C1; I1:C1 100
rows: C1; I1:C1 100; Pfix1:C1 100 I1=100
error: I1
waits: I1

api: C1; I1:C1 100; P1:C1 50 I1=50
rows: C1; I1:C1 100; P1:C1 50 I1=20; Pfix1:C1 80 I1=80
flaws: P1>I1 over
waits: Pfix1
pinned: P1>I1=50
refused: Pfix1>I1

api: C1; I1:C1 100
rows: C1; I1:C1 100 USD; P1:C1 50 USD I1=50
error: I1
waits: I1
refused: P1>I1

api: C1
rows: C1; I1:C1 100; P1:C1 50 I1=50
error: I1

api: C1; P1:C1 100; R1:C1 40 P1=40
rows: C1; P1:C1 100 I1=100; R1:C1 40; I1:C1 100
flaws: R1>P1 over
pinned: R1>P1=40
refused: P1>I1

api: C1; C2<C1
rows: C1; C2
parents: C2
regrouped: C2
families: C2<C1

api: C1; C2<C1
rows: C1; C2
parents: C2
unkept: C2
regrouped: C2
unsaid: C2

api: C2<C1; C1
rows: C2
parents: C2
waits: C1
regrouped: C2
families: C2<C1

api: C2<C1; C1
rows: C1<C2; C2
parents: C2
regrouped: C2
families: C1<C2

api: C2
rows: C1; C2<C1
error: C1
regrouped: C2

api: C1; C2
rows: C1; C2<C1
error: C1
waits: C1
families: C2<C1

api: C1; C2<C1; I1:C2 100; P1:C2 100 I1=50
rows: C1<C3; C3; I1:C1 100; P1:C1 100
error: P1
waits: C1, C2, I1, P1
pinned: P1>I1=50

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; P1:C1 100
error: P1
waits: P1, I1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100 USD; P1:C1 100
flaws: P1>I1 currency
unkept: I1
waits: I1
pinned: P1>I1=80

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2; I1:C1 100; P1:C2 100
flaws: P1>I1 family
unkept: C2
waits: C2
pinned: P1>I1=80

api: C1; C3; C2<C1; I1:C2 100; I2:C2 100; P1:C3 100; P2:C3 100
rows: C1; C3; C2<C3; I1:C2 100; I2:C2 100; P1:C3 100 I1=50; P2:C3 100 I2=50
error: C2
waits: C2
refused: P1>I1, P2>I2
families: C2<C3

api: C3; C2; I1:C2 100; P1:C3 100
rows: C3; C2<C3; I1:C2 100; P1:C3 100 I1=50
error: C2
waits: C2
refused: P1>I1
families: C2<C3

api: C1; C3; C2<C1; I1:C2 100; P1:C1 100
rows: C1<C3; C3; I9:C3 50; P1:C1 100 I9=50
error: I1
waits: I1
refused: P1>I9

api: C1; C2<C1; I1:C2 100
rows: C1<C3; C3; C2
error: I1
waits: I1
families: C1<C3

api: C1; C3; C2<C1; N1:C1 200; P1:C1 200; R1:C2 300 P1=100 N1=50
rows: C3; C2<C3; N1:C3 100; P2:C3 300
flaws: R1>P2 no source
waits: C2, N1, P1, R1
pinned: R1>P1=100, R1>N1=50
families: C2<C3

api: C1; C3<C1; C2<C1; P1:C1 200; R1:C3 300 P1=100
rows: C3; C2<C3; P2:C3 300
flaws: R1>P2 no source
waits: C3, P1, R1
pinned: R1>P1=100
families: C2<C1, C3<C1

api: C1; C2; C3<C1; I1:C1 100; P1:C3 100 I1=10
rows: C1; C2; C3<C2; I1:C1 100; P1:C3 100
error: C3
flaws: P1>I1 family
waits: C3
pinned: P1>I1=10
families: C3<C2

api: C1; I1:C1 100; I2:C1 50; P1:C1 100 I1=80
rows: C1; I1:C1 100; I2:C1 50; P1:C1 100 I2=50
flaws: P1>I1 over
pinned: P1>I1=80
refused: P1>I2

api: C1; I1:C1 100; I2:C1 50; P1:C1 100 I1=80
rows: C1; I1:C1 100; I2:C1 50; P1:C1 60 I2=50
flaws: P1>I1 over
waits: P1
pinned: P1>I1=80
refused: P1>I2

api: C1; I1:C1 100; I2:C1 50; P1:C1 100 I1=80 I2=10
rows: C1; I1:C1 100; I2:C1 50; P1:C1 100 I2=50
flaws: P1>I1 over
pinned: P1>I1=80, P1>I2=10

api: C1; N1:C1 100; I1:C1 100
rows: C1; N1:C1 100 USD I1=30; I1:C1 100 USD; P1:C1 70 USD I1=70
error: N1
waits: N1
refused: N1>I1

api: C1; C2; I1:C1 100; P1:C1 100 I1=50; P2:C1 50 I1=50
rows: C1; C2; I1:C2 100; P1:C1 100; P2:C2 50 I1=50
flaws: P1>I1 family
waits: I1, P2
pinned: P1>I1=50, P2>I1=50

api: C1; I1:C1 100; P1:C1 80 I1=80
rows: C1; I1:C1 100; P1:C1 80; P2:C1 10 I1=10; P3:C1 15 I1=15
flaws: P1>I1 over
pinned: P1>I1=80
refused: P3>I1

api: C1; I1:C1 100; P1:C1 80 I1=80; P2:C1 20 I1=10
rows: C1; I1:C1 100; P1:C1 80; P2:C1 20 I1=20; P3:C1 5 I1=5
flaws: P1>I1 over
pinned: P1>I1=80
refused: P3>I1

api: C1; I1:C1 100; P1:C1 80 I1=80; P2:C1 40 I1=10
rows: C1; I1:C1 100; P1:C1 80; P2:C1 40 I1=35
flaws: P1>I1 over
pinned: P1>I1=80, P2>I1=10

api: C1; I1:C1 100; P1:C1 80 I1=80
rows: C1; I1:C1 100; P1:C1 80; P2:C1 10 I1=10; P3:C1 11 I1=11
flaws: P1>I1 over
pinned: P1>I1=80
refused: P3>I1

api: C1; I1:C1 100; P1:C1 80 I1=80
rows: C1; I1:C1 100; P1:C1 80; P2:C1 15 I1=15; P3:C1 10 I1=10; P4:C1 10 I1=10
flaws: P1>I1 over
pinned: P1>I1=80
refused: P3>I1, P4>I1

api: C1; I1:C1 100; P1:C1 60 I1=60; P2:C1 40 I1=40
rows: C1; I1:C1 80; P1:C1 60 I1=40; P2:C1 40 I1=40
error: P1
waits: I1, P1
pinned: P1>I1=60

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C1; C2<C1; I1:C2 100; P1:C1 100
error: P1
waits: C1, C2, P1
pinned: P1>I1=50
families: C1<C3, C2<C3

api: C1; C2; I1:C1 100; P1:C1 100 I1=50
rows: C1; C2; I1:C2 100; P1:C2 100 I1=50
error: P1
waits: I1, P1
pinned: P1>I1=50

api: C1; C2<C1; I1:C1 100; P1:C1 100 I1=50
rows: C1; C2<C1; I1:C2 100; P1:C1 100 I1=50
error: P1
waits: P1
pinned: P1>I1=50
families: C2<C1

api: C1; C2; I1:C1 100; P1:C1 100 I1=50
rows: C1; C2<C1; I1:C2 100; P1:C1 100 I1=50
error: P1
waits: P1
pinned: P1>I1=50
families: C2<C1

api: C1; I1:C1 100; P1:C1 100 I1=50
rows: C1; C2<C1; I1:C2 100; P1:C1 100 I1=50
error: P1
waits: P1
pinned: P1>I1=50
families: C2<C1

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C4; C1<C4; C2<C4; I1:C2 100; P1:C1 100 I1=50
error: P1
waits: C1, C2, P1
pinned: P1>I1=50
families: C1<C4, C2<C4

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C1; C2<C3; I1:C1 100; P1:C1 100 I1=50
error: P1
waits: P1
pinned: P1>I1=50
families: C2<C3

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C1; C2<C3; I1:C1 100 USD; P1:C1 100 I1=50
error: P1
waits: C1, I1, P1
pinned: P1>I1=50
families: C2<C3

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C1<C3; C2<C1; I1:C2 100; P1:C1 100 I1=50
error: P1
waits: P1
pinned: P1>I1=50
families: C1<C3, C2<C3

api: C3; C2<C3; I1:C2 100; P1:C3 100 I1=50
rows: C2; C3<C2; I1:C2 100; P1:C3 100 I1=50
error: P1
waits: C2, C3, P1
pinned: P1>I1=50
families: C2<C3

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C1; C2<C1; I1:C2 100; P1:C1 100
error: P1, C2
waits: C1, C2, P1
pinned: P1>I1=50
families: C1<C3, C2<C3

api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50
rows: C3; C1; C2<C1; I1:C1 100; P1:C1 100
error: P1
waits: P1
pinned: P1>I1=50
families: C2<C1
"""

REASONS = [
    (
        "api: C3; C1<C3; C2<C3; I1:C2 100; P1:C1 100 I1=50\nrows: C3; C1; C2<C1; I1:C2 100; "
        "P1:C1 100\nerror: P1",
        {
            "P1": "in error",
            "C1": "the API holds the link payment P1 → invoice I1, and no order of the requests "
            "keeps it valid",
            "C2": "the API holds the link payment P1 → invoice I1, and no order of the requests "
            "keeps it valid",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C3; C1<C3; C2; I1:C3 100; P1:C1 100 I1=50\nrows: C3; C1<C2; C2; I1:C2 100; "
        "P1:C1 100 I1=50\nerror: P1",
        {
            "P1": "in error",
            "I1": "the API holds the link payment P1 → invoice I1, and no order of the requests "
            "keeps it valid",
            "C1": "the API holds the link payment P1 → invoice I1, whose rows don't agree",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; I1:C1 100 USD; P1:C1 100; "
        "P2:C1 20 USD I1=20\nflaws: P1>I1 currency",
        {
            "I1": "the API holds the link payment P1 → invoice I1, whose rows don't agree",
            "P1>I1": "it stays as the API has it",
            "P2>I1": "the two records do not agree at the API yet",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; P1:C1 100\nflaws: P1>I1 no target",
        {
            "I1": "left the source, where payment P1 still settles it",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; N1:C1 100; R1:C1 100 N1=80\nrows: C1; N1:C1 100\nflaws: R1>N1 no source",
        {
            "R1": "left the source, where its link to credit note N1 remains",
            "R1>N1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 9 I1=8\nrows: C1; I1:C1 100; P1:C1 9\nflaws: P1>I1 over\n"
        "unkept: P1",
        {"P1": "the journal kept no payload of it, and one of its links is in error"},
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; I1:C1 50; P1:C1 100 I1=40\nerror: P1",
        {
            "P1": "in error",
            "I1": "its links at the API exceed its new amount",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 9 I1=8\nrows: C1; I1:C1 9; P1:C1 9; P2:C1 7 I1=7\n"
        "flaws: P1>I1 over",
        {
            "P1>I1": "it stays as the API has it",
            "P2>I1": "with the links that the API holds it exceeds the amount of invoice I1",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 9\nrows: C1; I1:C1 9; P1:C1 9 I1=9\nerror: P1",
        {"P1": "in error", "P1>I1": "its payment P1 waits"},
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; P1:C1 100\nerror: P1",
        {
            "P1": "in error",
            "I1": "left the source, where a link of it is in error: invoice I1",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C2<C1; C1\nrows: C2\nparents: C2",
        {"C1": "left the source, where a child's parent is in error"},
    ),
]
