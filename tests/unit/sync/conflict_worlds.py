"""Worlds before and after a plan whose changes conflict, for `test_resolver.py`."""

# `unsent` is what the API has of records that are not sent, `sent` the requests in their order.
WORLDS = """
before: C1; I1:C1 100; P1:C1 100 I1=100
after:  C1; I1:C1 100; I2:C1 100; P1:C1 100 I2=100; P2:C1 100 I1=100
sent:   I2, P1, P2
waits:  P1 after I2, P2 after P1

before: C1; I1:C1 100; I2:C1 100; P1:C1 100 I1=100; P2:C1 100 I2=100
after:  C1; I1:C1 100; I2:C1 100; P1:C1 100 I2=100; P2:C1 100 I1=100
sent:   release P1, P2, P1
waits:  P1 after P2, P1 after release P1, P2 after release P1

before: C1; I1:C1 200; I2:C1 200; P1:C1 100 I1=100; P2:C1 100 I2=100
after:  C1; I1:C1 200; I2:C1 200; P1:C1 100 I2=100; P2:C1 100 I1=100

before: C1; I1:C1 199; I2:C1 200; P1:C1 100 I1=100; P2:C1 100 I2=100
after:  C1; I1:C1 199; I2:C1 200; P1:C1 100 I2=100; P2:C1 100 I1=100
sent:   P1, P2
waits:  P2 after P1

before: C1; I1:C1 100; P1:C1 100 I1=80
after:  C1; I1:C1 100; P1:C1 100 I1=30; P2:C1 100 I1=70
sent:   P1, P2
waits:  P2 after P1

before: C1; I1:C1 100; P1:C1 100 I1=80
after:  C1; I1:C1 50; P1:C1 100 I1=50
sent:   P1, I1
waits:  I1 after P1

before: C1; I1:C1 100; P1:C1 100 I1=80
after:  C1; I1:C1 150; P1:C1 150 I1=150
sent:   I1, P1
waits:  P1 after I1

before: C1; I1:C1 100; P1:C1 100 I1=80
after:  C1; I1:C1 150; P1:C1 100 I1=80; P2:C1 60 I1=60
sent:   I1, P2
waits:  P2 after I1

before: C1; I1:C1 100; P1:C1 100 I1=80
after:  C1; I1:C1 100; P2:C1 90 I1=90
sent:   P1, P2
waits:  P2 after P1

before: C1; C2; I1:C1 100; P1:C1 100 I1=80
after:  C1; C2; I1:C2 100; P1:C2 100 I1=80
sent:   release P1, I1, P1
waits:  I1 after release P1, P1 after I1, P1 after release P1

before: C1; C2; I1:C1 100; P1:C1 100 I1=80
after:  C1; C2; I1:C2 100; P1:C1 100
sent:   P1, I1
waits:  I1 after P1

before: C1; C2; I1:C1 100; P1:C2 100
after:  C1; C2; I1:C2 100; P1:C2 100 I1=10
sent:   I1, P1
waits:  P1 after I1

before: C1; I1:C1 100 EUR; P1:C1 100 EUR I1=80
after:  C1; I1:C1 100 USD; P1:C1 100 USD I1=80
sent:   release P1, I1, P1
waits:  I1 after release P1, P1 after I1, P1 after release P1

before: C1; C2<C1
after:  C1<C2; C2
sent:   C2, C1
waits:  C1 after C2

before: C1; C2; C3<C1
after:  C1<C2; C2; C3<C2
sent:   C3, C1
waits:  C1 after C3

before: C1; C2; C3<C1
after:  C1<C2; C2; C3
sent:   C3, C1
waits:  C1 after C3

before: C1; C2; C3<C1; I1:C3 100
after:  C1<C2; C2; I1:C1 100
sent:   I1, C3, C1
waits:  C1 after C3, C3 after I1

before: C1; C2; C3<C1; I1:C3 100
after:  C1<C2; C2
sent:   I1, C3, C1
waits:  C1 after C3, C3 after I1

before: C1; C2<C1
after:  C2
waits:  C1 after C2

before: C1; C2<C1
after:  C1; C2; C3<C2; I1:C3 100; P1:C3 100 I1=100
sent:   C2, C3
waits:  C3 after C2

before: C1; C2<C1; I1:C2 9
after:  C1; C2; C3<C2; I1:C3 9
sent:   C2, C3, I1
waits:  C3 after C2, I1 after C3

before: C1; P1:C1 100; R1:C1 50 P1=50
after:  C1
sent:   R1, P1
waits:  P1 after R1

before: C1; P1:C1 100; R1:C1 50 P1=50
after:  C1; P1:C1 100; R1:C1 60 P1=60

before: C1; P1:C1 100 I1=50; I1:C1 100; R1:C1 50 P1=50
after:  C1; P1:C1 100 I1=100; I1:C1 100; R1:C1 50
sent:   R1, P1
waits:  P1 after R1

before: C1; P1:C1 100 I1=50; I1:C1 100
after:  C1; P1:C1 100 I1=0; I1:C1 100; R1:C1 100 P1=100
sent:   P1, R1
waits:  R1 after P1

before: C1; C2<C1; I1:C2 100; P1:C1 100 I1=50
after:  C1; C2; I1:C2 100; P1:C1 100
sent:   P1, C2
waits:  C2 after P1

before: C1; C2; I1:C2 100; P1:C1 100
after:  C1; C2<C1; I1:C2 100; P1:C1 100 I1=100
sent:   C2, P1
waits:  P1 after C2

before: C1; C2<C1; C0; N1:C1 500; R1:C2 500
after:  C1<C0; C0; N1:C1 500; R1:C0 500 N1=500
sent:   R1, C2, C1, link R1
waits:  C1 after C2, C2 after R1, link R1 after C1, link R1 after R1

before: C1; C2<C1; I1:C2 100; P1:C1 100 I1=50
after:  C1; C2; I1:C2 100; P1:C1 100
unsent: C2<C1

before: C1; I1:C1 100; P1:C1 100 I1=80
after:  C1; I1:C1 60; P1:C1 100 I1=60
unsent: I1:C1 100

before: C1; I1:C1 100; N1:C1 80 I1=80
after:  C1; I1:C1 100; N1:C1 80 I1=10; P1:C1 90 I1=90
sent:   N1, P1
waits:  P1 after N1

before: C1; C2; I1:C1 100; P1:C1 100 I1=80
after:  C1; C2; I1:C1 100; P1:C2 100; P2:C1 50 I1=50
sent:   P1, P2
waits:  P2 after P1

before: C1; C2; I1:C1 100; P1:C1 100 I1=80
after:  C1; C2; I1:C1 100; P1:C1 90; P2:C1 50 I1=50
sent:   P1, P2
waits:  P2 after P1

before: C1
after:  C1; I1:C1 5

before: C1; I1:C1 5
after:  C1

before: C1; I1:C1 5; P1:C1 5 I1=5
after:  C1

before: C1; C2<C1; I1:C1 100
after:  C1; C2; C3<C2; I1:C2 100; P1:C3 100 I1=100
sent:   C2, C3, I1, P1
waits:  C3 after C2, P1 after C2, P1 after C3, P1 after I1

before: C1; C2<C1; I1:C1 100; P1:C1 100 I1=100
after:  C1; C2; C3<C2; I1:C1 100; P1:C1 90 I1=90; P2:C1 10 I1=10
sent:   C2, C3, P1, P2
waits:  C3 after C2, P2 after P1

before: C1; I1:C1 100; P1:C1 100 I1=100; P2:C1 50
after:  C1; I1:C1 100; P2:C1 50 I1=50
unsent: P1:C1 100 I1=100

before: C1; C2; C3<C1; C4<C1
after:  C1<C2; C2; C3
unsent: C4<C1
sent:   C3, C1
waits:  C1 after C3

before: C1; C2<C1; C3
after:  C1; C2; C3<C2
sent:   C2, C3
waits:  C3 after C2

before: C1; C2<C1; C3
after:  C1; C2<C3; C3

before: C1; C2<C1; C3; I1:C2 100; P1:C2 100 I1=50
after:  C1; C2<C3; C3; I1:C2 100; P1:C2 100 I1=50

before: C1; C2<C1; C3; I1:C2 100; P1:C1 100 I1=50
after:  C1; C2<C3; C3; I1:C2 100; P1:C3 100 I1=50
sent:   release P1, C2, P1
waits:  C2 after release P1, P1 after C2, P1 after release P1

before: C1; I1:C1 100; P1:C1 100 I1=100; R1:C1 20
after:  C1; I1:C1 100; P1:C1 100 I1=70; R1:C1 30 P1=30
sent:   P1, R1
waits:  R1 after P1

before: C1; I1:C1 100; I2:C1 100; P1:C1 100 I1=100
after:  C1; I1:C1 100; I2:C1 100; P1:C1 100 I1=50 I2=50; P2:C1 50 I1=50
sent:   P1, P2
waits:  P2 after P1

before: C1; I1:C1 100; I2:C1 100; I3:C1 100; P1:C1 100 I1=100; P2:C1 100 I2=100; P3:C1 100 I3=100
after:  C1; I1:C1 100; I2:C1 100; I3:C1 100; P1:C1 100 I2=100; P2:C1 100 I3=100; P3:C1 100 I1=100
sent:   release P1, P3, P2, P1
waits:  P1 after P2, P1 after release P1, P2 after P3, P3 after release P1

before: C1; I1:C1 100; P1:C1 100 I1=60; P2:C1 100 I1=40
after:  C1; I1:C1 80; P1:C1 100 I1=40; P2:C1 100 I1=40
sent:   P1, I1
waits:  I1 after P1

before: C1; I1:C1 100; P1:C1 100 I1=60
after:  C1; I1:C1 60; P1:C1 100 I1=60

before: C1; I1:C1 100; P1:C1 100 I1=60
after:  C1; I1:C1 59; P1:C1 100 I1=60

before: C1; N1:C1 100 I1=60; I1:C1 60
after:  C1; N1:C1 100; I1:C1 60; R1:C1 100 N1=100
sent:   N1, R1
waits:  R1 after N1

before: C1; N1:C1 100 I1=60; I1:C1 60
after:  C1; N1:C1 160 I1=60; I1:C1 60; R1:C1 100 N1=100
sent:   N1, R1
waits:  R1 after N1

before: C1; P1:C1 100; R1:C1 100 P1=100; I1:C1 100
after:  C1; P1:C1 100 I1=100; I1:C1 100
sent:   R1, P1
waits:  P1 after R1

before: C1; P1:C1 100; R1:C1 100 P1=60; I1:C1 100
after:  C1; P1:C1 90 I1=50; I1:C1 100; R1:C1 40 P1=40
sent:   R1, P1
waits:  P1 after R1

before: C1; C2; P1:C1 100; I1:C1 100
after:  C1; C2; I1:C2 100; P1:C2 100 I1=100
sent:   I1, P1
waits:  P1 after I1

before: C1; C2; P1:C1 100 I1=100; I1:C1 100
after:  C1; I1:C1 100; P1:C1 100 I1=50; P2:C1 50 I1=50
sent:   P1, P2
waits:  P2 after P1

before: C1; C2<C1; P1:C2 100; I1:C1 100
after:  C2; I1:C2 100; P1:C2 100 I1=50
sent:   I1, P1
waits:  C1 after C2, P1 after I1

before: C1<C9; C2; C9
after:  C1; C2<C1; C9
sent:   C1, C2
waits:  C2 after C1

before: C1; C2; I1:C1 100; I2:C2 100; P1:C1 100 I1=100; P2:C2 100 I2=100
after:  C1; C2; I1:C2 100; I2:C1 100; P1:C1 100 I2=100; P2:C2 100 I1=100
sent:   release P1, I1, P2, I2, P1
waits:  I1 after release P1, I2 after P2, P1 after I2, P1 after P2, P1 after release P1, P2 after I1, P2 after release P1

before: C0; C1; C2<C1; P1:C2 500
after:  C0; C1<C0; I9:C1 500; P1:C0 500 I9=500
sent:   I9, P1, C2, C1, link P1
waits:  C1 after C2, C2 after P1, link P1 after C1, link P1 after I9, link P1 after P1

before: C1; C2<C1; I1:C1 100; P1:C2 100 I1=50
after:  C1; C2; I1:C1 100; P1:C2 100
sent:   P1, C2
waits:  C2 after P1

before: C1; C2; I1:C1 100; P1:C1 100 I1=1
after:  C1; C2; I1:C2 100; P1:C2 100 I1=1
sent:   release P1, I1, P1
waits:  I1 after release P1, P1 after I1, P1 after release P1

before: C1; C2; I1:C1 100; P1:C1 100 I1=80
after:  C1; C2; I1:C2 100; P1:C2 100
sent:   P1, I1
waits:  I1 after P1

before: C1; C2; I1:C1 100; I2:C1 100; P1:C1 200 I1=100 I2=100
after:  C1; C2; I1:C2 100; I2:C1 100; P1:C1 200 I2=100; P2:C2 100 I1=100
sent:   P1, I1, P2
waits:  I1 after P1, P2 after I1, P2 after P1

before: C1; P1:C1 100 I1=40; I1:C1 100; R1:C1 60 P1=60
after:  C1; P1:C1 100 I1=60; I1:C1 100; R1:C1 60 P1=40
sent:   R1, P1
waits:  P1 after R1

before: C1; P1:C1 100 I1=40; I1:C1 100; I2:C1 50; R1:C1 60 P1=60; P2:C1 50 I2=50
after:  C1; P1:C1 100 I1=40 I2=30; I1:C1 100; I2:C1 50; R1:C1 60 P1=30; P2:C1 50 I2=20 I1=30
sent:   P2, R1, P1
waits:  P1 after P2, P1 after R1

before: C1; C2; C3; I1:C1 100; P1:C1 100 I1=50; I2:C2 100; P2:C2 100 I2=50
after:  C1; C2; C3; I1:C2 100; P1:C2 100 I2=50; I2:C1 100; P2:C1 100 I1=50
sent:   release P1, I1, P2, I2, P1
waits:  I1 after release P1, I2 after P2, P1 after I2, P1 after release P1, P2 after I1

before: C1; C2<C1; C3; I1:C2 100; P1:C1 100 I1=50; R1:C2 10
after:  C1; C2<C3; C3; I1:C2 100; P1:C3 100 I1=50; R1:C2 10
sent:   release P1, C2, P1
waits:  C2 after release P1, P1 after C2, P1 after release P1

before: C1; C2; N1:C1 100 I1=50; I1:C1 100; R1:C1 50 N1=50
after:  C1; C2; N1:C2 100; I1:C1 100; R1:C2 50 N1=50
sent:   release R1, N1, R1
waits:  N1 after release R1, R1 after N1, R1 after release R1

before: C1; C2; P1:C1 100; R1:C1 50 P1=50
after:  C1; C2; R1:C1 50
sent:   R1, P1
waits:  P1 after R1

before: C1; C2; P1:C1 100; P2:C2 100; R1:C1 50 P1=50
after:  C1; C2; P2:C1 100; R1:C1 50 P2=50
sent:   P2, R1, P1
waits:  P1 after R1, R1 after P2

before: C1; C2<C1; I1:C2 10
after:  C1; C2; C3<C2; I1:C3 10; P1:C3 10 I1=10
sent:   C2, C3, I1, P1
waits:  C3 after C2, I1 after C3, P1 after C3, P1 after I1

before: C1; C2<C1; I1:C2 10; P9:C1 10 I1=10
after:  C1; C2; C3<C2; I1:C3 10; P1:C3 10 I1=10; P9:C1 10
sent:   P9, C2, C3, I1, P1
waits:  C2 after P9, C3 after C2, I1 after C3, I1 after P9, P1 after C3, P1 after I1, P1 after P9

before: C1; C2<C1; C3<C1; I1:C2 10; I2:C3 10
after:  C1<C4; C4; C2; I1:C2 10; I2:C2 10
sent:   C2, I2, C3, C1
waits:  C1 after C2, C1 after C3, C3 after I2

before: C1; I1:C1 100; P1:C1 100 I1=60; P2:C1 100 I1=40
after:  C1; I1:C1 100; P1:C1 100 I1=40; P2:C1 100 I1=60
sent:   P1, P2
waits:  P2 after P1

before: C1; I1:C1 100; P1:C1 100 I1=60; P2:C1 100 I1=40; I2:C1 100
after:  C1; I1:C1 100; I2:C1 100; P1:C1 100 I1=40 I2=60; P2:C1 100 I1=60
sent:   P1, P2
waits:  P2 after P1

before: C1; C2<C1; C3; C4<C3
after:  C2; C4
waits:  C1 after C2, C3 after C4

before: C1; I1:C1 100; P1:C1 60 I1=60; P2:C1 40 I1=40
after:  C1; I1:C1 100; P1:C1 70 I1=60; P2:C1 100 I1=30; P3:C1 10 I1=10
sent:   P2, P3
waits:  P3 after P2

before: C1; I1:C1 100; P1:C1 100 I1=100
after:  C1; I1:C1 100; P1:C1 100 I1=99; P2:C1 1 I1=1
sent:   P1, P2
waits:  P2 after P1

before: C1; I1:C1 100; P1:C1 100 I1=80; P2:C1 110 I1=20
after:  C1; I1:C1 120; P1:C1 100 I1=10; P2:C1 110 I1=110
sent:   I1, P1, P2
waits:  P2 after I1, P2 after P1

before: C1; I1:C1 50; P1:C1 100 I1=50; R1:C1 80 P1=20; R2:C1 30 P1=30
after:  C1; I1:C1 50; P1:C1 100 I1=20; R1:C1 80 P1=80; R2:C1 30
sent:   P1, R2, R1
waits:  R1 after P1, R1 after R2

before: C1; I1:C1 50; I2:C1 50; P1:C1 100 I1=50; R1:C1 50 P1=30; R2:C1 20 P1=20
after:  C1; I1:C1 50; I2:C1 50; P1:C1 100 I2=50; R1:C1 50 P1=50; R2:C1 20
sent:   R2, R1
waits:  R1 after R2

before: C1; I1:C1 100; P1:C1 100 I1=40; R1:C1 60 P1=60
after:  C1; I1:C1 100; P1:C1 100 I1=41; R1:C1 60 P1=59
sent:   R1, P1
waits:  P1 after R1
"""  # noqa: E501
