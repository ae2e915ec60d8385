-- A PDF needs its document and its bytes; what is wrong with it never holds back its document.
-- Over: documents.
with placed as (
    select 'invoice' as entity, external_id
    from book.invoices
    semi join book.documents using (external_id)
    union
    select 'credit_note', external_id
    from book.credit_notes
    semi join book.documents using (external_id)
)
select
    'error',
    coalesce(pdf.entity, '?') || '_pdf',
    pdf.external_id,
    case
        when pdf.entity not in ('invoice', 'credit_note')
            then 'is of the entity ' || pdf.entity || ', which has no PDFs'
        when placed.external_id is null
            then 'belongs to ' || pdf.entity || ' ' || pdf.external_id || ', which is not there'
        when pdf.location is null then 'has neither location nor content'
        when refused.location is not null
            then 'lies at ' || regexp_replace(pdf.location, '//[^/@]*@', '//') || ', '
                || refused.objection
        else 'lies at ' || pdf.location || ', where there is no file'
    end,
    case
        when pdf.entity not in ('invoice', 'credit_note') then 'write invoice or credit_note'
        when placed.external_id is null then 'add the document, or leave the row out'
        when pdf.location is null then 'give it one of the two'
        when refused.location is not null then refused.remedy
        else 'put the file there or correct its location; the document goes without it'
    end
from book.documents as pdf
left join placed using (entity, external_id)
left join book.files as files using (location)
left join book.refused_files as refused using (location)
where pdf.entity is not null
  and (
      pdf.entity not in ('invoice', 'credit_note')
      or placed.external_id is null
      or (pdf.location is null and pdf.content is null)
      or (files.location is not null and files.mark is null)
      or (refused.location is not null and pdf.content is null)
  );
