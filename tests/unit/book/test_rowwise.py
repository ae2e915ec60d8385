"""Which models are computed again for single rows of a source table, and which never are."""

from __future__ import annotations

import pytest

from headrace.book.models.rowwise import is_rowwise, of_rows_of


@pytest.mark.parametrize(
    "sql",
    [
        "from t",
        "select a, unnest(b) from t where a > 1",
        "select t.a from t join s using (a)",
        "select t.a from s, t",
        "select t.a from t left join s using (a)",
        "select a from t union all select a from t",
        "with x as (select * from t union all select * from s) select x.a from x join u using (a)",
        "select a from (select * from t) as inner_rows",
        "select list_sum([a]) from t",
    ],
)
def test_selections_joins_and_unions_follow_single_rows(sql: str) -> None:
    assert is_rowwise(sql, ["t"])


@pytest.mark.parametrize(
    "sql",
    [
        "select a, sum(b) from t group by a",
        "select a from t group by all",
        "select max(a) from t",
        "select distinct a from t",
        "select a from t order by a limit 1",
        "select a from t qualify row_number() over (partition by a) = 1",
        "select lag(a) over () from t",
        "select a from s where a in (select a from t)",
        "select a from s where exists (from t where t.a = s.a)",
        "select s.a from s left join t using (a)",
        "select a from t full join s using (a)",
        "select a from s anti join t using (a)",
        "select one.a from t as one join t as other using (a)",
        "with x as (select * from t) select x.a from x join x as y using (a)",
        "select a from t union select a from s",
        "select a from t except select a from s",
        "select a from t using sample 10%",
        "select rowid as a from t",
        "select a from source.t",
        "with recursive r as (select a from t union all select a + 1 from r) from r",
        "select a from t, unnest(t.b)",
        "pivot t on a using sum(b)",
    ],
)
def test_everything_else_runs_as_a_whole(sql: str) -> None:
    assert not is_rowwise(sql, ["t"])


def test_a_table_on_the_optional_side_matters_only_when_it_moves() -> None:
    sql = "select t.a from t left join s using (a)"
    assert is_rowwise(sql, ["t"]) and not is_rowwise(sql, ["s"]) and not is_rowwise(sql, ["t", "s"])


def test_parts_of_a_union_that_do_not_read_the_table_give_nothing() -> None:
    sql = "with x as (select a from t union all select a from s) select a from x"
    assert of_rows_of(sql, "t").count("false") == 1
    assert of_rows_of("select a from t", "t").count("false") == 0
    both = "select a from x union all select a from s"
    assert of_rows_of(f"with x as (from t) {both}", "t").count("false") == 1
