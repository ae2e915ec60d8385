-- Whether any document is linked beyond its amount, by numbers alone.
select exists(
    select key
    from (
        select owner as key, amount from book.link_marks where amount > 0
        union all
        select target, amount from book.link_marks where amount > 0
    )
    join (select key, min(amount) as whole from book.document_marks group by key)
        using (key)
    group by key
    having sum(amount) > any_value(whole)
);
