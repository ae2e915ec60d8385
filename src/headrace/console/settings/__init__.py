"""The pages of what people set for an organisation."""
