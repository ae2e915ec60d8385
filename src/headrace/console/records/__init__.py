"""The pages of customers, documents and payments: lists, records, and what people set of them."""
